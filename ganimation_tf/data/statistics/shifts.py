"""Whether the columns of AUs lie under their own names: AUs that go together should do so.

On OpenFace's output on 1370 faces (1000 portraits, 370 generated emotional faces) the five pairs of
`NATURAL_PAIRS` correlate by 0.57 on average (0.53 and 0.60 on the two parts), but by at most 0.36
if the columns are shifted by any number of places. Each shift was found, 58 of 60 random orders of
the columns too, and none of 40 random choices of 500 faces was suspected.
"""

from collections.abc import Sequence

import numpy as np

from ganimation_tf.data.statistics.moments import correlation
from ganimation_tf.data.statistics.split import SplitStatistics

CORRELATED_FACES = 500
"""Faces from which on correlations are judged: their standard error is below 0.05."""

NATURAL_PAIRS = (
    ("AU01", "AU02"),  # both are the frontalis muscle
    ("AU06", "AU12"),  # a felt smile
    ("AU25", "AU26"),  # a dropped jaw parts the lips
    ("AU10", "AU12"),  # both lift the upper lip
    ("AU06", "AU07"),  # both are the orbicularis oculi muscle
)
"""AUs that go together on faces of people."""

NATURAL_CORRELATION = 0.25
"""The least mean correlation of these pairs, unless labels are independent of each other."""

NATURAL_MARGIN = 0.1
"""By how much it may be higher in places some columns away."""

NAMED_CORRELATION = 0.45
"""From here on the places are believed, and named."""


def shifted(whole: SplitStatistics, action_units: Sequence[str]) -> str | None:
    """A sentence where columns lie under the names of others; None where nothing speaks for it.

    AUs that belong together then do not go together.

    Only said where some AUs do go together: independent labels have no order to lose. And not of
    pairs: their AUs were sampled, to be learnt one by one.
    """
    if 2 * whole.paired > whole.records:
        return None
    names = list(action_units)
    places = [(names.index(a), names.index(b)) for a, b in NATURAL_PAIRS if {a, b} <= {*names}]
    if whole.records < CORRELATED_FACES or len(places) < 3:
        return None
    table = np.nan_to_num(correlation(whole))

    def strength(shift: int) -> float:
        moved = [((a + shift) % len(names), (b + shift) % len(names)) for a, b in places]
        return float(np.mean([table[place] for place in moved]))

    here = strength(0)
    best = max(range(1, len(names)), key=strength)
    better_elsewhere = strength(best) > here + NATURAL_MARGIN
    scattered = here < NATURAL_CORRELATION <= np.triu(table, 1).max()
    if not better_elsewhere and not scattered:
        return None
    pairs = ", ".join(f"{names[a]}/{names[b]} {table[a, b]:.2f}" for a, b in places)
    message = f"AUs that go together on faces hardly do so here (correlations: {pairs})"
    if better_elsewhere and strength(best) >= NAMED_CORRELATION:
        steps = best if best <= len(names) // 2 else best - len(names)
        side = "right" if steps > 0 else "left"
        message += (
            f"; read {abs(steps)} column{'s' * (abs(steps) > 1)} further to the {side} they would "
            f"({strength(best):.2f} on average)"
        )
    return f"{message}: labels look shifted"
