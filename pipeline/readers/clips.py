"""Annotations with a file for each video."""

import dataclasses
from collections.abc import Iterator, Sequence

from pipeline import files
from pipeline.annotations import AnnotationError, FaceAnnotation, Rejection
from pipeline.readers.base import Parsed, Reader, frame_key, settle
from pipeline.readers.rows import read_rows

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")


@dataclasses.dataclass(frozen=True)
class Clips(Reader):
    """A file for each video, named like it, with a row for each face of each frame."""

    image_suffixes: Sequence[str] = VIDEO_SUFFIXES
    clips: bool = True

    def index(self, path: str, file: str) -> Iterator[tuple[str, str]]:
        """The video of the same name; opens nothing."""
        yield files.key_of(file), path

    def frames(
        self, key: str, file: str, reference: str
    ) -> Iterator[tuple[int, str, list[FaceAnnotation | Rejection]]]:
        """(index in the video, key, faces) of each frame in the file at path `reference`."""
        number, group = None, []
        try:
            for row in read_rows(reference, self.form, self.action_units):
                try:
                    found = row.number_of_frame()
                    if found < self.form.first_frame or (number is not None and found < number):
                        message = f"frame {found} must not come after {number}: rows go by frame"
                        raise AnnotationError("bad_row", message)
                except AnnotationError as error:
                    # Not part of a frame that one could name.
                    row_key = f"{key}:{row.number}"
                    message = f"{file}:{row.number}: {error}"
                    yield -1, key, [Rejection(row_key, error.code, message, file)]
                    continue
                if group and found != number:
                    yield self._frame(key, file, number, group)
                    group = []
                number = found
                group.append(Parsed(row.number, row.text(row.columns.face), self.face(row, file)))
            if number is None:
                raise AnnotationError("no_face", "has a header and no face row")
        except AnnotationError as error:
            if group:
                yield self._frame(key, file, number, group)
            raise AnnotationError(error.code, f"{file}: {error}") from None
        yield self._frame(key, file, number, group)

    def _frame(
        self, clip: str, file: str, number: int, rows: Sequence[Parsed]
    ) -> tuple[int, str, list[FaceAnnotation | Rejection]]:
        key = frame_key(clip, number)
        found = settle(key, file, rows)
        return number - self.form.first_frame, key, found
