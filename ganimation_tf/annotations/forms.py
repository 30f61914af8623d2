"""What annotation files look like: a form for each source, and its columns found by name."""

import dataclasses
import functools
import re
from collections.abc import Sequence

from ganimation_tf.annotations.face import AnnotationError

PAIR = "pair"
ANCHORS = ("anchor_x_0", "anchor_x_1", "anchor_x_2", "anchor_y_0", "anchor_y_1", "anchor_y_2")
"""What synthetic faces have and no annotator writes: which pictures differ in expression only, and
left eye, right eye and mouth in pixels, by which all of them are cropped alike."""

LANDMARKS = [f"{axis}_{i}" for axis in "xy" for i in range(68)]
"""x_0 ... x_67, y_0 ... y_67: OpenFace and py-feat agree on these."""


@dataclasses.dataclass(frozen=True)
class Form:
    """What a source calls its columns; None or nothing where it has no such column.

    Attributes:
        name: the source.
        action_unit: how an AU's column is called, with `{name}` for AU01 or `{number}` for 1.
        maximum: top of its intensity scale.
        confidence: of the face; `needs_confidence`: whether a file without it is refused.
        face: id of the face within an image.
        image: name of the image or video.
        frame: number of the frame; `first_frame`: that of a video's first.
        refused: a column that only files about videos have, where this form is not of them.
        success: 1 where the face was tracked.
        subject: identity.
        pair: name that faces share which differ in expression only.
        anchors: by which such faces are cropped, as `ANCHORS`.
        box: left, top, width, height in pixels.
        pose: pitch, yaw, roll; `degrees`: of one unit.
        landmarks: whether `LANDMARKS` are pixels of the image.
        blank_is_no_face: whether a row without confidence says that there was no face.
    """

    name: str
    action_unit: str
    maximum: float
    confidence: str | None = None
    needs_confidence: bool = False
    face: str | None = None
    image: str | None = None
    frame: str | None = None
    first_frame: int = 0
    refused: str | None = None
    success: str | None = None
    subject: str | None = None
    pair: str | None = None
    anchors: Sequence[str] = ()
    box: Sequence[str] = ()
    pose: Sequence[str] = ()
    degrees: float = 1.0
    landmarks: bool = True
    blank_is_no_face: bool = False

    def column(self, action_unit: str) -> str:
        """The column of an AU."""
        return self.action_unit.format(name=action_unit, number=int(action_unit[2:]))

    def action_units(self, header: Sequence[str]) -> tuple[str, ...]:
        """The AUs that a header has, by number."""
        pattern = re.escape(self.action_unit)
        for field, digits in (("name", r"AU(\d\d)"), ("number", r"([1-9]\d?)")):
            pattern = pattern.replace(re.escape(f"{{{field}}}"), digits)
        found = (re.fullmatch(pattern, name.strip()) for name in header)
        return tuple(sorted({f"AU{int(match[1]):02}" for match in found if match}))


@dataclasses.dataclass(frozen=True)
class Columns:
    """Where a header has what a form names; None or nothing where it lacks it.

    Attributes:
        names: the stripped header.
        intensities: columns of the AUs, in the order asked for.
        landmarks: columns of `LANDMARKS`.
    """

    names: Sequence[str]
    intensities: Sequence[int]
    landmarks: Sequence[int]
    anchors: Sequence[int]
    box: Sequence[int]
    pose: Sequence[int]
    confidence: int | None
    face: int | None
    image: int | None
    frame: int | None
    success: int | None
    subject: int | None
    pair: int | None

    def read(self) -> list[int]:
        """The places of all columns that are read."""
        singles = (self.confidence, self.face, self.image, self.frame, self.success)
        singles += (self.subject, self.pair)
        several = (*self.intensities, *self.landmarks, *self.anchors, *self.box, *self.pose)
        return [*several, *(column for column in singles if column is not None)]


@functools.lru_cache(maxsize=64)  # the files of one run share their header
def find_columns(header: tuple[str, ...], form: Form, action_units: tuple[str, ...]) -> Columns:
    """Finds the columns of a header row by name.

    Raises:
        AnnotationError: if a needed column is missing, or one that counts is there twice, or one
            says that the file describes a video.
    """
    names = [name.strip() for name in header]
    if form.refused in names:
        message = f"has a column `{form.refused}`: it describes a video"
        raise AnnotationError("not_per_image", message)
    singles = ("confidence", "face", "image", "frame", "success", "subject", "pair")
    columns = {name: getattr(form, name) for name in singles}
    units = [form.column(name) for name in action_units]
    landmarks = LANDMARKS if form.landmarks else []
    several = [*units, *landmarks, *form.anchors, *form.box, *form.pose]
    for name in [*filter(None, columns.values()), *several]:
        if names.count(name) > 1:
            raise AnnotationError("duplicate_column", f"{name} is there {names.count(name)} times")
    where = {name: column for column, name in enumerate(names)}
    missing = [name for name in units if name not in where]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        found = f"found {len(units) - len(missing)} of {len(units)} AU columns"
        raise AnnotationError("missing_column", f"{' '.join(missing)} {verb} missing; {found}")
    for name in (form.image, form.needs_confidence and form.confidence):
        if name and name not in where:
            raise AnnotationError("missing_column", f"{name} is missing")
    return Columns(
        names=names,
        intensities=[where[name] for name in units],
        landmarks=_all_or_none(where, landmarks, "landmark"),
        anchors=_all_or_none(where, form.anchors, "anchor"),
        box=_all_or_none(where, form.box, "box"),
        # Nobody needs a pose, so half of one is no error.
        pose=[where[name] for name in form.pose] if where.keys() >= set(form.pose) else [],
        **{field: where.get(name) for field, name in columns.items()},
    )


def _all_or_none(where: dict[str, int], names: Sequence[str], what: str) -> list[int]:
    found = [where[name] for name in names if name in where]
    if found and len(found) < len(names):
        first = next(name for name in names if name not in where)
        message = f"{first} is missing; found {len(found)} of {len(names)} {what} columns"
        raise AnnotationError("missing_column", message)
    return found
