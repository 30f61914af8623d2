"""How sure a figure is: bootstrap over people, not over pictures.

Pictures of one person are alike, so that many pictures of few people say little about others.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

LEAST_PEOPLE = 10
"""With fewer no interval is given: it would look narrower than what is known."""

DRAWS, LEVEL = 1000, 0.95

Statistic = Callable[[np.ndarray], float]


@dataclasses.dataclass(frozen=True)
class Interval:
    """A range that holds the true figure in 95 of 100 cases."""

    low: float
    high: float


def median(values: np.ndarray) -> float:
    """The median of the values that are there; NaN without any."""
    values = values[~np.isnan(values)]
    return float(np.median(values)) if len(values) else float("nan")


def mean(values: np.ndarray) -> float:
    """The mean of the values that are there; NaN without any."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def root_mean_square(values: np.ndarray) -> float:
    """The root of the mean square of the values that are there; NaN without any."""
    return math.sqrt(mean(np.square(values)))


def bootstrap(
    values: np.ndarray, people: Sequence[str], statistic: Statistic = median
) -> Interval | None:
    """The interval of a statistic under another draw of as many people.

    Args:
        values: (n,), one for each picture; NaN has no value.
        people: (n,), whom each picture shows. The order of the pictures does not matter.

    Returns:
        None with fewer than `LEAST_PEOPLE` people.
    """
    values = np.asarray(values, np.float64)
    return _interval(values[:, None], people, lambda rows: statistic(rows[:, 0]))


def difference(
    now: np.ndarray, before: np.ndarray, people: Sequence[str], statistic: Statistic = median
) -> tuple[float, Interval | None]:
    """How much higher `now` is than `before` on the same pictures, and the interval of that.

    Args:
        now, before: (n,), of the same pictures in the same order; a picture without both values
            is left out.
        people: (n,), whom each picture shows.
    """
    both = np.stack([np.asarray(values, np.float64) for values in (now, before)], axis=1)

    def gap(rows):
        return statistic(rows[:, 0]) - statistic(rows[:, 1])

    return gap(both[~np.isnan(both).any(1)]), _interval(both, people, gap)


def _interval(rows: np.ndarray, people: Sequence[str], statistic: Statistic) -> Interval | None:
    """The percentile interval of a statistic of rows, (n, values); rows with a NaN are left out."""
    kept = ~np.isnan(rows).any(1)
    rows, people = rows[kept], np.array(list(people), str)[kept]
    rows = rows[np.lexsort((*rows.T, people))]  # whatever order they came in
    _, counts = np.unique(people, return_counts=True)
    if len(counts) < LEAST_PEOPLE:
        return None
    groups = np.split(rows, np.cumsum(counts)[:-1])
    rng = np.random.default_rng(0)
    drawn = [
        statistic(np.concatenate([groups[i] for i in rng.integers(len(groups), size=len(groups))]))
        for _ in range(DRAWS)
    ]
    tail = (1 - LEVEL) / 2
    # Of values that were drawn, not between two: one of them may be infinite.
    low = np.quantile(drawn, tail, method="lower")
    high = np.quantile(drawn, 1 - tail, method="higher")
    return Interval(float(low), float(high))
