"""One example of training: a face, what it is to become, and every random number about it."""

import keras
import numpy as np
import tensorflow as tf

from ganimation_tf.config import TrainConfig
from ganimation_tf.training import augmentation, targets
from ganimation_tf.training.inputs import (
    ACTION_UNITS,
    AUGMENTATION,
    EPSILON,
    HAS_TRUTH,
    IMAGE,
    TARGET,
    TRUTH,
)
from ganimation_tf.training.memory import to_networks

FLIP, SAMPLE, JITTER, PENALTY, PARTNER, PICTURE = range(6)
"""What an example draws random numbers for."""


class Example:
    """A face as an element's example, with all that is random of it.

    Every number is drawn from (seed, position).

    Args:
        pool: float32 (M, N), the AUs of all training faces.
    """

    def __init__(self, pool: np.ndarray, config: TrainConfig):
        self._seed = config.seed
        self._sample = targets.make_sampler(config.target_sampling, pool, config.target_noise)
        self._jittered = _make_jitter(config.jitter) if config.jitter else None
        self._with_truth = bool(config.loss_weights.of_truth)
        self._augmented = config.augmentation > 0

    def _streams(self, position: tf.Tensor) -> tf.Tensor:
        return tf.random.split(tf.stack([tf.constant(self._seed, tf.int64), position]), PICTURE + 1)

    def draw(self, position: tf.Tensor, what: int, limit: int) -> tf.Tensor:
        """int32 in [0, limit)."""
        return tf.random.stateless_uniform((), self._streams(position)[what], 0, limit, tf.int32)

    def __call__(self, position, image, source, truth=None, truth_units=None, known=None):
        """The example.

        Args:
            position: int64, of the example in the training.
            image: uint8 (S, S, 3), and its AUs `source`, float32 (N,).
            truth: the other picture of the pair with `truth_units`, where `known`; `image` else.
        """
        stream = self._streams(position)
        target = tf.ensure_shape(self._sample(source, stream[SAMPLE]), source.shape)
        if truth is None:
            truth, known = image, tf.constant(False)
        else:
            target = tf.where(known, truth_units, target)
        both = tf.concat([image, truth], axis=-1)  # one draw flips both
        both = tf.image.stateless_random_flip_left_right(both, stream[FLIP])
        image, truth = tf.split(both, 2, axis=-1)
        if self._jittered is not None:
            image, truth = (self._jittered(to_networks(x), stream[JITTER]) for x in (image, truth))
        element = {
            IMAGE: image,
            ACTION_UNITS: source,
            TARGET: target,
            EPSILON: tf.random.stateless_uniform((), stream[PENALTY]),
        }
        if self._with_truth:
            element |= {TRUTH: truth, HAS_TRUTH: tf.cast(known, tf.float32)}
        if self._augmented:
            numbers = tf.random.stateless_uniform((augmentation.NUMBERS,), stream[PICTURE])
            element[AUGMENTATION] = numbers
        return element


def _make_jitter(share: float):
    """A function of (image, seed): brightness and contrast changed by U(-share, share), clipped.

    By Keras's layers, but with numbers of ours: their own generators count calls, and a run that
    goes on after an interruption would draw others.
    """
    low, high = -1.0, 1.0
    brighten = keras.layers.RandomBrightness(share, (low, high))
    contrast = keras.layers.RandomContrast(share, (low, high))

    def jittered(image, seed):
        drawn = tf.random.stateless_uniform((2, 1, 1, 1), seed, -share, share)
        image = brighten.transform_images(image, {"rgb_delta": drawn[0] * (high - low)})
        return contrast.transform_images(image, {"contrast_factor": 1.0 + drawn[1]})

    return jittered
