"""The model of a plan: both networks, both optimizers, the learning rate over time."""

import pathlib

import keras
import tensorflow as tf

from ganimation_tf.config import TrainConfig
from ganimation_tf.errors import UserError
from ganimation_tf.networks.critic import build_critic
from ganimation_tf.networks.generator import build_generator
from ganimation_tf.training import runs
from ganimation_tf.training.model import GANimation
from ganimation_tf.training.plan import Plan


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


def build_model(plan: Plan) -> GANimation:
    """Both networks and the compiled model; call inside the strategy's scope.

    Raises:
        UserError: if the dataset's image size does not fit the networks.
    """
    config, manifest, total_steps = plan.config, plan.manifest, plan.steps
    size, units = manifest.crop.size, len(manifest.action_units)
    try:
        generator = build_generator(
            size,
            units,
            config.filters,
            config.residual_blocks,
            config.seed,
            config.conditioning,
            config.relative,
        )
        critic = build_critic(
            size, units, config.critic_filters, config.critic_layers, config.seed + 1
        )
    except ValueError as error:
        raise UserError(str(error)) from error
    model = GANimation(
        generator,
        critic,
        config.loss_weights,
        config.critic_steps,
        relative=config.relative,
        average=config.average,
    )
    constant = round(total_steps * config.epochs / (config.epochs + config.decay_epochs))

    def adam(updates_per_step: int) -> keras.optimizers.Optimizer:
        schedule = LinearDecay(
            config.learning_rate,
            constant * updates_per_step,
            (total_steps - constant) * updates_per_step,
        )
        # Not TensorFlow's fused kernel, three times as fast: its results vary in the last bits
        # from run to run, and a resumed run would not be the same.
        return keras.optimizers.Adam(schedule, config.beta_1, config.beta_2, epsilon=1e-8)

    model.compile(adam(1), adam(config.critic_steps))
    return model


def load_run(run: pathlib.Path, best: bool = False) -> GANimation:
    """The model of a run, not compiled; its generator is the one that is kept for use.

    Args:
        best: the networks that did best in evaluation, not the last ones.

    Raises:
        UserError: if it is no run or has no such networks yet.
    """
    config = TrainConfig.from_dict(runs.read_facts(run)["train"])
    directory = runs.best_networks(run) if best else run
    generator, critic = (runs.load_network(directory, name) for name in ("generator", "critic"))
    return GANimation(
        generator, critic, config.loss_weights, config.critic_steps, relative=config.relative
    )
