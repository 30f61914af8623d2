"""What annotation files look like: a form for each source, and its columns found by name."""

import dataclasses
import functools
import re
from collections.abc import Sequence

from ganimation_tf.annotations import spellings
from ganimation_tf.annotations.face import AnnotationError
from ganimation_tf.faces.mediapipe_points import LANDMARKS_68

PAIR = "pair"
ANCHORS = ("anchor_x_0", "anchor_x_1", "anchor_x_2", "anchor_y_0", "anchor_y_1", "anchor_y_2")
"""What synthetic faces have and no annotator writes: which pictures differ in expression only, and
left eye, right eye and mouth in pixels, by which all of them are cropped alike."""

LANDMARKS = [f"{axis}_{i}" for axis in "xy" for i in range(68)]
"""x_0 ... x_67, y_0 ... y_67: OpenFace and py-feat agree on these."""

MESHES = (478, 468)
"""Points of MediaPipe's face mesh, with and without irises; py-feat's MPDetector writes them under
the same names."""


@dataclasses.dataclass(frozen=True)
class Form:
    """What a source calls its columns; None or nothing where it has no such column.

    Attributes:
        name: the source.
        action_unit: how an AU's column is called, with `{name}` for AU01 or `{number}` for 1.
        loose: whether AU1, au01, AU_1, AU01_r and AU01_intensity mean the same as AU01, and the
            image's column may be called as `spellings.IMAGE_NAMES` has it.
        not_intensities: regular expression of columns that look like AUs and are known to be else.
        maximum: top of its intensity scale.
        confidence: of the face; `needs_confidence`: whether a file without it is refused.
        face: id of the face within an image.
        image: name of the image or video.
        frame: number of the frame; `first_frame`: that of a video's first.
        begins: whether each file begins with that frame.
        refused: a column that only files about videos have, where this form is not of them.
        time: when the frame is shown; `seconds`: of one unit.
        success: 1 where the face was tracked.
        subject: identity.
        pair: name that faces share which differ in expression only.
        anchors: by which such faces are cropped, as `ANCHORS`.
        box: left, top, width, height in pixels.
        frame_size: width and height of the picture that was looked at.
        as_stored: whether the annotator reads pixels as they are stored, whatever EXIF or a
            video's header says of turning them.
        draws: whether the annotator leaves drawings; see `drawings`.
        position: of the head in the camera, as `camera.frame_size` takes it.
        pose: pitch, yaw, roll; `degrees`: of one unit.
        landmarks: whether `LANDMARKS` are pixels of the image.
        blank_is_no_face: whether a row without confidence says that there was no face.
    """

    name: str
    action_unit: str
    maximum: float
    loose: bool = False
    not_intensities: str = "(?!)"
    confidence: str | None = None
    needs_confidence: bool = False
    face: str | None = None
    image: str | None = None
    frame: str | None = None
    first_frame: int = 0
    begins: bool = False
    refused: str | None = None
    time: str | None = None
    seconds: float = 1.0
    success: str | None = None
    subject: str | None = None
    pair: str | None = None
    anchors: Sequence[str] = ()
    box: Sequence[str] = ()
    frame_size: Sequence[str] = ()
    as_stored: bool = False
    draws: bool = False
    position: Sequence[str] = ()
    pose: Sequence[str] = ()
    degrees: float = 1.0
    landmarks: bool = True
    blank_is_no_face: bool = False

    def column(self, action_unit: str) -> str:
        """The column of an AU."""
        return self.action_unit.format(name=action_unit, number=int(action_unit[2:]))

    def unit_of(self, name: str) -> str | None:
        """The AU whose intensity a column holds; None if it is no such column."""
        if self.loose:
            return spellings.loose_unit(name)
        return spellings.exact_unit(name, self.action_unit)

    def image_column(self, header: Sequence[str]) -> str | None:
        """The column that names the image; None if the form, or the header, has none."""
        if self.loose and self.image:
            return spellings.image_column(header)
        return self.image if self.image in header else None

    def action_units(self, header: Sequence[str]) -> tuple[str, ...]:
        """The AUs that a header has, by number."""
        units = {self.unit_of(name.strip()) for name in header}
        return tuple(sorted(unit for unit in units if unit))

    def unread(self, header: Sequence[str], action_units: Sequence[str]) -> list[str]:
        """Columns that look like AUs and are none that are read, nor known to be something else."""
        return [
            name
            for name in map(str.strip, header)
            if spellings.like_a_unit(name)
            and self.unit_of(name) not in action_units
            and not re.fullmatch(self.not_intensities, name)
        ]


@dataclasses.dataclass(frozen=True)
class Columns:
    """Where a header has what a form names; None or nothing where it lacks it.

    Attributes:
        names: the stripped header.
        intensities: columns of the AUs, in the order asked for.
        landmarks: columns of the 68 points of iBUG 300-W, x then y.
    """

    names: Sequence[str]
    intensities: Sequence[int]
    landmarks: Sequence[int]
    anchors: Sequence[int]
    box: Sequence[int]
    frame_size: Sequence[int]
    position: Sequence[int]
    pose: Sequence[int]
    confidence: int | None
    face: int | None
    image: int | None
    frame: int | None
    success: int | None
    subject: int | None
    pair: int | None
    time: int | None = None

    def read(self) -> list[int]:
        """The places of all columns that are read."""
        values = [getattr(self, field.name) for field in dataclasses.fields(self)[1:]]
        several = [value if isinstance(value, list) else [value] for value in values]
        return [place for places in several for place in places if place is not None]


@functools.lru_cache(maxsize=64)  # the files of one run share their header
def find_columns(header: tuple[str, ...], form: Form, action_units: tuple[str, ...]) -> Columns:
    """Finds the columns of a header row by name.

    Raises:
        AnnotationError: if a needed column is missing, or one that counts is there twice, or one
            says that the file describes a video, or the landmarks are of no known layout.
    """
    names = [name.strip() for name in header]
    if form.loose:  # people write `Success` as well as `success`
        names = [name if form.unit_of(name) else name.lower() for name in names]
    if form.refused in names:
        message = (
            f"has a column `{form.refused}`: it describes a video; FaceLandmarkImg annotates photos"
        )
        raise AnnotationError("not_per_image", message)
    singles = ("confidence", "face", "image", "frame", "success", "subject", "pair")
    columns = {name: getattr(form, name) for name in singles}
    columns["image"] = form.image_column(names) or form.image
    landmarks = landmark_names(names) if form.landmarks else []
    counting = [*landmarks, *form.anchors, *form.box, *form.frame_size, *form.position, *form.pose]
    for name in [*filter(None, columns.values()), *counting]:
        if names.count(name) > 1:
            raise AnnotationError("duplicate_column", f"{name} is there {names.count(name)} times")
    where = {name: column for column, name in enumerate(names)}
    intensities = _unit_columns(names, form, action_units)
    for name in (columns["image"], form.needs_confidence and form.confidence):
        if name and name not in where:
            raise AnnotationError("missing_column", f"{name} is missing")
    return Columns(
        names=names,
        intensities=intensities,
        landmarks=_all_or_none(where, landmarks, "landmark"),
        anchors=_all_or_none(where, form.anchors, "anchor"),
        box=_all_or_none(where, form.box, "box"),
        # Nobody needs a pose, so half of one is no error; nor the picture's size.
        frame_size=_all_or_nothing(where, form.frame_size),
        position=_all_or_nothing(where, form.position),
        pose=_all_or_nothing(where, form.pose),
        time=where.get(form.time) if form.time else None,
        **{field: where.get(name) for field, name in columns.items()},
    )


def landmark_names(names: Sequence[str]) -> list[str]:
    """What the columns of the 68 points of iBUG 300-W are called in a header.

    Raises:
        AnnotationError: if there are points, but of another layout than those that are known.
    """
    numbers = [int(name[2:]) for name in names if re.fullmatch(r"x_\d{1,6}", name)]
    count = max(numbers, default=-1) + 1
    if count in MESHES:
        return [f"{axis}_{point}" for axis in "xy" for point in LANDMARKS_68]
    if count > 68:
        raise AnnotationError(
            "unknown_landmarks",
            f"has {count} points x_0 ... x_{count - 1}; known are the 68 of iBUG 300-W and the "
            f"{MESHES[0]} or {MESHES[1]} of MediaPipe: leave the columns out, a box or --detector "
            "mtcnn will do",
        )
    return LANDMARKS


def _unit_columns(names: Sequence[str], form: Form, action_units: Sequence[str]) -> list[int]:
    """Where the intensities are, or an AnnotationError if one is missing or twice."""
    places: dict[str, int] = {}
    for column, name in enumerate(names):
        unit = form.unit_of(name)
        if unit is None or unit not in action_units:
            continue
        if unit in places:
            first = names[places[unit]]
            if first == name:
                message = f"{name} is there {names.count(name)} times"
            else:
                message = f"{first} and {name} both mean {unit}"
            raise AnnotationError("duplicate_column", message)
        places[unit] = column
    missing = [unit for unit in action_units if unit not in places]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        present = f"found {len(places)} of {len(action_units)} AU columns"
        lacking = " ".join(map(form.column, missing))
        raise AnnotationError("missing_column", f"{lacking} {verb} missing; {present}")
    return [places[unit] for unit in action_units]


def _all_or_nothing(where: dict[str, int], names: Sequence[str]) -> list[int]:
    return [where[name] for name in names] if where.keys() >= set(names) else []


def _all_or_none(where: dict[str, int], names: Sequence[str], what: str) -> list[int]:
    columns = [where[name] for name in names if name in where]
    if columns and len(columns) < len(names):
        first = next(name for name in names if name not in where)
        message = f"{first} is missing; found {len(columns)} of {len(names)} {what} columns"
        raise AnnotationError("missing_column", message)
    return columns
