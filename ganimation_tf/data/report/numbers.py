"""The parts of the report that show numbers: AUs one by one, AUs together, photos."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ganimation_tf.action_units import DESCRIPTIONS
from ganimation_tf.data.manifest import EVAL, TRAIN, Manifest
from ganimation_tf.data.report.charts import (
    chart,
    count,
    heat_map,
    percent,
    section,
    share_cell,
    spark,
    table,
    text,
)


def split_names(facts: Mapping[str, Any]) -> list[str]:
    """The splits that the statistics know, training first."""
    return [split for split in (TRAIN, EVAL) if split in facts["splits"]]


def _bin_labels(edges: Sequence[float]) -> list[str]:
    return [f"{low:g} to {high:g}" for low, high in zip(edges[:-1], edges[1:], strict=True)]


def action_units(facts: Mapping[str, Any]) -> str:
    names = split_names(facts)
    labels = _bin_labels(facts["intensity_edges"])
    rows = []
    for unit in facts["action_units"]:
        entries = [facts["splits"][name]["action_units"][unit] for name in names]
        active = [
            share_cell(
                f"{count(one['active'])} · {percent(one['active_share'])}", one["active_share"]
            )
            for one in entries
        ]
        first = entries[0]
        clipped = sum(one["clipped"] for one in entries)
        rows.append(
            f'<td><b>{text(unit)}</b> <span class="soft">{text(DESCRIPTIONS.get(unit, ""))}</span>'
            f"</td><td>{spark(first['histogram'], labels)}</td>"
            f'<td class="number">{first["mean"]:.3f}</td><td class="number">{first["std"]:.3f}</td>'
            f'<td class="number">{_number(first["highest"])}</td>{"".join(active)}'
            f'<td class="number">{count(clipped) if clipped else "–"}</td>'
        )
    header = ["Action Unit", f"{names[0]}: intensity 0 to 1", "mean", "std", "highest"]
    header += [f"active in {name}" for name in names] + ["clipped"]
    lead = (
        f"An AU is active from intensity {facts['active_from']:g} on (FACS level A). Heights of "
        "the bars are square roots, so that rare intensities can be seen. Clipped values lay "
        "outside the source's scale."
    )
    return section("Action Units", lead, table(header, rows, range(2, len(header))))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def together(facts: Mapping[str, Any]) -> str:
    counts = np.sum([split["active_together"] for split in facts["splits"].values()], axis=0)
    shares = [
        [int(both) / int(row[own]) if row[own] else None for both in row]
        for own, row in enumerate(counts)
    ]
    lead = (
        "Of the faces on which the row's AU is active, how many per cent show the column's AU "
        "too. On faces of people, AU06 comes with AU12 and AU02 with AU01."
    )
    return section("AUs that occur together", lead, heat_map(facts["action_units"], shares))


def photos(facts: Mapping[str, Any], dataset: Manifest) -> str:
    def whole(name: str) -> list[int]:
        return np.sum([split[name] for split in facts["splits"].values()], axis=0).tolist()

    sides, angles = facts["side_edges"], facts["angle_edges"]
    side_labels = [*_bin_labels(sides), f"{sides[-1]} and more"]
    axes = {
        "confidence": [(0, "0"), (10, "0.5"), (20, "1")],
        "side": [(i, str(side)) for i, side in enumerate(sides) if i % 2 == 0],
        "angle": [(i, f"{angle}°") for i, angle in enumerate(angles) if angle % 30 == 0],
    }
    charts = [
        ("Size of the crop in the photo, in pixels", "side", side_labels, axes["side"]),
        (
            "Confidence of the annotation",
            "confidence",
            _bin_labels(facts["confidence_edges"]),
            axes["confidence"],
        ),
        *(
            (title, name, _bin_labels(angles), axes["angle"])
            for title, name in (
                ("Roll of the head in the photo", "roll"),
                ("Yaw: turned left or right", "yaw"),
                ("Pitch: looking down or up", "pitch"),
            )
        ),
    ]
    drawn = []
    for title, name, labels, axis in charts:
        counts = whole(name)
        body = chart(counts, labels, axis) if any(counts) else '<p class="soft">not known</p>'
        drawn.append(f"<div><h3>{text(title)}</h3>{body}</div>")
    enlarged = sum(split["enlarged"] for split in facts["splits"].values())
    lead = (
        f"All splits together. {count(enlarged)} faces have fewer pixels in their photo than the "
        f"{dataset.crop.size} x {dataset.crop.size} of the crop. Outermost bars hold what lies "
        "beyond."
    )
    return section("Photos", lead, f'<div class="charts">{"".join(drawn)}</div>')
