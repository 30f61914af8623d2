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
import re
import shlex
from collections import defaultdict
from collections.abc import Iterator, Sequence

from ganimation_tf import inputs
from ganimation_tf.action_units import OPENFACE, OPENFACE_MAXIMUM
from ganimation_tf.annotations import pyfaceau, spellings
from ganimation_tf.annotations.annotator import NAMED, Annotator, Missing, Request
from ganimation_tf.annotations.face import AnnotationError
from ganimation_tf.annotations.forms import ANCHORS, PAIR, Form
from ganimation_tf.annotations.per_image import MAX_BYTES, PerImage
from ganimation_tf.annotations.reader import LookedAt, Part
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.annotations.rows import TABLES, header_of, read_rows
from ganimation_tf.annotations.table import of_clips
from ganimation_tf.faces.video import VIDEO_SUFFIXES

_DIRECTORIES = 3  # that advice names

FORM = Form(
    name="openface",
    action_unit="{name}_r",
    maximum=OPENFACE_MAXIMUM,
    not_intensities=r"AU\d\d_c",  # whether the AU is there
    confidence="confidence",
    needs_confidence=True,
    face="face",
    refused="frame",
    draws=True,
    position=("pose_Tx", "pose_Ty", "pose_Tz"),
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
    time="timestamp",
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
    suffixes: Sequence[str] = (*TABLES, DETAILS)

    def index(self, path: str, file: str) -> Iterator[Part | LookedAt | Rejection]:
        """The image of the same name."""
        if file.endswith(DETAILS):
            name = file.removesuffix(DETAILS)
            yield LookedAt(self.key_of(f"{name}.csv"))
            return
        for part in super().index(path, file):
            if self.assigns and isinstance(part, Part):
                part = part._replace(subject=self._subject(path))
            yield part

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
        return header_of(path, opener, MAX_BYTES)
    except AnnotationError:
        return []


def _commands(program: str, missing: Missing) -> Sequence[str]:
    """OpenFace takes single files or whole directories, and writes flat into one directory."""
    by_directory: dict[str, list[str]] = defaultdict(list)
    for name in sorted(missing.names):
        by_directory[posixpath.dirname(name)].append(name)
    commands = []
    for directory, here in sorted(by_directory.items())[:_DIRECTORIES]:
        place = posixpath.join(missing.images, directory).rstrip("/")
        out = posixpath.join(missing.annotations, directory).rstrip("/")
        chosen, given = program, [posixpath.join(missing.images, name) for name in here]
        videos = here[0].lower().endswith(VIDEO_SUFFIXES)
        frames = program == "FeatureExtraction" and not videos and _are_frames(here)
        if program == "FeatureExtraction" and not videos and not frames:
            chosen = "FaceLandmarkImg"  # the other would take each photo for a video
        if frames:
            # The annotation is called like the directory of the frames.
            words, out = ["-fdir", place], posixpath.dirname(out) or "."
        elif missing.total > NAMED and not videos:
            words = ["-fdir", place]
        else:
            words = [word for path in given for word in ("-f", path)]
        commands.append(shlex.join([chosen, *words, *FLAGS, "-out_dir", out]))
    return commands


def _are_frames(names: Sequence[str]) -> bool:
    """Whether images of one directory look like frames: they differ in a number only."""
    directory = posixpath.dirname(names[0])
    stems = {re.sub(r"\d+", "", posixpath.splitext(posixpath.basename(name))[0]) for name in names}
    numbered = all(re.search(r"\d", posixpath.basename(name)) for name in names)
    return bool(directory) and len(names) > 1 and len(stems) == 1 and numbered


FLAGS = ("-2Dfp", "-aus", "-pose")
"""Of what OpenFace can write, all that is read."""


def _tells(header: Sequence[str]) -> bool:
    """A column of images makes it a table of the user's own, unless that has its own AUs."""
    named = spellings.image_column(header) is not None
    own = named and not any(name in OPENFACE for name in header)
    return bool(FORM.action_units(header)) and not own


PHOTOS = Annotator(
    FORM,
    lambda header: _tells(header) and "frame" not in header,
    _photos,
    lambda missing: _commands("FaceLandmarkImg", missing),
    OPENFACE,
    marks=(DETAILS,),
)

VIDEOS = Annotator(
    VIDEO,
    lambda header: _tells(header) and "frame" in header and not pyfaceau.tells(header),
    lambda request: of_clips(VIDEO, request, by_text=True),
    lambda missing: _commands("FeatureExtraction", missing),
    OPENFACE,
)
