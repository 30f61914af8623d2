"""What is wanted of a face and what it shows, in the forms that `Animator` takes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ganimation_tf import expression_parsing
from ganimation_tf.expressions import Expression

Wanted = Expression | Mapping[str, float | str] | str | Sequence[str]
"""What a face is to show: `{"AU12": 0.8, "AU04": "-0.2"}`, `"fear:0.7"`, `["AU12+=0.4"]`."""


def expression_of(wanted: Wanted, names: tuple[str, ...]) -> Expression:
    """What is wanted, in whichever form, as an `Expression` of these AUs.

    Raises:
        UserError: if it says something that is not known or out of range.
    """
    if isinstance(wanted, Expression):
        return wanted
    if isinstance(wanted, Mapping):
        return expression_parsing.parse(wanted, names=names)
    parts = [wanted] if isinstance(wanted, str) else list(wanted)
    aus = [part for part in parts if "=" in part]
    spoken = [part for part in parts if "=" not in part]
    return expression_parsing.parse(aus, spoken, names=names)


def source_vector(source: np.ndarray | Mapping[str, float], names: tuple[str, ...]) -> np.ndarray:
    """float32 (N,) of a vector or of AUs by name, those that are not named being 0.

    Raises:
        ValueError: if the shape differs or a value is outside [0, 1].
    """
    values: Any = source
    if isinstance(source, Mapping):
        named = {expression_parsing.canonical(au, names): value for au, value in source.items()}
        values = [named.get(name, 0.0) for name in names]
    vector = np.asarray(values, np.float32)
    if vector.shape != (len(names),) or not ((vector >= 0) & (vector <= 1)).all():
        raise ValueError(
            f"source AUs must be {len(names)} numbers in [0, 1], got {np.asarray(values).tolist()}"
        )
    return vector
