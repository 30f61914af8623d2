"""py-feat's `Fex` table (https://github.com/cosanlab/py-feat), as `Fex.to_csv` writes it.

One file for many images or for a video: a row for each face, whose `input` names the image or
video and whose `frame` counts from 0. The AUs depend on the detector (12 with jaanet, 20 with svm,
xgb and version 2), so the header says which; intensities are in [0, 1]. Where no face is found
py-feat writes a row with blanks, its score blank or, from 0.7 on, 0.

`Detectorv1` and `Detectorv2` write the 68 points of iBUG 300-W, `MPDetector` the 478 of MediaPipe
under the same names. Pixels are read as stored: EXIF's orientation is ignored.

The head's pose is not read: versions have written it in degrees and in radians, under one name.
"""

import posixpath
import shlex
from collections.abc import Sequence

from ganimation_tf.annotations.annotator import Annotator, Missing, Request
from ganimation_tf.annotations.forms import Form
from ganimation_tf.annotations.reader import Reader
from ganimation_tf.annotations.table import Table, of_clips

FORM = Form(
    name="py-feat",
    action_unit="{name}",
    maximum=1.0,
    confidence="FaceScore",
    image="input",
    frame="frame",
    frame_size=("FrameWidth", "FrameHeight"),
    as_stored=True,
    box=("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight"),
    blank_is_no_face=True,
)

COMMAND = (
    "import sys; from feat import Detectorv1; "
    'Detectorv1().detect(sys.argv[2:], data_type="image").to_csv(sys.argv[1], index=False)'
)
"""py-feat has no command line. Before 0.7 the class is called Detector; Detectorv2 and MPDetector
are used alike."""


def _tells(header: Sequence[str]) -> bool:
    return bool(FORM.action_units(header)) and ("FaceScore" in header or "FaceRectX" in header)


def _reader(request: Request) -> Reader:
    table = of_clips(FORM, request, frames=False)
    if isinstance(table, Table) and any(map(table.names_video, request.sample)):
        return of_clips(FORM, request)
    return table


def _commands(missing: Missing) -> Sequence[str]:
    table = posixpath.join(missing.annotations, "more.csv")
    return [shlex.join(["python", "-c", COMMAND, table, *missing.paths()])]


ANNOTATOR = Annotator(FORM, _tells, _reader, _commands)
