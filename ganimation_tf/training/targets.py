"""Which expression a training face is asked to take: three ways to draw target AUs.

Each returns a function of one face, for `tf.data`, that draws from the seed it is given. A target
is always a whole vector that some face has, or a face's own with one entry changed: entries drawn
one by one would make expressions that no face can take.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ganimation_tf.config import BALANCED, FROM_DATA, SINGLE

ACTIVE = 0.2
"""Intensity in [0, 1] from which an AU counts as active: 1 of OpenFace's 5."""

Sampler = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""Takes a face's own AUs, float32 (N,), and a seed, (2,); returns target AUs, float32 (N,)."""


def make_sampler(kind: str, pool: np.ndarray, noise: float) -> Sampler:
    """The sampler of `TrainConfig.target_sampling`.

    Args:
        kind: `config.FROM_DATA`, `SINGLE` or `BALANCED`.
        pool: float32 (M, N), the AUs of all training faces.
        noise: U(-noise, noise) is added to each AU of another face, not clipped, as in the
            published code. `SINGLE` has none: it changes one AU, to a value that is random already.
    """
    if kind == SINGLE:
        return _single(pool)
    return _with_noise({FROM_DATA: _from_data, BALANCED: _balanced}[kind](pool), noise)


def _with_noise(sample: Sampler, noise: float) -> Sampler:
    def noisy(source, seed):
        of_sample, of_noise = tf.unstack(tf.random.split(seed, 2))
        target = sample(source, of_sample)
        return target + tf.random.stateless_uniform(
            tf.shape(target), of_noise, -noise, noise, tf.float32
        )

    return noisy


def _below(limit, seed) -> tf.Tensor:
    return tf.random.stateless_uniform((), seed, 0, limit, tf.int32)


def _from_data(pool: np.ndarray) -> Sampler:
    """The AUs of another training face, each as likely (section 5)."""
    faces = tf.constant(pool)
    return lambda _, seed: faces[_below(len(pool), seed)]


def _single(pool: np.ndarray) -> Sampler:
    """The face's own AUs but for one, which takes a value ~ U[0, 1)."""
    units = pool.shape[1]

    def sample(source, seed):
        which, value = tf.unstack(tf.random.split(seed, 2))
        changed = tf.one_hot(_below(units, which), units, on_value=True, off_value=False)
        return tf.where(changed, tf.random.stateless_uniform((), value), source)

    return sample


def _balanced(pool: np.ndarray) -> Sampler:
    """The AUs of a face in which an AU is active that was drawn first, each AU as likely.

    An AU that no face shows is left out of the draw; with none at all every face is as likely.
    """
    holders = [np.flatnonzero(column >= ACTIVE) for column in pool.T]
    holders = [faces_with for faces_with in holders if len(faces_with)] or [np.arange(len(pool))]
    faces, rows = tf.constant(pool), tf.constant(np.concatenate(holders).astype(np.int32))
    counts = np.array([len(faces_with) for faces_with in holders], np.int32)
    starts = tf.constant(np.cumsum(counts, dtype=np.int32) - counts)
    counts = tf.constant(counts)

    def sample(_, seed):
        which, member = tf.unstack(tf.random.split(seed, 2))
        unit = _below(len(holders), which)
        return faces[rows[starts[unit] + _below(counts[unit], member)]]

    return sample
