"""`truth_error<=0.4`: what a model must reach to be let through."""

import dataclasses
import math
import operator
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ganimation_tf import files
from ganimation_tf.blessing import EVALUATION, Blessing
from ganimation_tf.errors import UserError

if TYPE_CHECKING:  # it needs numpy, which options that name a gate do without
    from ganimation_tf.evaluation.report import Report

_COMPARISONS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
_GATE = re.compile(r"\s*([\w.]+)\s*(<=|>=|<|>)\s*(\S+)\s*")


@dataclasses.dataclass(frozen=True)
class Gate:
    """One condition on one metric.

    Attributes:
        metric: its name in the report.
        comparison: `<=`, `>=`, `<` or `>`.
        bound: what it is compared with.
    """

    metric: str
    comparison: str
    bound: float

    @classmethod
    def parse(cls, text: str) -> "Gate":
        """Reads `METRIC<=NUMBER`.

        Raises:
            UserError: if it is no such condition.
        """
        match = _GATE.fullmatch(text)
        bound = _number(match[3]) if match else math.nan
        if match is None or not math.isfinite(bound):
            raise UserError(
                f"a gate is METRIC<=NUMBER or with >=, < or >, such as truth_error<=0.4; "
                f"got {text!r}"
            )
        return cls(match[1], match[2], bound)

    def __str__(self) -> str:
        return f"{self.metric}{self.comparison}{self.bound:g}"

    def failure(self, metrics: Mapping[str, float]) -> str | None:
        """Why the condition does not hold, as a line; None if it does.

        A metric that could not be measured does not pass.

        Raises:
            UserError: if no metric has that name.
        """
        if self.metric not in metrics:
            raise UserError(
                f"gate {self}: {self.metric!r} was not measured; there is "
                f"{', '.join(sorted(metrics))}"
            )
        value = metrics[self.metric]
        if _COMPARISONS[self.comparison](value, self.bound):  # NaN compares as false
            return None
        return f"gate {self} failed: {self.metric} is {value:.4g}"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def failures(gates: Sequence[Gate], metrics: Mapping[str, float]) -> list[str]:
    """The lines of all conditions that do not hold, in order.

    Raises:
        UserError: if a gate names no metric.
    """
    lines = [gate.failure(metrics) for gate in gates]
    return [line for line in lines if line is not None]


def verdict(
    model: str | None, report: "Report", split: str, gates: Sequence[Gate], failed: Sequence[str]
) -> Blessing:
    """What a push has to know: which model it was, and whether the gates let it through.

    Args:
        model: path of what was evaluated; None: something that has a name and no path. Only a
            directory has a digest, and can be pushed.
        report: of the evaluation.
        split: whose faces they were.
        gates: all of them.
        failed: what `failures` says.
    """
    directory = None if model is None else pathlib.Path(model)
    return Blessing(
        about=EVALUATION,
        blessed=not failed,
        model=files.tree_digest(directory) if directory and directory.is_dir() else None,
        conditions=[str(gate) for gate in gates],
        failures=list(failed),
        facts={
            "dataset": report.facts["dataset"],
            "split": split,
            "people": report.facts["people"],
            "metrics": report.metric_values(),
        },
    )
