"""The parts of the report that show faces: the strongest of each AU, random ones of each split."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ganimation_tf.action_units import DESCRIPTIONS
from ganimation_tf.data.report.charts import figure, section, text
from ganimation_tf.data.report.pictures import Picture, Place


def strongest(facts: Mapping[str, Any], pictures: Mapping[Place, Picture]) -> str:
    groups = []
    for unit in facts["action_units"]:
        shown = "".join(
            figure(
                pictures[face["file"], face["offset"]].jpeg,
                [f"{face['intensity']:.2f}"],
                f"{face['key']} ({face['split']})",
            )
            for face in facts["strongest"][unit]
        )
        title = f"{text(unit)} <span class=soft>{text(DESCRIPTIONS.get(unit, ''))}</span>"
        body = f'<div class="faces">{shown}</div>' if shown else '<p class="soft">no face</p>'
        groups.append(f"<div><h3>{title}</h3>{body}</div>")
    lead = (
        "Do these faces show what the name says? If not, the labels belong to other columns or "
        "to other photos."
    )
    body = f'<div class="units">{"".join(groups)}</div>'
    return section("The strongest faces of each AU", lead, body)


def sample(facts: Mapping[str, Any], split: str, pictures: Mapping[Place, Picture]) -> str:
    shown = []
    for face in facts["splits"][split]["sample"]:
        picture = pictures[face["file"], face["offset"]]
        order = np.argsort(-picture.action_units, kind="stable")[:2]
        labels = [
            f"{facts['action_units'][unit]} {picture.action_units[unit]:.2f}"
            for unit in order
            if picture.action_units[unit] > 0
        ]
        shown.append(figure(picture.jpeg, [*(labels or ["neutral"]), face["key"]], face["key"]))
    lead = "Chosen at random, with the strongest AUs of each."
    return section(f"Faces of {split}", lead, f'<div class="faces">{"".join(shown)}</div>')


def doubtful(facts: Mapping[str, Any], pictures: Mapping[Place, Picture]) -> str:
    """The faces whose landmarks may lie on other pixels; nothing where there are none."""
    faces = [face for split in facts["splits"].values() for face in split["doubtful"]]
    if not faces:
        return ""
    shown = "".join(
        figure(
            pictures[face["file"], face["offset"]].jpeg,
            [f"eyes {face['contrast']:+.2f}", f"roll {face['roll']}°", face["key"]],
            face["key"],
        )
        for face in sorted(faces, key=lambda face: face["contrast"])
    )
    lead = (
        "The worst of the faces whose eyes are brighter than their cheeks (contrast below 0) or "
        "which lie on their heads. Are these faces, and upright? If not, the landmarks were "
        "measured on other pixels."
    )
    return section("Doubtful faces", lead, f'<div class="faces">{shown}</div>')
