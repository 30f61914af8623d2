"""What all readers of rows share, and how rows become the faces of one image."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ganimation_tf.faces import images
from pipeline import files
from pipeline.annotations import AnnotationError, FaceAnnotation, Rejection
from pipeline.readers.forms import Form
from pipeline.readers.rows import Row, parse_face


@dataclasses.dataclass(frozen=True)
class Reader:
    """What the readers of all forms share; see `annotations.AnnotationReader`."""

    form: Form
    action_units: Sequence[str]
    maximum: float
    suffixes: Sequence[str] = (".csv",)
    image_suffixes: Sequence[str] = images.SUFFIXES
    reads_index: bool = False
    clips: bool = False
    assigns: bool = False
    subject_pattern: str | None = None
    beside: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The source, as it stands in `dataset.json`."""
        return self.form.name

    def image_key(self, file: str) -> str:
        """The name without suffix."""
        return files.key_of(file)

    def assignment(self, reference: Any) -> tuple[str | None, str | None]:
        """Neither split nor subject: both follow from the key."""
        return None, None

    def face(self, row: Row, file: str) -> FaceAnnotation | AnnotationError:
        """The face of a row, as `rows.parse_face` leaves it, or what is wrong with it."""
        try:
            where = f"{file}:{row.number}"
            return parse_face(row, self.form, self.action_units, self.maximum, where)
        except AnnotationError as error:
            return error


class Parsed(NamedTuple):
    """A row's number, the face id that it names, and its face or what is wrong with it."""

    number: int
    face: str | None
    found: FaceAnnotation | AnnotationError


def settle(key: str, file: str, rows: Iterable[Parsed]) -> list[FaceAnnotation | Rejection]:
    """The faces of one image, all with key and id; ids count from 0 where the rows have none."""
    settled: list[FaceAnnotation | Rejection] = []
    seen: set[str] = set()
    for order, (number, named, found) in enumerate(sorted(rows, key=lambda row: row.number)):
        face = str(order) if named is None else named
        if named in seen and isinstance(found, FaceAnnotation):
            found = AnnotationError("duplicate_face", f"face {named} has an earlier row")
        seen.add(face)
        if isinstance(found, AnnotationError):
            message = f"{file}:{number}: {found}"
            settled.append(Rejection(f"{key}#{face}", found.code, message, file))
        else:
            settled.append(dataclasses.replace(found, key=key, face=face))
    return settled


def frame_key(clip: str, number: int) -> str:
    """`clip/000012`."""
    return f"{clip}/{number:06}"
