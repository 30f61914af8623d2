"""Annotations of synthetic faces in the form that OpenFace's `FaceLandmarkImg` writes.

The columns are `face`, `confidence`, the 68 landmarks `x_0` .. `y_67` in pixels, the intensities
`AU01_r` .. `AU45_r` in [0, 5] and the presences `AU01_c` .. `AU45_c`, with OpenFace's separator
and number formats. Left out: gaze, eye landmarks, head pose and everything in 3D. Added behind
them: `subject`, who is shown; `pair`, which faces share a name that differ in expression only; and
the anchors of that pair's one crop, without which the crop would follow the moved eyes and mouth.
"""

import dataclasses

import numpy as np

from ganimation_tf.action_units import OPENFACE, OPENFACE_MAXIMUM

PRESENT = 1.0
"""Intensity, of 5, from which an AU counts as present."""

_PRESENCES = (*OPENFACE[:-1], "AU28", OPENFACE[-1])
"""OpenFace judges the presence of one AU more than it has intensities for: AU28, lips sucked in,
which the synthetic faces never do."""


@dataclasses.dataclass(frozen=True, eq=False)
class Pair:
    """What a synthetic face has in common with the true targets of its edits.

    Attributes:
        subject: who is shown; plain text without commas, quotes and line ends.
        name: that faces of one person, pose and light share, likewise.
        anchors: float (3, 2), left eye, right eye and mouth of their neutral face in pixels.
    """

    subject: str
    name: str
    anchors: np.ndarray


def to_csv(landmarks: np.ndarray, action_units: np.ndarray, pair: Pair | None = None) -> str:
    """The CSV of one face: a header and one row.

    Args:
        landmarks: float (68, 2) in pixels, written with one decimal.
        action_units: float (17,) in [0, 1], in the order of `OPENFACE`; written times 5 with two
            decimals.
        pair: what the further columns say; None: there are none.
    """
    intensity = dict(zip(OPENFACE, np.asarray(action_units) * OPENFACE_MAXIMUM, strict=True))
    row = {"face": "0", "confidence": "1.000"}
    for column, axis in enumerate("xy"):
        row |= {f"{axis}_{i}": f"{point[column]:.1f}" for i, point in enumerate(landmarks)}
    row |= {f"{name}_r": f"{value:.2f}" for name, value in intensity.items()}
    row |= {f"{name}_c": f"{float(intensity.get(name, 0) >= PRESENT):.1f}" for name in _PRESENCES}
    if pair is not None:
        row |= {"subject": pair.subject, "pair": pair.name}
        for column, axis in enumerate("xy"):
            row |= {f"anchor_{axis}_{i}": f"{p[column]:.3f}" for i, p in enumerate(pair.anchors)}
    return ", ".join(row) + "\n" + ", ".join(row.values()) + "\n"
