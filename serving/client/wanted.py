"""AUs in the forms that the client's `edit` takes, as rows in the model's order."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ganimation_tf import expression_parsing
from ganimation_tf.errors import UserError, as_user_error

Named = Mapping[str, float | str]
ActionUnits = np.ndarray | Sequence[float] | Sequence[Sequence[float]] | Named | Sequence[Named]

_NO_NUMBER = (TypeError, ValueError, OverflowError)
"""What NumPy and Python raise of what is none."""


def named(action_units: Any) -> list[Mapping[str, float | str]] | None:
    """The mappings by name, where AUs are given so; None where they are numbers in an order.

    Raises:
        UserError: if what a name goes with is no number, nor a text.
    """
    rows = [action_units] if isinstance(action_units, Mapping) else action_units
    if not (isinstance(rows, list | tuple) and rows and isinstance(rows[0], Mapping)):
        return None
    for row in rows:
        if not isinstance(row, Mapping):
            raise UserError(f"all rows of AUs must be by name where one is, got {row!r}")
        for name, value in row.items():
            with as_user_error(f"{name} must be a number in [0, 1] or a text", *_NO_NUMBER):
                _ = value if isinstance(value, str) else float(value)
    return list(rows)


def numbers(action_units: Any) -> np.ndarray:
    """float32 of AUs in the model's order, (N,) or (B, N) as they are given.

    Raises:
        UserError: if they are no numbers, or rows differ in length.
    """
    with as_user_error("action_units must be numbers, (N,) or (B, N)", *_NO_NUMBER):
        return np.asarray(action_units, np.float32)


def vectors(
    rows: Sequence[Mapping[str, float | str]], sources: np.ndarray, names: Sequence[str]
) -> np.ndarray:
    """float32 (B, N) of AUs by name; those that are not named stay as each face has them.

    Args:
        rows: one for each face, or one of either.
        sources: float32 (B, N), what the faces show.
        names: the model's N.

    Raises:
        UserError: if they differ in number, or an AU is not known or out of range.
    """
    wanted = [expression_parsing.parse(row, names=tuple(names)) for row in rows]
    count = max(len(wanted), len(sources))
    if not {len(wanted), len(sources)} <= {1, count}:
        raise UserError(f"{len(sources)} faces need as many rows of AUs, got {len(wanted)}")
    wanted = wanted * count if len(wanted) == 1 else wanted
    sources = np.broadcast_to(sources, (count, sources.shape[1]))
    pairs = zip(wanted, sources, strict=True)
    return np.stack([one.target(source, names) for one, source in pairs])


def paired(faces: list[bytes], rows: Any) -> tuple[list[bytes], np.ndarray]:
    """A face for each row: one face goes with every row, one row with every face.

    Args:
        faces: B, or 1.
        rows: (B, N), (1, N) or (N,).

    Raises:
        UserError: if they have another form.
    """
    rows = numbers(rows)
    rows = rows[None] if rows.ndim == 1 else rows
    if rows.ndim != 2:
        raise UserError(f"action_units must be numbers, (N,) or (B, N), got shape {rows.shape}")
    if len(faces) == 1:
        return faces * len(rows), rows
    if len(rows) == 1:
        return faces, np.repeat(rows, len(faces), 0)
    return faces, rows
