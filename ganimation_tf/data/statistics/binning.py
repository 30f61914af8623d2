"""How intensities, sizes and angles become whole numbers, and the histograms that count them."""

import bisect
from collections.abc import Sequence

import numpy as np

UNIT = 100_000
"""Steps between intensity 0 and 1."""

BINS = 20
"""Bins of the histograms of intensities and confidences; the last includes 1."""

SIDE_EDGES = (0, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048)
"""Edges in pixels of the histogram of face sizes; the last bin has no upper end."""

ANGLE_EDGES = tuple(range(-90, 91, 10))
"""Edges in degrees of the histograms of angles; the first and last bin take what is beyond."""


def steps(intensities: Sequence[np.ndarray | float]) -> np.ndarray:
    """int64 of the same shape: [0, 1] in steps of 1/UNIT."""
    return np.rint(np.asarray(intensities, np.float64) * UNIT).astype(np.int64)


def bins(steps: np.ndarray) -> np.ndarray:
    """The bin of each number of steps, from 0 to BINS - 1."""
    return np.clip(steps * BINS // UNIT, 0, BINS - 1)


def count_angle(histogram: np.ndarray, degrees: float) -> None:
    """Counts an angle in a histogram by `ANGLE_EDGES`."""
    position = bisect.bisect_right(ANGLE_EDGES, degrees) - 1
    histogram[min(max(position, 0), len(histogram) - 1)] += 1
