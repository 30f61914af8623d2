"""The health monitor: which alarms the numbers of a training run raise.

It sees means over windows of steps. A symptom must hold for `PATIENCE` windows in a row before
its alarm is raised, once, and be gone as long before it is cleared.
"""

import collections
import dataclasses
import re
import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from ganimation_tf.config import TrainConfig
from ganimation_tf.training.diagnostics.alarms import (
    GRADIENTS,
    OF_JUDGEMENTS,
    Alarm,
    alarms_for,
)
from ganimation_tf.training.diagnostics.symptoms import Baselines, Means

PATIENCE = 4
"""Windows for which a symptom must hold, or be gone."""

JUDGE_PATIENCE = 2
"""Judgements for which a symptom must hold, or be gone."""

SHORTEST_WINDOW, LONGEST_WINDOW = 10, 500
WARM_UP = 2000
"""Steps before what is normal at first is judged; in short runs half of them."""

HISTORY = 100
"""Windows whose median is a gradient norm's usual value."""


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """An alarm that is raised or cleared, and what to do about it.

    Attributes:
        step: generator update at which it was found.
        alarm: its code.
        state: "raised" or "cleared".
        message: for people.
    """

    step: int
    alarm: str
    state: str
    message: str


def with_values(advice: str, config: TrainConfig) -> str:
    """`{--loss.cycle}` becomes `--loss.cycle (now 10)`, from the config's value."""

    def value(option: re.Match) -> str:
        *group, name = option[1].removeprefix("--").replace("-", "_").split(".")
        fields = config.loss_weights if group else config
        return f"{option[1]} (now {getattr(fields, name):g})"

    return re.sub(r"\{(--[a-z.-]+)\}", value, advice)


@dataclasses.dataclass
class _Course:
    """How long a symptom has been there, or been gone."""

    since: int = 0
    windows: int = 0
    calm: int = 0
    raised: bool = False


class Monitor:
    """Turns window means into diagnoses.

    Args:
        baselines: what the numbers are compared with.
        config: whose options the advice names.
        total_steps: generator updates of the whole run; they set window and warm-up.
    """

    def __init__(self, baselines: Baselines, config: TrainConfig, total_steps: int):
        self.baselines = baselines
        self.config = config
        self.total_steps = total_steps
        self.window = min(max(total_steps // 100, SHORTEST_WINDOW), LONGEST_WINDOW)
        self.warm_up = min(total_steps // 2, WARM_UP)
        self._alarms = alarms_for(config)
        self._courses = {alarm.code: _Course() for alarm in (*self._alarms, OF_JUDGEMENTS)}
        self._norms: dict[str, collections.deque[float]] = {
            name: collections.deque(maxlen=HISTORY) for name in GRADIENTS
        }

    @property
    def raised(self) -> list[str]:
        """Codes of the alarms that are on."""
        return [code for code, course in self._courses.items() if course.raised]

    def resume(self, earlier: Iterable[Mapping[str, Any]]) -> None:
        """Takes up the alarms that are on after `earlier`, lines of `health.jsonl`."""
        for line in earlier:
            if line["alarm"] in self._courses:
                course = self._courses[line["alarm"]]
                course.raised = line["state"] == "raised"
                course.since = line["step"]

    def observe(self, step: int, means: Means) -> list[Diagnosis]:
        """What is new after the window that ends at `step`.

        Args:
            means: of `model.TRACKED` over the window; finite.
        """
        usual = {
            name: statistics.median(norms)
            for name, norms in self._norms.items()
            if len(norms) >= PATIENCE
        }
        raised = []
        for alarm in self._alarms:
            early = step <= self.warm_up and not alarm.at_once
            symptom = None if early else alarm.symptom(means, self.baselines, usual)
            diagnosis = self._follow(alarm, symptom, step)
            if diagnosis:
                raised.append(diagnosis)
        for name, norms in self._norms.items():
            norms.append(means[name])
        return raised

    def observe_judgement(self, step: int, means: Means) -> list[Diagnosis]:
        """What is new after a judge has spoken; a second word makes an alarm, or ends it.

        Args:
            means: of an evaluation, and `judge_error`: see `callbacks.judged`.
        """
        if not self.config.loss_weights.uses_critic:
            return []
        symptom = OF_JUDGEMENTS.symptom(means, self.baselines, {})
        alarm = self._follow(OF_JUDGEMENTS, symptom, step, patience=JUDGE_PATIENCE)
        return [alarm] if alarm else []

    def _follow(
        self, alarm: Alarm, symptom: str | None, step: int, patience: int = PATIENCE
    ) -> Diagnosis | None:
        course = self._courses[alarm.code]
        if symptom is None:
            course.windows = 0
            course.calm += 1
            if course.raised and course.calm >= patience:
                course.raised = False
                message = f"{alarm.code} is over, after {step - course.since:,} steps"
                return Diagnosis(step, alarm.code, "cleared", message)
            return None
        course.calm = 0
        course.windows += 1
        if course.windows == 1 and not course.raised:
            course.since = step - self.window
        if course.raised or course.windows < patience:
            return None
        course.raised = True
        advice = with_values(alarm.advice, self.config)
        message = f"{symptom} for {step - course.since:,} steps: {advice}"
        return Diagnosis(step, alarm.code, "raised", message)
