"""What `GANimation.compile` makes of the optimizers that it is given."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="ganimation_tf")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Constant for `constant_steps`, then linear to zero over `decay_steps`.

    The published code lowers the rate once per epoch; this is the straight line through it.
    """

    def __init__(self, initial: float, constant_steps: int, decay_steps: int):
        self.initial = initial
        self.constant_steps = constant_steps
        self.decay_steps = decay_steps

    def __call__(self, step):
        if not self.decay_steps:
            return tf.constant(self.initial, tf.float32)
        done = (tf.cast(step, tf.float32) - self.constant_steps) / self.decay_steps
        return self.initial * (1.0 - tf.clip_by_value(done, 0.0, 1.0))

    def get_config(self):
        return {
            "initial": self.initial,
            "constant_steps": self.constant_steps,
            "decay_steps": self.decay_steps,
        }


def make_optimizer(given: str | Mapping[str, Any] | keras.optimizers.Optimizer):
    """An optimizer from its name, its config, or itself."""
    return keras.optimizers.get(dict(given) if isinstance(given, Mapping) else given)
