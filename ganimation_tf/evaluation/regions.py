"""Which pixels of a crop are the face: every crop shows it at the same place and size."""

import numpy as np

from ganimation_tf.faces.alignment import CropSpec

UNCHANGED = 0.02
"""A pixel whose channels all differ by less, of [0, 1], has not changed: 5 of 255, what a JPEG
does to it."""


def face_region(crop: CropSpec) -> np.ndarray:
    """The circle within the square that holds brows, jaw and chin of an average face.

    Returns:
        bool (size, size).
    """
    half = crop.size / 2 / (1 + 2 * crop.margin)
    offset = np.arange(crop.size) - (crop.size - 1) / 2
    return (offset[:, None] ** 2 + offset[None] ** 2) <= half**2


def changed(sources: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """Where the truth differs from the input, bool (n, height, width).

    Args:
        sources, truths: (n, height, width, 3) in [0, 1].
    """
    return np.abs(truths - sources).max(-1) >= UNCHANGED
