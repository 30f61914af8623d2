"""A training run: a numbered directory, two networks, `fit`."""

import json
import math
import os
import pathlib
import platform
import re
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganimation_tf import __version__, action_units, callbacks, dataset, networks
from ganimation_tf.config import TrainConfig
from ganimation_tf.errors import UserError
from ganimation_tf.manifest import EVAL, TRAIN, Manifest
from ganimation_tf.model import GANimation

CONFIG = "config.json"
SAMPLES = 8
"""Faces in the sample grid."""


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
        return keras.optimizers.Adam(schedule, config.beta_1, config.beta_2, epsilon=1e-8)

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


def new_run(runs: pathlib.Path, label: str) -> pathlib.Path:
    """Makes `runs/<next number>-<label>` and returns it."""
    runs.mkdir(parents=True, exist_ok=True)
    numbers = [int(m[1]) for p in runs.iterdir() if (m := re.match(r"(\d{5})-", p.name))]
    run = runs / f"{max(numbers, default=-1) + 1:05d}-{label}"
    run.mkdir()
    for name in ("checkpoints", "logs", "samples"):
        (run / name).mkdir()
    return run


def environment() -> dict[str, Any]:
    """Versions and devices, for `environment.json`."""
    return {
        "ganimation_tf": __version__,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "devices": [device.name for device in tf.config.list_logical_devices()],
    }


def _write_json(path: pathlib.Path, facts: dict[str, Any]) -> None:
    path.write_text(json.dumps(facts, indent=2) + "\n")


def _open_run(runs, resume, config, manifest, preset, steps) -> pathlib.Path:
    facts = {
        "preset": preset,
        "train": config.to_dict(),
        "steps": steps,
        "dataset": {
            "action_units": list(manifest.action_units),
            "crop": {"size": manifest.crop.size, "margin": manifest.crop.margin},
            "digest": manifest.digest(),
            "records": {split: manifest.records(split) for split in (TRAIN, EVAL)},
        },
    }
    if resume is None:
        units, size = len(manifest.action_units), manifest.crop.size
        run = new_run(runs, f"{preset}-{size}px-{units}au-batch{config.batch_size}")
        _write_json(run / CONFIG, facts)
        _write_json(run / "environment.json", environment())
        return run
    try:
        saved = json.loads((resume / CONFIG).read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{resume} is not a run: cannot read {CONFIG}: {error}") from error
    action_units.require_same(
        saved["dataset"]["action_units"], manifest.action_units, f"{resume} and the dataset"
    )
    changed = [key for key in ("train", "steps", "dataset") if saved[key] != facts[key]]
    if changed:
        raise UserError(
            f"{resume} cannot go on: {changed[0]} was {json.dumps(saved[changed[0]])} "
            f"and is now {json.dumps(facts[changed[0]])}"
        )
    return resume


def train(
    data: pathlib.Path,
    runs: pathlib.Path,
    config: TrainConfig,
    *,
    preset: str,
    steps: int | None = None,
    resume: pathlib.Path | None = None,
    verbose: str | int = "auto",
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
    dataset.shard_paths(data, manifest, EVAL)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(config.seed)
    strategy = choose_strategy()
    replicas = strategy.num_replicas_in_sync
    if config.batch_size % replicas:
        raise UserError(
            f"--batch-size must be a multiple of the {replicas} devices, got {config.batch_size}"
        )
    with strategy.scope():
        model = build_model(config, manifest, total_steps)
        run = _open_run(runs, resume, config, manifest, preset, total_steps)
        checkpoints = callbacks.Checkpoints(run)
        start = checkpoints.restore(model)
    validation = dataset.evaluation(data, manifest, batch_size=config.batch_size)
    shown = next(iter(dataset.evaluation(data, manifest, batch_size=SAMPLES)))
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
            callbacks.StopAtStep(total_steps),
            checkpoints,
            callbacks.MetricsLog(run / "metrics.jsonl", config.batch_size * config.critic_steps),
            keras.callbacks.TensorBoard(run / "logs", write_graph=False),
            callbacks.SampleGrid(shown, run / "samples", run / "logs"),
        ],
        shuffle=False,  # the dataset is shuffled by seed and position
        verbose=verbose,
    )
    return run
