"""Mean, deviation and correlation of intensities from exact sums of whole numbers.

Python's integers have no limit, so nothing cancels: a float appears only in the last step.
"""

import math

import numpy as np

from ganimation_tf.data.statistics.binning import UNIT
from ganimation_tf.data.statistics.split import SplitStatistics


def mean(numbers: SplitStatistics) -> np.ndarray:
    """float64 (N,): each AU's mean intensity in [0, 1]; 0 without records."""
    return np.array([int(total) / (max(1, numbers.records) * UNIT) for total in numbers.total])


def std(numbers: SplitStatistics) -> np.ndarray:
    """float64 (N,): each AU's standard deviation (of the population); 0 without records."""
    count = max(1, numbers.records)
    return np.array([math.sqrt(spread) / (count * UNIT) for spread in np.diag(_spreads(numbers))])


def correlation(numbers: SplitStatistics) -> np.ndarray:
    """float64 (N, N): Pearson's correlations; NaN in rows and columns of constant AUs."""
    spreads = _spreads(numbers)
    correlations = np.full(spreads.shape, math.nan)
    for i, j in np.ndindex(*spreads.shape):
        scale = spreads[i, i] * spreads[j, j]
        if scale:
            correlations[i, j] = spreads[i, j] / math.sqrt(scale)
    return correlations


def _spreads(numbers: SplitStatistics) -> np.ndarray:
    """Python integers (N, N): n^2 times the covariances, in units of 1/UNIT^2."""
    total = numbers.total.astype(object)
    return numbers.records * numbers.products.astype(object) - np.outer(total, total)
