"""A split's faces in memory, where any of them can be had at once: pairs need both pictures.

Decoded where that fits, which spares a decoding each epoch; else as they are encoded.
"""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

SHARE = 0.25
"""Of the machine's memory that decoded faces may take; encoded ones take about a tenth of it."""

UNPAIRED = -1


def decode_image(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """An encoded crop as uint8 (size, size, 3)."""
    image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    return tf.ensure_shape(image, (size, size, 3))


def to_networks(image: tf.Tensor) -> tf.Tensor:
    """uint8 as float32 in [-1, 1]; what is float already, as it is."""
    return tf.cast(image, tf.float32) / 127.5 - 1.0 if image.dtype == tf.uint8 else image


@dataclasses.dataclass(frozen=True, eq=False)
class Faces:
    """Faces and which of them are pictures of one pair.

    Attributes:
        images: uint8 (M, S, S, 3), or string (M,), encoded.
        action_units: float32 (M, N) in [0, 1].
        groups: int (M,): faces of one number are pairs of each other; `UNPAIRED`: of none.
        size: S.
    """

    images: tf.Tensor
    action_units: np.ndarray
    groups: np.ndarray
    size: int

    def __len__(self) -> int:
        return len(self.action_units)

    def picture(self, index: tf.Tensor) -> tf.Tensor:
        """A face, uint8 (S, S, 3)."""
        image = self.images[index]
        return decode_image(image, self.size) if image.dtype == tf.string else image

    @property
    def paired(self) -> int:
        """How many have a partner."""
        return int((self.groups != UNPAIRED).sum())


def group_pairs(pairs: Sequence[bytes]) -> np.ndarray:
    """The `groups` of `Faces` from each record's `face/pair`; empty, or had by one alone: none."""
    _, numbers, counts = np.unique(np.asarray(pairs), return_inverse=True, return_counts=True)
    alone = (counts[numbers] < 2) | (np.asarray(pairs) == b"")
    return np.where(alone, UNPAIRED, numbers).astype(np.int32)


def fits_decoded(faces: int, size: int) -> bool:
    """Whether so many faces of `size` x `size` pixels may be held decoded."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return faces * size * size * 3 <= SHARE * memory


class Partners:
    """Finds another picture of a face's pair, for `tf.data`.

    Args:
        groups: as in `Faces`.
    """

    def __init__(self, groups: np.ndarray):
        order = np.argsort(groups, kind="stable").astype(np.int32)
        first = np.searchsorted(groups[order], groups).astype(np.int32)
        count = np.searchsorted(groups[order], groups, side="right").astype(np.int32) - first
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order), dtype=np.int32)
        self._order, self._first = tf.constant(order), tf.constant(first)
        self._count = tf.constant(np.where(groups == UNPAIRED, 1, count).astype(np.int32))
        self._rank = tf.constant(rank - first)
        self._alone = tf.constant(groups == UNPAIRED)

    def __call__(self, index: tf.Tensor, steps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The picture `1 + steps` places on in the circle of the face's pair.

        Args:
            index: the face.
            steps: int32, at least 0; taken modulo the number of other pictures.

        Returns:
            Its index, the face's own where it has no partner; and whether it has one.
        """
        count = self._count[index]
        place = (self._rank[index] + 1 + steps % tf.maximum(count - 1, 1)) % count
        partner = self._order[self._first[index] + place]
        alone = self._alone[index]
        return tf.where(alone, tf.cast(index, tf.int32), partner), tf.logical_not(alone)
