"""Kernel Inception Distance (arXiv:1801.01401): how far two sets of pictures lie apart.

The squared maximum mean discrepancy of features under a cubic kernel, without bias: 0 in the mean
for two halves of one set, whatever its size.
"""

import numpy as np

from ganimation_tf.errors import UserError

LEAST_PICTURES = 500
"""Below it the estimate scatters by more than models differ."""

SUBSETS, SUBSET_SIZE = 100, 250


def kid(features: np.ndarray, others: np.ndarray) -> tuple[float, float]:
    """The distance and its deviation, over 100 random subsets of 250.

    Args:
        features, others: (n, d) and (m, d), one row for each picture.

    Raises:
        UserError: if one set has fewer than 500 pictures.
    """
    require_enough(len(features), len(others))
    rng = np.random.default_rng(0)
    values = [
        squared_mmd(
            features[rng.choice(len(features), SUBSET_SIZE, replace=False)],
            others[rng.choice(len(others), SUBSET_SIZE, replace=False)],
        )
        for _ in range(SUBSETS)
    ]
    return float(np.mean(values)), float(np.std(values))


def require_enough(edits: int, photographs: int) -> None:
    """Refuses to measure the distance of few pictures.

    Raises:
        UserError: if there are fewer than 500 of either.
    """
    for name, count in (("edits", edits), ("photographs", photographs)):
        if count < LEAST_PICTURES:
            raise UserError(
                f"KID needs at least {LEAST_PICTURES} pictures, got {count} {name}: of fewer "
                "the estimate scatters by more than models differ"
            )


def squared_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """The unbiased estimate of MMD^2 with the kernel (x . y / d + 1)^3 (section 4 of the paper).

    Args:
        x, y: (n, d) and (m, d).
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    within = sum(_mean_off_diagonal(_kernel(rows, rows)) for rows in (x, y))
    return float(within - 2 * _kernel(x, y).mean())


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _mean_off_diagonal(square: np.ndarray) -> float:
    count = len(square)
    return (square.sum() - np.trace(square)) / (count * (count - 1))
