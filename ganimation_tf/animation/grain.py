"""A photo's grain: how strong it is, and noise like it."""

import functools

import cv2
import numpy as np

GRAIN_LIMIT = 6.0
"""Of 255: what is stronger is texture of the scene and no grain."""


def deviation(part: np.ndarray) -> float:
    """The standard deviation of the noise in a picture, of 255.

    The median of the finest diagonal wavelet coefficients, which edges and shading hardly reach
    (Donoho and Johnstone 1994).
    """
    height, width = (length // 2 * 2 for length in part.shape[:2])
    if not height or not width:
        return 0.0
    luma = cv2.cvtColor(part[:height, :width], cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = luma[::2, ::2] - luma[1::2, ::2] - luma[::2, 1::2] + luma[1::2, 1::2]
    return min(GRAIN_LIMIT, float(np.median(np.abs(fine))) / 2 / 0.6745)


@functools.lru_cache(maxsize=1)
def _noise_tile() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((256, 256), np.float32)


def noise(shape: tuple[int, int], left: int, top: int) -> np.ndarray:
    """(height, width, 1) of deviation 1, always the same at a place of the photo: it holds still
    from frame to frame."""
    rows, columns = np.arange(top, top + shape[0]) % 256, np.arange(left, left + shape[1]) % 256
    return _noise_tile()[np.ix_(rows, columns)][..., None]
