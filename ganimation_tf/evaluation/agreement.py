"""How two readings of AUs agree, and what a sweep of one AU does to the others.

Readings are float (n, N): n faces, N AUs. A reading that is missing, because a judge found no face,
is NaN and is left out; how many there are is counted by who calls.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

SCALE = 5.0
"""Errors are told on the scale that annotators use, 0 to 5; intensities here are in [0, 1]."""

LEAST_FACES = 3
"""Correlations of fewer faces say nothing, and are NaN."""


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How readings agree with what was wanted, for each AU: float64 (N,), NaN where unknown.

    Attributes:
        mae, rmse: on the scale 0 to 5.
        pearson: correlation; NaN for an AU that does not vary.
        icc: ICC(3,1), which also counts a reading that moves by less than what was wanted.
        faces: how many faces were read.
    """

    mae: np.ndarray
    rmse: np.ndarray
    pearson: np.ndarray
    icc: np.ndarray
    faces: np.ndarray


def agreement(readings: np.ndarray, wanted: np.ndarray) -> Agreement:
    """Compares readings with the intensities that were wanted, AU by AU.

    Args:
        readings, wanted: (n, N) in [0, 1]; NaN in `readings` is left out.

    Raises:
        ValueError: if the shapes differ.
    """
    readings, wanted = np.asarray(readings, np.float64), np.asarray(wanted, np.float64)
    if readings.shape != wanted.shape or readings.ndim != 2:
        raise ValueError(
            f"readings must have the shape of what was wanted, (n, N); got {readings.shape} and "
            f"{wanted.shape}"
        )
    columns = []
    for read, asked in zip(readings.T, wanted.T, strict=True):
        known = np.isfinite(read)
        read, asked = read[known], asked[known]
        difference = SCALE * (read - asked)
        columns.append(
            (
                np.abs(difference).mean() if len(read) else np.nan,
                np.sqrt((difference**2).mean()) if len(read) else np.nan,
                pearson(read, asked),
                icc31(read, asked),
                len(read),
            )
        )
    mae, rmse, correlation, icc, faces = np.array(columns, np.float64).reshape(-1, 5).T
    return Agreement(mae, rmse, correlation, icc, faces.astype(int))


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation of two (n,); NaN if one of them does not vary or n is below 3."""
    if len(a) < LEAST_FACES:
        return float("nan")
    a, b = a - a.mean(), b - b.mean()
    lower = np.sqrt((a * a).sum() * (b * b).sum())
    # Of equal numbers the mean may differ from them in the last digit.
    return float((a * b).sum() / lower) if lower > 1e-12 * len(a) else float("nan")


def icc31(a: np.ndarray, b: np.ndarray) -> float:
    """ICC(3,1) of two raters (Shrout and Fleiss 1979): two-way mixed, single rater, consistency.

    (BMS - EMS) / (BMS + EMS) for two raters, with the mean squares between faces and of the rest.

    Args:
        a, b: (n,).

    Returns:
        At most 1; NaN if nothing varies or n is below 3.
    """
    count = len(a)
    if count < LEAST_FACES:
        return float("nan")
    ratings = np.stack([a, b], axis=1).astype(np.float64)
    mean = ratings.mean()
    of_faces, of_raters = ratings.mean(1), ratings.mean(0)
    between = 2 * ((of_faces - mean) ** 2).sum() / (count - 1)
    rest = ((ratings - of_faces[:, None] - of_raters + mean) ** 2).sum() / (count - 1)
    return float((between - rest) / (between + rest)) if between + rest > 1e-12 else float("nan")


def monotonicity(readings: np.ndarray) -> np.ndarray:
    """How surely a reading rises along a sweep: Kendall's tau-a of reading and step.

    Args:
        readings: (n, steps), one row for each face; steps at least 2.

    Returns:
        float64 (n,) in [-1, 1]: 1 if every later step reads higher, 0 if nothing changes; NaN for
        a face with a missing reading.
    """
    readings = np.asarray(readings, np.float64)
    first, second = np.triu_indices(readings.shape[1], 1)
    signs = np.sign(readings[:, second] - readings[:, first])  # NaN stays NaN
    return signs.mean(1)


def rise(readings: np.ndarray) -> np.ndarray:
    """Last less first reading of each face along a sweep, (n, steps) to float64 (n,)."""
    readings = np.asarray(readings, np.float64)
    return readings[:, -1] - readings[:, 0]


def drift(before: np.ndarray, after: np.ndarray, asked: Sequence[int] | int) -> np.ndarray:
    """How far the AUs move that were not to change, on the scale 0 to 5.

    Args:
        before, after: (n, N) readings in [0, 1].
        asked: the column, or columns, that were to change.

    Returns:
        float64 (n,): the mean absolute change of the other AUs; NaN if there are none.
    """
    others = np.delete(np.abs(np.asarray(after, np.float64) - before), asked, axis=1)
    return SCALE * others.mean(1) if others.shape[1] else np.full(len(others), np.nan)
