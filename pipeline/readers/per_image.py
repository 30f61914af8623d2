"""Annotations with a file for each image."""

import dataclasses
from collections.abc import Iterator

from pipeline import files
from pipeline.annotations import AnnotationError, FaceAnnotation, Rejection
from pipeline.readers.base import Parsed, Reader, settle
from pipeline.readers.rows import read_rows

MAX_BYTES = 16 << 20
"""One image's annotation is about 4 kB per face."""


@dataclasses.dataclass(frozen=True)
class PerImage(Reader):
    """A file for each image, named like it, with a row for each face."""

    def index(self, path: str, file: str) -> Iterator[tuple[str, str]]:
        """The image of the same name; opens nothing."""
        yield files.key_of(file), path

    def faces(self, key: str, file: str, reference: str) -> list[FaceAnnotation | Rejection]:
        """The faces of the file at path `reference`."""
        try:
            rows = [
                Parsed(row.number, row.text(row.columns.face), self.face(row, file))
                for row in read_rows(reference, self.form, self.action_units, MAX_BYTES)
            ]
        except AnnotationError as error:
            raise AnnotationError(error.code, f"{file}: {error}") from None
        if not rows:
            raise AnnotationError("no_face", f"{file}: has a header and no face row")
        return settle(key, file, rows)
