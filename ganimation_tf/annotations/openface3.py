"""OpenFace 3 (https://github.com/CMU-MultiComp-Lab/OpenFace-3.0): package `openface-test`.

Its files are known so that they can be refused by name: `action_units` holds eight numbers as text,
without a word on which AUs they are.
"""

from collections.abc import Sequence

from ganimation_tf.annotations.annotator import Annotator, Request
from ganimation_tf.annotations.forms import Form
from ganimation_tf.annotations.reader import Reader
from ganimation_tf.errors import UserError

FORM = Form(name="openface3", action_unit="{name}", maximum=1.0)


def _tells(header: Sequence[str]) -> bool:
    return {"action_units", "face_detection", "gaze_yaw"} <= {*header}


def _refuse(request: Request) -> Reader:
    raise UserError(
        "these are files of OpenFace 3, which writes eight numbers without the names of their AUs; "
        "they cannot be read. FaceLandmarkImg and FeatureExtraction of OpenFace 2, py-feat, "
        "LibreFace and pyfaceau write names"
    )


ANNOTATOR = Annotator(FORM, _tells, _refuse, action_units=("AU01",))
