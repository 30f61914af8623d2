"""OpenFace 2 (https://github.com/TadasBaltrusaitis/OpenFace, wiki page "Output Format").

`FaceLandmarkImg` writes a file for each image, `FeatureExtraction` and `FaceLandmarkVidMulti` one
for each video or directory of frames; the columns differ by `frame`, `face_id`, `timestamp` and
`success`. Which of the others are there depends on its flags, and some versions put a blank before
each name. Files about synthetic photos may have `subject`, `forms.PAIR` and `forms.ANCHORS` behind
OpenFace's own columns.
"""

import dataclasses
import math
import posixpath
import shlex
from collections.abc import Iterator, Sequence

from ganimation_tf import inputs
from ganimation_tf.action_units import OPENFACE, OPENFACE_MAXIMUM
from ganimation_tf.annotations.annotator import NAMED, Annotator, Missing, Request
from ganimation_tf.annotations.face import AnnotationError
from ganimation_tf.annotations.forms import ANCHORS, PAIR, Form
from ganimation_tf.annotations.per_image import MAX_BYTES, PerImage
from ganimation_tf.annotations.reader import LookedAt, Part
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.annotations.rows import csv_rows, read_rows
from ganimation_tf.annotations.table import of_clips

_DIRECTORIES = 3  # that advice names

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
    subject="subject",
    pair=PAIR,
    anchors=ANCHORS,
)

VIDEO = dataclasses.replace(
    FORM,
    name="openface-video",
    face="face_id",
    frame="frame",
    first_frame=1,
    refused=None,
    success="success",
    subject=None,
    pair=None,
    anchors=(),
)

DETAILS = "_of_details.txt"
"""OpenFace writes this beside each CSV; alone, where it looked at an image and found no face."""


@dataclasses.dataclass(frozen=True)
class OpenFaceReader(PerImage):
    """OpenFace's per-image form; opened for their subjects where the files name any."""

    form: Form = FORM
    action_units: Sequence[str] = OPENFACE
    maximum: float = OPENFACE_MAXIMUM
    suffixes: Sequence[str] = (".csv", DETAILS)

    def index(self, path: str, file: str) -> Iterator[Part | LookedAt | Rejection]:
        """The image of the same name."""
        if file.endswith(DETAILS):
            yield LookedAt(file.removesuffix(DETAILS))
            return
        for part in super().index(path, file):
            yield part._replace(subject=self._subject(path)) if self.assigns else part

    def _subject(self, path: str) -> str | None:
        """Who the first row is about; what is wrong with the file is for `images` to say."""
        try:
            row = next(read_rows(path, self.form, self.action_units, self.open, MAX_BYTES), None)
        except AnnotationError:
            return None
        return row.text(row.columns.subject) if row else None


def _photos(request: Request) -> OpenFaceReader:
    named = any(FORM.subject in _header(path, request.open) for path in request.sample)
    return OpenFaceReader(
        form=FORM if named else dataclasses.replace(FORM, subject=None),
        action_units=request.action_units,
        maximum=request.maximum,
        open=request.open,
        assigns=named,
    )


def _header(path: str, opener: inputs.Opener) -> list[str]:
    """The stripped names of a file's columns; [] where there are none."""
    try:
        return [name.strip() for name in next(csv_rows(path, opener, MAX_BYTES), [])]
    except AnnotationError:
        return []


def _commands(program: str, missing: Missing) -> Sequence[str]:
    """OpenFace takes single files or whole directories, and writes flat into one directory."""
    directories = sorted({posixpath.dirname(name) for name in missing.names})[:_DIRECTORIES]
    commands = []
    for directory in directories:
        here = sorted(name for name in missing.names if posixpath.dirname(name) == directory)
        given = ["-fdir", posixpath.join(missing.images, directory).rstrip("/")]
        if missing.count <= NAMED or program != "FaceLandmarkImg":
            given = [word for name in here for word in ("-f", posixpath.join(missing.images, name))]
        out = posixpath.join(missing.annotations, directory).rstrip("/")
        commands.append(shlex.join([program, *given, *FLAGS, "-out_dir", out]))
    return commands


FLAGS = ("-2Dfp", "-aus", "-pose")
"""Of what OpenFace can write, all that is read."""

PHOTOS = Annotator(
    FORM,
    lambda header: bool(FORM.action_units(header)) and "frame" not in header,
    _photos,
    lambda missing: _commands("FaceLandmarkImg", missing),
    OPENFACE,
    marks=(DETAILS,),
)

VIDEOS = Annotator(
    VIDEO,
    lambda header: bool(FORM.action_units(header)) and "frame" in header,
    lambda request: of_clips(VIDEO, request),
    lambda missing: _commands("FeatureExtraction", missing),
    OPENFACE,
)
