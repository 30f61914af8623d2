"""Options: fields of a frozen dataclass with a default, a help text and a range.

One field gives the default, the flag (`cli.flags`), the help text and the check. The library
speaks Python of it, `batch_size must be at least 1, got 0`; the command line speaks of its flag.
"""

import dataclasses
import math
import numbers
from collections.abc import Sequence
from typing import Any

from ganimation_tf.errors import UserError


class OptionError(UserError):
    """An option outside its range.

    Attributes:
        name: of the field.
        rule: what it must be, such as `must be at least 1`.
        value: what it is.
    """

    def __init__(self, name: str, rule: str, value: Any):
        super().__init__(name, rule, value)  # all three, so that it can be pickled
        self.name = name
        self.rule = rule
        self.value = value

    def __str__(self) -> str:
        return f"{self.name} {self.rule}, got {self.value!r}"


def option(
    default: Any,
    help: str,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[str] | None = None,
    flag: bool = True,
    *,
    above: float | None = None,
    below: float | None = None,
    multiple: int | None = None,
    metavar: str | None = None,
) -> Any:
    """A field of an options class.

    Args:
        default: `dataclasses.MISSING` for an option that must be given.
        help: what the flag's help says.
        low, high: the least and the largest value.
        choices: the values it may have.
        flag: whether the command line has a flag for it.
        above, below: bounds that the value does not reach.
        multiple: what the value must be a multiple of.
        metavar: what stands for the value in the help; None: a letter for its type.
    """
    bounds = {"low": low, "high": high, "above": above, "below": below, "multiple": multiple}
    metadata: dict[str, Any] = {"help": help, "metavar": metavar, "flag": flag}
    metadata["choices"] = choices and tuple(choices)
    return dataclasses.field(default=default, metadata=metadata | bounds)


def check(options: Any) -> None:
    """Checks each field of an options object against its range; None is always in range.

    Raises:
        OptionError: for the first that is not; NaN never is.
    """
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        rule = field.metadata and value is not None and broken_rule(field.metadata, value)
        if rule:
            raise OptionError(field.name, rule, value)


def broken_rule(metadata: Any, value: Any) -> str | None:
    """The rule of a field's `metadata` that the value breaks, in words; None: it keeps all."""
    choices = metadata.get("choices")
    if choices:
        return None if value in choices else f"must be one of {', '.join(choices)}"
    low, high, above, below = (metadata.get(name) for name in ("low", "high", "above", "below"))
    if low is high is above is below is None:
        return None
    if not isinstance(value, numbers.Real):
        return "must be a number"
    if math.isinf(value) and high is below is None:
        return "must be finite"
    # Written so that NaN is refused.
    within = (low is None or value >= low) and (high is None or value <= high)
    within = within and (above is None or value > above) and (below is None or value < below)
    if not within:
        return f"must be {_bounds(low, high, above, below)}"
    multiple = metadata.get("multiple")
    return f"must be a multiple of {multiple}" if multiple and value % multiple else None


def _bounds(low, high, above, below) -> str:
    if high is below is None:
        return f"at least {low:g}" if above is None else f"above {above:g}"
    begin = f"({above:.10g}" if low is None else f"[{low:.10g}"
    end = f"{below:.10g})" if high is None else f"{high:.10g}]"
    return f"in {begin}, {end}"
