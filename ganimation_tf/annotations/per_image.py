"""Annotations with a file for each image."""

import dataclasses
from collections.abc import Iterator

from ganimation_tf.annotations.face import AnnotationError
from ganimation_tf.annotations.reader import (
    AnnotatedImage,
    LookedAt,
    Parsed,
    Part,
    Reader,
    settle,
)
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.annotations.rows import read_rows

MAX_BYTES = 16 << 20
"""One image's annotation is about 4 kB per face."""


@dataclasses.dataclass(frozen=True)
class PerImage(Reader):
    """A file for each image, named like it, with a row for each face."""

    def index(self, path: str, file: str) -> Iterator[Part | LookedAt | Rejection]:
        """The image of the same name; opens nothing."""
        yield Part(self.key_of(file), path)

    def images(self, key: str, file: str, reference: str) -> Iterator[AnnotatedImage]:
        """The faces of the file at path `reference`."""
        try:
            rows = [
                Parsed(row.number, row.text(row.columns.face), self.face(row, file))
                for row in read_rows(reference, self.form, self.action_units, self.open, MAX_BYTES)
            ]
        except AnnotationError as error:
            raise AnnotationError(error.code, f"{file}: {error}") from None
        if not rows:
            raise AnnotationError("no_face", f"{file}: has a header and no face row")
        yield AnnotatedImage(0, key, settle(key, file, rows))
