"""A picture of what a model makes of faces whose truth is known: input, edit, truth."""

import numpy as np

from ganimation_tf.evaluation import edits
from ganimation_tf.evaluation import samples as samples_lib
from ganimation_tf.media import contact_sheet

SIDE = 192
"""Smaller crops are shown larger, each pixel as a square."""


def draw(editor: edits.Editor, samples: samples_lib.Samples, people: int) -> np.ndarray:
    """A row for each person with the change that is largest, and its two figures of truth.

    Args:
        samples: of pairs.
        people: at most so many rows, those of the largest changes.

    Returns:
        uint8 (height, width, 3).

    Raises:
        ValueError: if no truth is known.
    """
    asked = samples_lib.requests(samples)
    if (asked.truths < 0).any():
        raise ValueError("faces of pairs are needed, got faces without a known truth")
    asked = _take(asked, _largest_changes(samples, asked)[:people])
    edited = edits.make(editor, samples, asked)
    columns = samples.images[asked.sources], edited.images, samples.images[asked.truths]
    times = max(1, SIDE // samples.crop.size)
    cells = np.stack(columns, axis=1).reshape(-1, *edited.images.shape[1:])
    cells = cells.repeat(times, axis=1).repeat(times, axis=2)
    figures = zip(edited.rows["truth_share"], edited.rows["truth_error"], strict=True)
    beside = [f"share {share:.2f}\nerror {error:.2f}" for share, error in figures]
    return contact_sheet.grid(
        list(cells), len(columns), titles=("input", "edit", "truth"), row_titles=beside
    )


def _largest_changes(samples: samples_lib.Samples, asked: samples_lib.Requests) -> list[int]:
    """Of each person the request that changes the AUs most, the largest first."""
    change = np.abs(asked.targets - samples.action_units[asked.sources]).sum(axis=1)
    largest: dict[str, int] = {}
    for row in np.argsort(-change, kind="stable"):
        largest.setdefault(samples.people[asked.sources[row]], int(row))
    return list(largest.values())


def _take(asked: samples_lib.Requests, rows: list[int]) -> samples_lib.Requests:
    return samples_lib.Requests(
        asked.sources[rows],
        asked.targets[rows],
        asked.truths[rows],
        [asked.targets_from[row] for row in rows],
    )
