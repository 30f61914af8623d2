"""How long pictures are shown in formats that count whole parts of a second."""

from collections.abc import Iterable, Iterator

import numpy as np

Shown = Iterable[tuple[np.ndarray, float]]
"""Frames, each with the second from the beginning at which the next one takes its place."""


def durations(
    shown: Shown, per_second: int, shortest: int, longest: int
) -> Iterator[tuple[np.ndarray, int]]:
    """Frames and how long each is shown, in whole parts of a second.

    Moments are rounded and not durations, so that no error grows. A frame that would come too soon
    after the one before is left out, and one that is like it lets it stay.

    Args:
        per_second: parts in a second.
        shortest: parts for which a frame is shown at least.
        longest: parts for which a frame can be shown; for more it is yielded again.
    """
    pending, begin, now = None, 0, 0
    for frame, until in shown:
        if pending is None:
            pending = frame
        elif now - begin >= shortest and not np.array_equal(frame, pending):
            yield from _in_parts(pending, now - begin, longest)
            pending, begin = frame, now
        now = round(until * per_second)
    if pending is not None:
        yield from _in_parts(pending, max(shortest, now - begin), longest)


def _in_parts(frame: np.ndarray, duration: int, longest: int) -> Iterator[tuple[np.ndarray, int]]:
    while duration > longest:
        yield frame, longest
        duration -= longest
    yield frame, duration


def changed(before: np.ndarray | None, frame: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom, ends excluded, of all that differs; of one pixel at least.

    Args:
        before: (H, W) or (H, W, C) as `frame`; None: everything.
    """
    if before is None:
        return 0, 0, frame.shape[1], frame.shape[0]
    differs = before != frame
    if differs.ndim == 3:
        differs = differs.any(-1)
    rows, columns = np.flatnonzero(differs.any(1)), np.flatnonzero(differs.any(0))
    if not rows.size:
        return 0, 0, 1, 1
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
