"""Many pictures, part by part: so that a display can move, and memory holds."""

from collections.abc import Callable

import numpy as np

from ganimation_tf import progress

PICTURES = 16
"""In one part."""


def concatenated(
    function: Callable[[np.ndarray], np.ndarray],
    pictures: np.ndarray,
    unit: str,
    batches: progress.Batches = progress.batches,
) -> np.ndarray:
    """What a function that takes each picture by itself says of all of them.

    Args:
        function: (k, ...) to (k, ...), of each k from 1 to `PICTURES`.
        pictures: (n, ...), at least one.
        unit: what a display calls them, in the plural.
        batches: how they are gone through.

    Returns:
        The answers, (n, ...).
    """
    parts = batches(len(pictures), PICTURES, unit)
    return np.concatenate([np.asarray(function(pictures[rows])) for rows in parts])
