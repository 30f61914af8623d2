"""Where a data set breaks a schema, in words."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ganimation_tf.data.schema.numbers import EDGES, Numbers
from ganimation_tf.errors import MALFORMED, as_user_error


@dataclasses.dataclass(frozen=True)
class Anomaly:
    """Where a data set breaks a schema: a code for machines and a sentence for people."""

    code: str
    message: str


def divergence(one: Sequence[float], other: Sequence[float]) -> float:
    """Jensen-Shannon divergence of two histograms, base 2, in [0, 1]; NaN where one is empty.

    H((p + q) / 2) - (H(p) + H(q)) / 2 (Lin 1991, doi:10.1109/18.61115).
    """
    p, q = (np.asarray(counts, np.float64) for counts in (one, other))
    if not p.sum() or not q.sum():
        return math.nan
    p, q = p / p.sum(), q / q.sum()
    return max(0.0, _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2)


def _entropy(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum())


def drifts(numbers: Numbers, schema: Mapping[str, Any]) -> dict[str, float]:
    """Divergence from the schema's histogram, by AU, and of `sides`; of those that have one."""
    found_drifts = {
        **{
            name: divergence(numbers.histograms[name], schema["intensities"][name]["histogram"])
            for name in numbers.action_units
            if name in schema["intensities"]
        },
        "sides": divergence(numbers.sides, schema["sides"]["histogram"]),
    }
    return {name: value for name, value in found_drifts.items() if math.isfinite(value)}


def anomalies(numbers: Numbers, schema: Mapping[str, Any]) -> list[Anomaly]:
    """All that a data set breaks; where it has other AUs or edges, that alone."""
    with as_user_error("the schema is not whole", *MALFORMED):
        different = [*_other_kind(numbers, schema)]
        return different or [*_amounts(numbers, schema), *_intensities(numbers, schema)]


def _other_kind(numbers: Numbers, schema: Mapping[str, Any]) -> Iterator[Anomaly]:
    wanted = tuple(schema["action_units"])
    if numbers.action_units != wanted:
        present = set(numbers.action_units)
        missing, more = set(wanted) - present, present - set(wanted)
        how = [
            *([f"without {', '.join(sorted(missing))}"] if missing else []),
            *([f"with {', '.join(sorted(more))} besides"] if more else []),
        ]
        yield Anomaly(
            "other_action_units",
            f"the AUs must be {' '.join(wanted)}, they are {' '.join(numbers.action_units)}: "
            f"{' and '.join(how) or 'in another order'}",
        )
    for name in EDGES:
        if numbers.edges[name] != schema[name]:
            yield Anomaly(
                "other_statistics",
                f"{name} of the statistics is not the schema's: another version made them; take "
                "the schema anew",
            )
    for name, value in schema["crop"].items():
        if numbers.crop.get(name) != value:
            yield Anomaly(
                "other_crop", f"the crops' {name} must be {value:g}, it is {numbers.crop.get(name)}"
            )


def _amounts(numbers: Numbers, schema: Mapping[str, Any]) -> Iterator[Anomaly]:
    if numbers.faces < schema["least_faces"]:
        yield Anomaly(
            "few_faces",
            f"there must be at least {schema['least_faces']} faces, got {numbers.faces}",
        )
    shares = (("rejected", "inputs that were rejected"), ("enlarged", "faces that were enlarged"))
    for name, what in shares:
        share, largest = getattr(numbers, f"{name}_share"), schema[f"largest_{name}_share"]
        if share > largest:
            yield Anomaly(
                f"many_{name}",
                f"the share of {what} must be at most {largest:.3g}, it is {share:.3g}",
            )
    moved, bound = drifts(numbers, schema).get("sides", 0.0), schema["sides"]["drift"]
    if moved > bound:
        yield _drifted("the sizes of the faces", moved, bound)


def _intensities(numbers: Numbers, schema: Mapping[str, Any]) -> Iterator[Anomaly]:
    moved = drifts(numbers, schema)
    for name in numbers.action_units:
        rule = schema["intensities"][name]
        low, high = rule["range"]
        if numbers.lowest[name] < low or numbers.highest[name] > high:
            yield Anomaly(
                "out_of_range",
                f"{name} must lie in [{low:g}, {high:g}], it lies in [{numbers.lowest[name]:g}, "
                f"{numbers.highest[name]:g}]",
            )
        share, (low, high) = numbers.active[name] / max(1, numbers.faces), rule["active_share"]
        if not low <= share <= high:
            yield Anomaly(
                "active_share",
                f"{name} must be active on {low:.1%} to {high:.1%} of the faces, it is on "
                f"{share:.1%}",
            )
        if moved.get(name, 0.0) > rule["drift"]:
            yield _drifted(f"the intensities of {name}", moved[name], rule["drift"])


def _drifted(what: str, drift: float, bound: float) -> Anomaly:
    return Anomaly(
        "drift", f"{what} have drifted: divergence must be at most {bound:g}, it is {drift:.3g}"
    )
