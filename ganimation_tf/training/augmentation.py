"""Pictures of one face turned, lit and spoilt alike, so that the one stays the truth of the other.

Batched and made of what XLA fuses, to run on the device inside the training step: one picture at
a time on the host cannot feed a GPU. All random numbers come with the example (see `dataset`), as
`NUMBERS` of them ~ U[0, 1); what they become depends on the example alone.
"""

import math
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from ganimation_tf.networks.warp import pixel_grid, sample
from ganimation_tf.training import inputs
from ganimation_tf.training.memory import to_networks

TURN, SCALE, SHIFT = math.radians(8.0), 0.08, 0.03
"""Largest turn, in radians; change of scale; shift, of the side."""

GAIN, LIFT, TINT = 0.25, 0.1, 0.1
"""Largest change of contrast; of brightness; of each colour's strength."""

NOISE = 0.04
"""Half the widest range of the noise, of black to white."""

OFTEN, SELDOM = 0.3, 0.08
"""How often a picture is blurred, is noisy, is coarsely compressed; and how often it is grey."""

COARSEST = 3.0
"""Steps of compression, of `QUANTA`; 3 is JPEG's quality 17."""

NUMBERS = 16

LUMA = (0.299, 0.587, 0.114)

QUANTA = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)
"""Of 255: the luminance table of JPEG's standard (ITU-T T.81, table K.1), which is quality 50."""


def augment(pictures: tf.Tensor, numbers: tf.Tensor, strength: float) -> tf.Tensor:
    """The pictures of each example changed alike.

    Args:
        pictures: float32 (B, P, S, S, 3) in [-1, 1]: P pictures of one face.
        numbers: float32 (B, NUMBERS) ~ U[0, 1).
        strength: factor of every extent; 0 leaves the pictures as they are.

    Returns:
        float32 (B, P, S, S, 3) in [-1, 1].
    """
    count, size = pictures.shape[1], pictures.shape[2]
    # Pictures as further channels: they share one sampling, and every factor broadcasts.
    x = tf.reshape(tf.transpose(pictures, (0, 2, 3, 1, 4)), (-1, size, size, count * 3))
    x = _moved(x, numbers[:, :4], strength)
    x = tf.reshape((x + 1.0) / 2.0, (-1, size, size, count, 3))
    x = _lit(x, numbers[:, 4:10], strength)
    x = _blurred(x, _sometimes(numbers[:, 10], OFTEN) * strength)
    x = x + strength * NOISE * _noise(numbers[:, 11:14], size)
    x = _compressed(x, _sometimes(numbers[:, 14], OFTEN) * strength * COARSEST)
    x = _grey(x, tf.cast(numbers[:, 15] < SELDOM * strength, tf.float32))
    return tf.transpose(tf.clip_by_value(x, 0.0, 1.0) * 2.0 - 1.0, (0, 3, 1, 2, 4))


def augmented(batch: Mapping[str, tf.Tensor], strength: float) -> dict[str, tf.Tensor]:
    """A training batch with its images in [-1, 1], augmented where it has numbers for that.

    Args:
        batch: as `inputs` describes a micro-batch; images uint8, or float32 in [-1, 1].
    """
    batch = dict(batch)
    pictures = [name for name in (inputs.IMAGE, inputs.TRUTH) if name in batch]
    for name in pictures:
        batch[name] = to_networks(batch[name])
    numbers = batch.pop(inputs.AUGMENTATION, None)
    if numbers is not None and strength:
        both = tf.stack([batch[name] for name in pictures], axis=1)
        both = tf.unstack(augment(both, numbers, strength), axis=1)
        batch |= dict(zip(pictures, both, strict=True))
    return batch


def _each(values: tf.Tensor) -> tf.Tensor:
    """One number for each example, (B,), to the rank of the pictures."""
    return tf.reshape(values, (-1, 1, 1, 1, 1))


def _sometimes(number: tf.Tensor, share: float) -> tf.Tensor:
    """~ U[0, 1) for that share of the examples, 0 for the others."""
    return tf.maximum(1.0 - number / share, 0.0)


def _moved(x: tf.Tensor, numbers: tf.Tensor, strength: float) -> tf.Tensor:
    """Turned and scaled about the centre, and shifted; (B, S, S, C)."""
    size = x.shape[1]
    drawn = (2.0 * numbers - 1.0) * strength
    turn, scale = TURN * drawn[:, 0], 1.0 + SCALE * drawn[:, 1]
    shift = SHIFT * size * drawn[:, None, None, 2:4]
    across, along = (tf.reshape(scale * f(turn), (-1, 1, 1)) for f in (tf.cos, tf.sin))
    centre = (size - 1) / 2
    grid = pixel_grid(size, size) - centre
    places = tf.stack(
        [
            across * grid[..., 0] - along * grid[..., 1],
            along * grid[..., 0] + across * grid[..., 1],
        ],
        axis=-1,
    )
    return sample(x, places + centre + shift)


def _lit(x: tf.Tensor, numbers: tf.Tensor, strength: float) -> tf.Tensor:
    """Brightness, contrast and the strength of each colour changed."""
    drawn = (2.0 * numbers - 1.0) * strength
    tint = 1.0 + TINT * tf.reshape(drawn[:, :3], (-1, 1, 1, 1, 3))
    contrast, lift = 1.0 + GAIN * _each(drawn[:, 3]), LIFT * _each(drawn[:, 4])
    return (x * tint - 0.5) * contrast + 0.5 + lift


def _blurred(x: tf.Tensor, amount: tf.Tensor) -> tf.Tensor:
    """Mixed with its mean under 1 4 6 4 1 along both sides; deviation 1 pixel."""
    smooth = x
    for axis in (1, 2):
        paddings = [[2, 2] if a == axis else [0, 0] for a in range(5)]
        padded = tf.pad(smooth, paddings, "SYMMETRIC")
        size = x.shape[axis]
        weights = (1, 4, 6, 4, 1)
        taps = [
            weight / 16 * (padded[:, i : i + size] if axis == 1 else padded[:, :, i : i + size])
            for i, weight in enumerate(weights)
        ]
        smooth = tf.add_n(taps)
    return x + _each(tf.minimum(amount, 1.0)) * (smooth - x)


def _noise(numbers: tf.Tensor, size: int) -> tf.Tensor:
    """The same noise for all pictures of an example, (B, S, S, 1, 3) in [-1, 1].

    Integers hashed with the example's own: TensorFlow's generators take one seed for a whole
    batch, and its share on a device would change with the number of devices.
    """
    count = size * size * 3
    seeds = tf.cast(numbers[:, 1:] * 2.0**24, tf.uint32)
    of_example = seeds[:, :1] * np.uint32(0x9E3779B1) + seeds[:, 1:]
    values = (np.arange(count, dtype=np.uint64) * 0x85EBCA77 % 2**32).astype(np.uint32)
    values = of_example + values[None]
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        values = tf.bitwise.bitwise_xor(values, tf.bitwise.right_shift(values, np.uint32(shift)))
        values *= np.uint32(factor)
    values = tf.bitwise.right_shift(values, np.uint32(8))
    noise = tf.cast(values, tf.float32) / 2.0**23 - 1.0
    return _each(_sometimes(numbers[:, 0], OFTEN)) * tf.reshape(noise, (-1, size, size, 1, 3))


def _cosines() -> np.ndarray:
    """The orthonormal cosine transform of 8 values, float32 (8, 8)."""
    k, n = np.mgrid[:8, :8]
    matrix = np.cos(math.pi * k * (2 * n + 1) / 16) / 2
    matrix[0] /= math.sqrt(2)
    return matrix.astype(np.float32)


def _compressed(x: tf.Tensor, coarseness: tf.Tensor) -> tf.Tensor:
    """Rounded as JPEG rounds: cosine transforms of 8 x 8 pixels, to steps of `QUANTA`.

    Each colour by itself, with no step for chroma, and only where `coarseness`, (B,), is not 0.
    """
    size, count = x.shape[1], x.shape[3]
    beyond = -size % 8
    padded = tf.pad(x, [[0, 0], [0, beyond], [0, beyond], [0, 0], [0, 0]], "SYMMETRIC")
    blocks = (size + beyond) // 8
    padded = tf.reshape(padded, (-1, blocks, 8, blocks, 8, count * 3))
    cosines = _cosines()
    waves = tf.einsum("kn,bynxmc,lm->byxckl", cosines, padded, cosines)
    # Where nothing is rounded the step is so small that it does not show.
    step = tf.maximum(coarseness, 1e-4)[:, None, None] * np.ravel(QUANTA / 255)
    flat = tf.reshape(waves, (-1, blocks * blocks * count * 3, 64))
    waves = tf.reshape(tf.round(flat / step) * step, tf.shape(waves))
    back = tf.einsum("kn,byxckl,lm->bynxmc", cosines, waves, cosines)
    back = tf.reshape(back, (-1, size + beyond, size + beyond, count, 3))
    return back[:, :size, :size]


def _grey(x: tf.Tensor, amount: tf.Tensor) -> tf.Tensor:
    grey = tf.reduce_sum(x * LUMA, axis=-1, keepdims=True)
    return x + _each(amount) * (grey - x)
