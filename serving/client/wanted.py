"""AUs in the forms that the client's `edit` takes, as rows in the model's order."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ganimation_tf import expression_parsing
from ganimation_tf.errors import UserError

Named = Mapping[str, float | str]
ActionUnits = np.ndarray | Sequence[float] | Sequence[Sequence[float]] | Named | Sequence[Named]


def named(action_units: Any) -> list[Mapping[str, float | str]] | None:
    """The mappings by name, where AUs are given so; None where they are numbers in an order."""
    rows = [action_units] if isinstance(action_units, Mapping) else action_units
    if isinstance(rows, list | tuple) and rows and isinstance(rows[0], Mapping):
        return list(rows)
    return None


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
    """
    rows = np.asarray(rows, np.float32)
    rows = rows[None] if rows.ndim == 1 else rows
    if len(faces) == 1:
        return faces * len(rows), rows
    if len(rows) == 1:
        return faces, np.repeat(rows, len(faces), 0)
    return faces, rows
