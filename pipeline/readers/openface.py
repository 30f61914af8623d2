"""OpenFace 2 (https://github.com/TadasBaltrusaitis/OpenFace, wiki page "Output Format").

`FaceLandmarkImg` writes a file for each image, `FeatureExtraction` and `FaceLandmarkVidMulti` one
for each video or directory of frames; the columns differ by `frame`, `face_id`, `timestamp` and
`success`. Which of the others are there depends on its flags, and some versions put a blank before
each name.
"""

import dataclasses
import math
from collections.abc import Sequence

from ganimation_tf.action_units import OPENFACE, OPENFACE_MAXIMUM
from pipeline.readers.forms import Form
from pipeline.readers.per_image import PerImage

FORM = Form(
    name="openface",
    action_unit="{name}_r",
    maximum=OPENFACE_MAXIMUM,
    confidence="confidence",
    needs_confidence=True,
    face="face",
    refused="frame",
    pose=("pose_Rx", "pose_Ry", "pose_Rz"),
    degrees=180 / math.pi,
)

VIDEO = dataclasses.replace(
    FORM,
    name="openface-video",
    face="face_id",
    frame="frame",
    first_frame=1,
    refused=None,
    success="success",
)

DETAILS = "_of_details.txt"
"""OpenFace writes this beside each CSV; alone, where it looked at an image and found no face."""


@dataclasses.dataclass(frozen=True)
class OpenFaceReader(PerImage):
    """OpenFace's per-image form."""

    form: Form = FORM
    action_units: Sequence[str] = OPENFACE
    maximum: float = OPENFACE_MAXIMUM
    suffixes: Sequence[str] = (".csv", DETAILS)
