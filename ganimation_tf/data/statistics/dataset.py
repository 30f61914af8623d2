"""`statistics.json`: the numbers of a whole dataset, for machines; `report.html` shows the same.

    version, action_units, active_from, intensity_edges, confidence_edges, side_edges, angle_edges
    splits: SPLIT:
        records, enlarged
        subjects: count, exact (false: estimated, there are more than 4096)
        action_units: AU: mean, std, lowest, highest, active, active_share, clipped, histogram
        active_together: (N, N) faces with both AUs active; each AU's own on the diagonal
        correlation: (N, N), null where an AU is constant
        confidence, side, roll, pitch, yaw: histograms; side in pixels of the photo, angles in
            degrees; pitch and yaw only of faces whose pose the annotations give
        eyes: histogram of how much darker eyes are than cheeks, from -1 to 1
        paired: faces that have a pair
        bright_eyes, upside_down: faces whose landmarks may lie on other pixels
        doubtful: [key, file, offset, length, contrast, roll] of the worst of them
        sample: [key, file, offset, length]
    strongest: AU: [key, split, intensity, file, offset, length]
    rejections: REASON: count, examples: [key, file, message]
    warnings: [code, message]

Histograms are counts between the edges of the same name; the last bin of intensities and
confidences includes 1, that of sides has no upper end. `offset` and `length` find a serialized
record in a TFRecord file.
"""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from ganimation_tf.data.statistics.binning import ANGLE_EDGES, BINS, SIDE_EDGES, UNIT
from ganimation_tf.data.statistics.findings import Finding
from ganimation_tf.data.statistics.moments import correlation, mean, std
from ganimation_tf.data.statistics.ranking import Best, Ranked, key_hash
from ganimation_tf.data.statistics.split import ACTIVE, EXAMPLES, STRONGEST, SplitStatistics

VERSION = 1

ENOUGH_FACES = 10
"""Of an intensity, or beyond it, for a model to have learned what it looks like."""


@dataclasses.dataclass
class DatasetStatistics:
    """The statistics of all splits, and the rejections.

    Attributes:
        units: number of AUs.
        splits: by name.
        rejections: number of rejected inputs by reason code.
        examples: (key, file, message) of some of them, by reason code.
    """

    units: int
    splits: dict[str, SplitStatistics] = dataclasses.field(default_factory=dict)
    rejections: dict[str, int] = dataclasses.field(default_factory=dict)
    examples: dict[str, Best] = dataclasses.field(default_factory=dict)

    def split(self, name: str) -> SplitStatistics:
        """The statistics of a split, empty ones at first."""
        return self.splits.setdefault(name, SplitStatistics.empty(self.units))

    def add_rejection(self, code: str, key: str, file: str, message: str) -> None:
        """Counts a rejected input; examples are chosen by hash, not all from one folder."""
        self.rejections[code] = self.rejections.get(code, 0) + 1
        example = Ranked(key_hash(key), 0, (key, file, message))
        self.examples.setdefault(code, Best(EXAMPLES)).offer(example)

    def merge(self, other: Self) -> None:
        """Takes in what `other` has gathered; `other` stays as it is."""
        for name, statistics in other.splits.items():
            self.split(name).merge(statistics)
        for code, count in other.rejections.items():
            self.rejections[code] = self.rejections.get(code, 0) + count
        for code, examples in other.examples.items():
            self.examples.setdefault(code, Best(EXAMPLES)).merge(examples)


def to_dict(
    statistics: DatasetStatistics, action_units: Sequence[str], warnings: Sequence[Finding]
) -> dict[str, Any]:
    """What `statistics.json` holds, as this module's docstring has it."""
    unit_edges = [step / BINS for step in range(BINS + 1)]
    return {
        "version": VERSION,
        "action_units": list(action_units),
        "active_from": ACTIVE,
        "intensity_edges": unit_edges,
        "confidence_edges": unit_edges,
        "side_edges": list(SIDE_EDGES),
        "angle_edges": list(ANGLE_EDGES),
        "splits": {
            name: _split(numbers, action_units)
            for name, numbers in sorted(statistics.splits.items())
        },
        "strongest": _strongest(statistics.splits, action_units),
        "rejections": {
            code: {
                "count": count,
                "examples": [
                    dict(zip(("key", "file", "message"), example.item, strict=True))
                    for example in statistics.examples[code].items
                ],
            }
            for code, count in statistics.rejections.items()
        },
        "warnings": [dataclasses.asdict(warning) for warning in warnings],
    }


def figures(facts: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What tells two datasets apart, for who compares and draws: a few figures of the whole, and a
    row for each split and AU. `facts`: what `to_dict` gives."""
    splits = facts["splits"]
    metrics = {
        "records": {split: numbers["records"] for split, numbers in splits.items()},
        "subjects": {split: numbers["subjects"]["count"] for split, numbers in splits.items()},
        "enlarged": sum(numbers["enlarged"] for numbers in splits.values()),
    }
    rows = [
        {"split": split, "action_unit": name, **{key: of[key] for key in ("mean", "active_share")}}
        for split, numbers in splits.items()
        for name, of in numbers["action_units"].items()
    ]
    return metrics, rows


def intensity_ranges(facts: Mapping[str, Any], split: str) -> dict[str, tuple[float, float]]:
    """Between which intensities a split has enough of each AU to learn from, by name.

    Args:
        facts: what `to_dict` gives.
        split: its name.

    Returns:
        The lowest and highest intensity, in [0, 1], that `ENOUGH_FACES` faces reach, to the bin of
        the histogram that the last of them is in; without the AUs of a split of fewer faces.
    """
    edges = facts["intensity_edges"]
    ranges = {}
    for name, of in facts["splits"].get(split, {}).get("action_units", {}).items():
        counts = np.asarray(of["histogram"])
        if counts.sum() >= ENOUGH_FACES:
            first = int((counts.cumsum() >= ENOUGH_FACES).argmax())
            last = len(counts) - int((counts[::-1].cumsum() >= ENOUGH_FACES).argmax())
            low, high = (min(max(edges[at], of["lowest"]), of["highest"]) for at in (first, last))
            ranges[name] = (low, high)
    return ranges


def to_json(facts: Mapping[str, Any]) -> str:
    """The text of `statistics.json`: sorted keys, a row of numbers on one line."""
    text = json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False)
    # A line break is never inside a JSON string, so no file name is touched.
    rows = re.compile(r'\[\n\s+([^][{}"]*?)\n\s+\]')
    return rows.sub(lambda row: f"[{' '.join(row.group(1).split())}]", text) + "\n"


def _split(numbers: SplitStatistics, action_units: Sequence[str]) -> dict[str, Any]:
    subjects, exact = numbers.subject_count()
    means, deviations = mean(numbers), std(numbers)
    return {
        "records": numbers.records,
        "enlarged": numbers.enlarged,
        "subjects": {"count": subjects, "exact": exact},
        "action_units": {
            name: {
                "mean": round(float(means[unit]), 6),
                "std": round(float(deviations[unit]), 6),
                "lowest": int(numbers.lowest[unit]) / UNIT if numbers.records else None,
                "highest": int(numbers.highest[unit]) / UNIT if numbers.records else None,
                "active": int(numbers.together[unit, unit]),
                "active_share": round(
                    int(numbers.together[unit, unit]) / max(1, numbers.records), 6
                ),
                "clipped": int(numbers.clipped[unit]),
                "histogram": numbers.histogram[unit].tolist(),
            }
            for unit, name in enumerate(action_units)
        },
        "active_together": numbers.together.tolist(),
        "correlation": [
            [None if np.isnan(value) else round(float(value), 6) for value in row]
            for row in correlation(numbers)
        ],
        **{
            name: getattr(numbers, name).tolist()
            for name in ("confidence", "side", "roll", "pitch", "yaw", "eyes")
        },
        "paired": int(numbers.paired),
        "bright_eyes": int(numbers.bright_eyes),
        "upside_down": int(numbers.upside_down),
        "doubtful": [
            {**face._asdict(), "contrast": contrast, "roll": roll}
            for face, contrast, roll in (ranked.item for ranked in numbers.doubtful.items)
        ],
        "sample": [ranked.item._asdict() for ranked in numbers.sample.items],
    }


def _strongest(
    splits: Mapping[str, SplitStatistics], action_units: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    strongest = {}
    for unit, name in enumerate(action_units):
        best = Best(STRONGEST)
        for split, numbers in sorted(splits.items()):
            for ranked in numbers.strongest[unit].items:
                best.offer(ranked._replace(item=(*ranked.item, split)))
        strongest[name] = [
            {**face._asdict(), "intensity": intensity / UNIT, "split": split}
            for face, intensity, split in (ranked.item for ranked in best.items)
        ]
    return strongest
