"""pyfaceau (https://github.com/johnwilsoniv/pyfaceau), a port of OpenFace 2.2 to Python.

One file for each video: `frame` from 0, `timestamp`, `success` as True or False, and OpenFace's 17
intensities in [0, 5], blank where no face was found. It writes no confidence, no landmarks and no
box, so crops need a detector.
"""

import posixpath
import shlex
from collections.abc import Sequence

from ganimation_tf.action_units import OPENFACE, OPENFACE_MAXIMUM
from ganimation_tf.annotations.annotator import Annotator, Missing
from ganimation_tf.annotations.forms import Form
from ganimation_tf.annotations.table import of_clips

FORM = Form(
    name="pyfaceau",
    action_unit="{name}_r",
    maximum=OPENFACE_MAXIMUM,
    frame="frame",
    begins=True,  # or it would be OpenFace's, without its confidence, and count from 1
    time="timestamp",
    success="success",
    landmarks=False,
)

COMMAND = (
    "import sys; from pyfaceau import FullPythonAUPipeline; "
    "FullPythonAUPipeline().process_video(sys.argv[1], output_csv=sys.argv[2])"
)


def tells(header: Sequence[str]) -> bool:
    """Whether a header is of pyfaceau and not of OpenFace, whose AUs have the same names."""
    names = {*header}
    own = {"frame", "timestamp", "success"} <= names and not {"face_id", "confidence"} & names
    return own and bool(FORM.action_units(header))


def _commands(missing: Missing) -> Sequence[str]:
    """It takes one video at a time."""
    commands = []
    for path in missing.paths():
        name = posixpath.splitext(posixpath.relpath(path, missing.images))[0]
        table = posixpath.join(missing.annotations, f"{name}.csv")
        commands.append(shlex.join(["python", "-c", COMMAND, path, table]))
    return commands


ANNOTATOR = Annotator(FORM, tells, lambda request: of_clips(FORM, request), _commands, OPENFACE)
