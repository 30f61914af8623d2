"""The model of a plan: both networks, both optimizers, the learning rate over time."""

import pathlib

import keras
import numpy as np

from ganimation_tf.config import BFLOAT16, ESTIMATOR, ON, TrainConfig
from ganimation_tf.errors import UserError
from ganimation_tf.expressions import prototypes
from ganimation_tf.networks.critic import build_critic
from ganimation_tf.networks.estimator import build_estimator
from ganimation_tf.networks.generator import build_generator
from ganimation_tf.training import runs, saved_networks
from ganimation_tf.training.model import GANimation
from ganimation_tf.training.plan import Plan
from ganimation_tf.training.schedules import make_schedule


def build_model(plan: Plan) -> GANimation:
    """Both networks and the compiled model; call inside the strategy's scope.

    Raises:
        UserError: if the dataset's image size does not fit the networks.
    """
    config, manifest = plan.config, plan.manifest
    try:
        labels = prototypes(manifest.action_units) if config.labels else None
        model = build_networks(config, manifest.crop.size, len(manifest.action_units), labels)
    except ValueError as error:
        raise UserError(str(error)) from error
    model.compile(
        _adam(config, make_schedule(config, plan.steps)),
        _adam(config, make_schedule(config, plan.steps, config.critic_steps)),
        loss_weights=config.loss_weights,
        jit_compile=config.compile == ON,
    )
    return model


def build_networks(
    config: TrainConfig, image_size: int, action_units: int, labels: np.ndarray | None = None
) -> GANimation:
    """Both networks of a config, in a model that is not compiled.

    Args:
        labels: see `build_generator`.

    Raises:
        ValueError: if the image size does not fit the networks.
    """
    generator = build_generator(
        image_size,
        action_units,
        config.filters,
        config.residual_blocks,
        config.seed,
        config.conditioning,
        config.relative,
        config.skips,
        config.flow,
        labels,
        config.film_gain,
    )
    build = build_estimator if config.critic == ESTIMATOR else build_critic
    critic = build(
        image_size, action_units, config.critic_filters, config.critic_layers, config.seed + 1
    )
    return GANimation(
        generator,
        critic,
        config.critic_steps,
        relative=config.relative,
        average=config.average,
        augmentation=config.augmentation,
        dtype=f"mixed_{BFLOAT16}" if config.precision == BFLOAT16 else None,
    )


def _adam(config: TrainConfig, rate) -> keras.optimizers.Optimizer:
    # Not TensorFlow's fused kernel, three times as fast on a CPU: its results vary in the last
    # bits from run to run, and a resumed run would not be the same.
    return keras.optimizers.Adam(
        rate,
        config.beta_1,
        config.beta_2,
        epsilon=1e-8,
        weight_decay=config.weight_decay or None,
    )


def load_run(run: pathlib.Path, best: bool = False) -> GANimation:
    """The model of a run, not compiled; its generator is the one that is kept for use.

    Args:
        best: the networks that did best in evaluation, not the last ones.

    Raises:
        UserError: if it is no run or has no such networks yet.
    """
    config = TrainConfig.from_dict(runs.read_facts(run)["train"])
    directory = saved_networks.best_networks(run) if best else run
    generator, critic = (
        saved_networks.load_network(directory, name) for name in ("generator", "critic")
    )
    return GANimation(generator, critic, config.critic_steps, relative=config.relative)
