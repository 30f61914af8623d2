"""`report.json`: every figure of an evaluation, and the values that they are made of."""

import dataclasses
import json
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ganimation_tf.errors import MALFORMED, UserError, as_user_error
from ganimation_tf.evaluation import intervals
from ganimation_tf.evaluation.intervals import Interval
from ganimation_tf.files import write_json, write_whole

FILE, PAGE, METRICS = "report.json", "report.html", "metrics.json"
VERSION = 1
DIGITS = 6
"""Behind the point, of every number in the file."""


MEDIAN = ("truth_error", "truth_share", "truth_gradients", "truth_edges", "truth_psnr")
"""Measures of which the median over the edits is told: a pair that hardly differs makes an error
as large as one likes."""

ROOT_MEAN_SQUARE = ("head_pose",)


def statistic(name: str) -> intervals.Statistic:
    """How the values of a measure become one figure."""
    if name in MEDIAN:
        return intervals.median
    return intervals.root_mean_square if name in ROOT_MEAN_SQUARE else intervals.mean


@dataclasses.dataclass(frozen=True, eq=False)
class Report:
    """An evaluation.

    Attributes:
        facts: what was measured on what: model, dataset, numbers of faces, people and edits.
        metrics: the figures; NaN where there is none.
        intervals: of the figures that are made of one value an edit; None where there are too
            few people.
        rows: `key`, `person`, `target` and the values of each measure, one for each edit.
        action_units: a table by AU.
        intensities: a table by the largest change of an AU that was asked for.
        notes: what was left out, mapped or counted, in sentences.
    """

    facts: Mapping[str, Any]
    metrics: Mapping[str, float]
    intervals: Mapping[str, Interval | None]
    rows: Mapping[str, Sequence[Any] | np.ndarray]
    action_units: Sequence[Mapping[str, Any]]
    intensities: Sequence[Mapping[str, Any]]
    notes: Sequence[str]

    def to_json(self) -> str:
        """The text of `report.json`: sorted keys, no NaN; equal evaluations are equal bytes."""
        facts = {"version": VERSION, **dataclasses.asdict(self)}
        return json.dumps(_plain(facts), indent=1, sort_keys=True, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = FILE) -> "Report":
        """The inverse of `to_json`, with NaN for null among the numbers.

        Raises:
            UserError: naming `where` and what is wrong with it.
        """
        with as_user_error(f"{where} is not a report of an evaluation", *MALFORMED):
            facts = json.loads(text)
            version = facts.pop("version")
            if version != VERSION:
                raise UserError(f"{where}: version must be {VERSION}, found {version!r}")
            facts["metrics"] = {name: _number(value) for name, value in facts["metrics"].items()}
            facts["intervals"] = {
                name: None if interval is None else Interval(**interval)
                for name, interval in facts["intervals"].items()
            }
            return cls(**facts)

    @classmethod
    def load(cls, path: str | pathlib.Path) -> "Report":
        """Reads a `report.json`, or that of a directory.

        Raises:
            UserError: if it cannot be read.
        """
        path = pathlib.Path(path)
        path = path / FILE if path.is_dir() else path
        with as_user_error(f"{path} cannot be read", OSError, UnicodeDecodeError):
            text = path.read_text(encoding="utf-8")
        return cls.from_json(text, str(path))

    def write(self, directory: pathlib.Path) -> pathlib.Path:
        """Writes `report.json`, returns its path, and `metrics.json`: its figures alone."""
        directory.mkdir(parents=True, exist_ok=True)
        write_whole(directory / FILE, self.to_json().encode())
        write_json(directory / METRICS, self.metric_values(), indent=1, sort_keys=True)
        return directory / FILE

    def metric_values(self) -> dict[str, float | None]:
        """The figures as they are written, None for what has none."""
        return _plain(self.metrics)

    def values(self, name: str) -> np.ndarray:
        """The values of a measure, float64 (m,); NaN where an edit has none."""
        return np.array([_number(value) for value in self.rows[name]], np.float64)


@dataclasses.dataclass(frozen=True)
class Difference:
    """How far a figure is from that of another report: `now` less `before`."""

    metric: str
    now: float
    before: float
    gap: float
    interval: Interval | None


def compare(report: Report, baseline: Report) -> tuple[list[Difference], list[str]]:
    """The figures that two reports share.

    Where both have asked the same edits of the same faces, the differences are of these edits alone
    and have intervals over people, as far as a figure is made of one value an edit. Notes say where
    that is not so.
    """
    here, there = _shared_rows(report, baseline)
    notes = _notes(report, baseline, len(here))
    differences = []
    for name, now in report.metrics.items():
        if name not in baseline.metrics:
            continue
        before, interval = baseline.metrics[name], None
        gap = now - before
        if here and name in report.rows and name in baseline.rows:
            # Both as they are written: what is equal in the files has no difference.
            values, old = (
                np.round(one.values(name)[rows], DIGITS)
                for one, rows in ((report, here), (baseline, there))
            )
            people = [report.rows["person"][row] for row in here]
            gap, interval = intervals.difference(values, old, people, statistic(name))
            both = ~np.isnan(values + old)
            now, before = statistic(name)(values[both]), statistic(name)(old[both])
        differences.append(Difference(name, now, before, gap, interval))
    return differences, notes


def _notes(report: Report, baseline: Report, shared: int) -> list[str]:
    """What of a comparison by `shared` edits is not of the same edits."""
    if not shared:
        return ["the baseline was measured on other edits: differences have no intervals"]
    edits, before = (len(one.rows["key"]) for one in (report, baseline))
    if shared == edits == before:
        return []
    return [
        f"{shared} of {edits} edits are among the {before} of the baseline: differences are of "
        "these, but of all edits in figures that have no value for each edit"
    ]


def _shared_rows(report: Report, baseline: Report) -> tuple[list[int], list[int]]:
    """Rows of one and of the other that ask for the same, in the same order."""
    if report.facts.get("dataset") != baseline.facts.get("dataset"):
        return [], []
    asked = [
        {
            asks: row
            for row, asks in enumerate(zip(one.rows["key"], one.rows["target"], strict=True))
        }
        for one in (report, baseline)
    ]
    shared = [asks for asks in asked[0] if asks in asked[1]]
    return [asked[0][asks] for asks in shared], [asked[1][asks] for asks in shared]


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _plain(value: Any) -> Any:
    """Python's own numbers, lists and dicts; None for what is not finite."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, (float, np.floating)):
        return round(float(value), DIGITS) if math.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value
