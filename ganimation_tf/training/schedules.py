"""The learning rate over a run, by its config and its number of steps."""

import keras

from ganimation_tf.config import COSINE, TrainConfig
from ganimation_tf.training.optimizers import LinearDecay

WARM_UP = 0.01
"""Share of the steps in which a cosine's rate rises from 0."""


def make_schedule(
    config: TrainConfig, steps: int, updates_per_step: int = 1
) -> keras.optimizers.schedules.LearningRateSchedule:
    """The rate by the number of updates.

    Args:
        steps: of the whole run.
        updates_per_step: of the network whose rate it is.
    """
    updates = steps * updates_per_step
    if config.schedule == COSINE:
        warm_up = max(1, round(WARM_UP * updates))
        return keras.optimizers.schedules.CosineDecay(
            0.0, max(1, updates - warm_up), warmup_target=config.learning_rate, warmup_steps=warm_up
        )
    constant = round(steps * config.epochs / (config.epochs + config.decay_epochs))
    return LinearDecay(
        config.learning_rate, constant * updates_per_step, (steps - constant) * updates_per_step
    )


def rate_at(config: TrainConfig, steps: int, step: int) -> float:
    """The generator's rate at a step of a run of `steps`."""
    return float(make_schedule(config, steps)(step))
