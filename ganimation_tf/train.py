"""A training run: a numbered directory, two networks, `fit`."""

import logging
import math
import pathlib

import keras
import tensorflow as tf

from ganimation_tf import dataset, networks
from ganimation_tf.adam import FusedAdam
from ganimation_tf.callbacks.checkpoints import Checkpoints
from ganimation_tf.callbacks.metrics_log import MetricsLog
from ganimation_tf.callbacks.progress import Progress, StopAtStep
from ganimation_tf.callbacks.samples import SampleGrid
from ganimation_tf.config import TrainConfig
from ganimation_tf.errors import UserError
from ganimation_tf.manifest import EVAL, TRAIN, Manifest
from ganimation_tf.model import GANimation
from ganimation_tf.runs import open_run

SAMPLES = 8
"""Faces in the sample grid."""

log = logging.getLogger(__name__)


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


def build_model(config: TrainConfig, manifest: Manifest, total_steps: int) -> GANimation:
    """Both networks and the compiled model; call inside the strategy's scope.

    Raises:
        UserError: if the dataset's image size does not fit the networks.
    """
    size, units = manifest.crop.size, len(manifest.action_units)
    try:
        generator = networks.build_generator(
            size, units, config.filters, config.residual_blocks, config.seed
        )
        critic = networks.build_critic(
            size, units, config.critic_filters, config.critic_layers, config.seed + 1
        )
    except ValueError as error:
        raise UserError(str(error)) from error
    model = GANimation(generator, critic, config.loss_weights, config.critic_steps)
    constant = round(total_steps * config.epochs / (config.epochs + config.decay_epochs))

    def adam(updates_per_step: int) -> keras.optimizers.Optimizer:
        schedule = LinearDecay(
            config.learning_rate,
            constant * updates_per_step,
            (total_steps - constant) * updates_per_step,
        )
        return FusedAdam(schedule, config.beta_1, config.beta_2, epsilon=1e-8)

    model.compile(adam(1), adam(config.critic_steps))
    return model


def steps_per_epoch(config: TrainConfig, manifest: Manifest) -> int:
    """Generator updates in one pass over the training images, at least 1."""
    return max(1, manifest.records(TRAIN) // (config.batch_size * config.critic_steps))


def choose_strategy() -> tf.distribute.Strategy:
    """`MirroredStrategy` over several GPUs; the default strategy for one device."""
    gpus = tf.config.list_physical_devices("GPU")
    logical = tf.config.list_logical_devices("GPU" if gpus else "CPU")
    if len(logical) > 1:
        return tf.distribute.MirroredStrategy([device.name for device in logical])
    return tf.distribute.get_strategy()


def train(
    data: pathlib.Path,
    runs: pathlib.Path,
    config: TrainConfig,
    *,
    preset: str,
    steps: int | None = None,
    resume: pathlib.Path | None = None,
) -> pathlib.Path:
    """Trains on a dataset of `ganimation preprocess` and returns the run's directory.

    Args:
        data: directory of the dataset.
        runs: where the numbered run directory is made.
        preset: the name that `config` started from, for the record.
        steps: generator updates; None: as many as the config's epochs make.
        resume: a run to go on with instead of a new one.

    Raises:
        UserError: if dataset, config and run do not fit each other.
    """
    manifest = Manifest.load(data)
    epoch_steps = steps_per_epoch(config, manifest)
    total_steps = steps or epoch_steps * (config.epochs + config.decay_epochs)
    dataset.shard_paths(data, manifest, TRAIN)
    strategy = choose_strategy()
    _check_devices(strategy, config)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(config.seed)
    with strategy.scope():
        model = build_model(config, manifest, total_steps)
        run = open_run(runs, resume, config, manifest, preset, total_steps)
        checkpoints = Checkpoints(run)
        start = checkpoints.restore(model)
    validation, shown = _evaluation(data, manifest, config.batch_size)
    images_per_step = config.batch_size * config.critic_steps
    model.fit(
        dataset.training(
            data,
            manifest,
            batch_size=config.batch_size,
            critic_steps=config.critic_steps,
            target_noise=config.target_noise,
            seed=config.seed,
            start_step=start,
        ),
        initial_epoch=start // epoch_steps,
        epochs=math.ceil(total_steps / epoch_steps),
        steps_per_epoch=epoch_steps,
        validation_data=validation,
        callbacks=[
            StopAtStep(total_steps),
            Progress(total_steps, images_per_step, log.info),
            checkpoints,
            MetricsLog(run / "metrics.jsonl", images_per_step),
            keras.callbacks.TensorBoard(run / "logs", write_graph=False),
            SampleGrid(shown, run / "samples", run / "logs"),
        ],
        shuffle=False,  # the dataset is shuffled by seed and position
        verbose=0,  # `Progress` says it in one line
    )
    return run


def _check_devices(strategy: tf.distribute.Strategy, config: TrainConfig) -> None:
    replicas = strategy.num_replicas_in_sync
    if config.batch_size % replicas:
        raise UserError(
            f"--batch-size must be a multiple of the {replicas} devices, got {config.batch_size}"
        )


def _evaluation(data: pathlib.Path, manifest: Manifest, batch_size: int):
    """What to validate on, None without an eval split; and the faces of the sample grid."""
    split = EVAL if manifest.records(EVAL) else TRAIN
    shown = next(iter(dataset.evaluation(data, manifest, batch_size=SAMPLES, split=split)))
    if split == EVAL:
        return dataset.evaluation(data, manifest, batch_size=batch_size), shown
    log.warning("%s has no eval split: nothing is validated, samples are training faces", data)
    return None, shown
