"""How long a training is: whether it is enough to see anything, and what it takes here."""

import logging
import math
import time

import numpy as np
import tensorflow as tf

from ganimation_tf.config import TrainConfig
from ganimation_tf.training import augmentation
from ganimation_tf.training.inputs import (
    ACTION_UNITS,
    AUGMENTATION,
    EPSILON,
    HAS_TRUTH,
    IMAGE,
    TARGET,
    TRUTH,
)
from ganimation_tf.training.model import GANimation

SEEN_WITH_PAIRS, SEEN_WITHOUT = 500, 2_000
"""Updates of the generator from which edits can be seen, with the truth of pairs and without:
docs/training.md has the runs."""

TIMED = 3
"""Steps whose median is taken."""

ROWS_ON_CPU = 2
"""Rows of a batch that are timed on a CPU, where a step takes as long as it has images."""

log = logging.getLogger(__name__)


def shows_something(config: TrainConfig, steps: int) -> bool:
    """Whether the edits of a run of so many steps can be expected to be seen."""
    return steps >= _seen_from(config)


def verdict(config: TrainConfig, steps: int) -> str:
    """`shows_something` in words."""
    kind = "with pairs" if config.loss_weights.of_truth else "without the truth of pairs"
    wanted = f"{kind}, edits can be seen from about {_seen_from(config):,} updates on"
    if shows_something(config, steps):
        return f"{steps:,} updates of the generator: {wanted}"
    return f"{steps:,} updates of the generator are too few to see anything: {wanted}"


def tell(config: TrainConfig, steps: int) -> None:
    """Logs the verdict, as a warning where nothing will be seen."""
    enough = shows_something(config, steps)
    log.log(logging.INFO if enough else logging.WARNING, "%s", verdict(config, steps))


def _seen_from(config: TrainConfig) -> int:
    return SEEN_WITH_PAIRS if config.loss_weights.of_truth else SEEN_WITHOUT


def seconds_per_step(model: GANimation, config: TrainConfig) -> float:
    """What a step takes on this machine now, compilation left out; changes the model's weights.

    On a CPU a step of two rows is timed and multiplied: that tells it within a fifth or so.

    Args:
        model: compiled; on one device.
    """
    rows = config.batch_size
    if not tf.config.list_logical_devices("GPU"):
        rows = min(rows, ROWS_ON_CPU)
    batch = _batch(model, config, rows)
    step = tf.function(model.train_step)
    _wait(step(batch))
    times = []
    for _ in range(TIMED):
        began = time.perf_counter()
        _wait(step(batch))
        times.append(time.perf_counter() - began)
    return float(np.median(times)) * config.batch_size / rows


def _batch(model: GANimation, config: TrainConfig, rows: int) -> dict[str, tf.Tensor]:
    """An element as `dataset.training` makes them, of noise."""
    rng = np.random.default_rng(0)
    lead = (rows, config.critic_steps)
    size, units = model.generator.inputs[0].shape[1], model.generator.inputs[1].shape[1]
    image = rng.integers(0, 256, (*lead, size, size, 3), np.uint8)
    values = {
        IMAGE: image,
        ACTION_UNITS: rng.random((*lead, units), np.float32),
        TARGET: rng.random((*lead, units), np.float32),
        EPSILON: rng.random(lead, np.float32),
    }
    if config.loss_weights.of_truth:
        values |= {TRUTH: image[::-1], HAS_TRUTH: np.ones(lead, np.float32)}
    if config.augmentation:
        values[AUGMENTATION] = rng.random((*lead, augmentation.NUMBERS), np.float32)
    return {name: tf.constant(value) for name, value in values.items()}


def _wait(terms) -> None:
    for value in terms.values():
        value.numpy()


def duration(seconds: float) -> str:
    """`3 minutes`, `2.5 hours`, `4 days`: about as exact as an estimate is."""
    if seconds < 90 * 60:
        minutes = max(1, math.ceil(seconds / 60))
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} hours"
    return f"{seconds / 86400:.0f} days"
