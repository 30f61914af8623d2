"""Which portraits exchange their skins: the most alike."""

from collections.abc import Sequence

import numpy as np

from ganimation_tf.synthetic.reanimation.skin import Appearance


def couples(appearances: Sequence[Appearance], people: Sequence[str]) -> list[tuple[int, int]]:
    """Portraits whose skins can be exchanged, the most alike couple first, each portrait once.

    A couple shows two people, and neither of them is in a couple with a third: all that has the
    skin of one of them then belongs to the two. What is equally alike comes in the given order.

    Args:
        appearances: of the portraits.
        people: who each of them shows.

    Returns:
        The two indices of each couple, the lower first.
    """
    chosen = []
    partners: dict[str, str] = {}
    free = np.ones(len(appearances), bool)
    alike = _alike(appearances)
    for block in np.array_split(alike, 1 + len(alike) // 4096):
        for one, other in block[free[block].all(1)].tolist():
            mine, theirs = people[one], people[other]
            if not (free[one] and free[other]) or mine == theirs:
                continue
            if partners.get(mine, theirs) == theirs and partners.get(theirs, mine) == mine:
                partners[mine], partners[theirs] = theirs, mine
                free[[one, other]] = False
                chosen.append((one, other))
    return chosen


def _alike(appearances: Sequence[Appearance]) -> np.ndarray:
    """int32 (P, 2): every two with a `skin_difference` of at most 1, the most alike first."""
    pairs, differences = [np.empty((0, 2), np.int32)], [np.empty(0)]
    places = np.array([appearance.coordinates for appearance in appearances])
    # Row by row: all differences of 5,000 portraits at once would be 2.4 GB.
    for one, place in enumerate(places):
        apart = np.abs(places[one + 1 :] - place).max(1, initial=0)
        others = np.flatnonzero(apart <= 1)
        rows = np.stack([np.full(len(others), one), one + 1 + others], 1)
        pairs.append(rows.astype(np.int32))
        differences.append(apart[others])
    return np.concatenate(pairs)[np.argsort(np.concatenate(differences), kind="stable")]
