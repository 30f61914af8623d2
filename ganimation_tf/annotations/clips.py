"""Annotations with a file for each video."""

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator, Sequence

from ganimation_tf.annotations.csv_text import csv_rows
from ganimation_tf.annotations.face import AnnotationError
from ganimation_tf.annotations.forms import Form
from ganimation_tf.annotations.reader import (
    AnnotatedImage,
    LookedAt,
    Parsed,
    Part,
    Reader,
    frame_key,
    settle,
)
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.annotations.rows import Row, read_rows, time_of
from ganimation_tf.faces.video import VIDEO_SUFFIXES

_PEEK = 16  # rows of a clip's file that are measured


def require_first(row: Row, form: Form) -> None:
    """Refuses a file that counts frames from elsewhere: every label would be a frame off.

    Args:
        row: the first of the file.
        form: of the file.

    Raises:
        AnnotationError: if its frame is below the first one, or is not it where files begin so.
    """
    first = form.first_frame
    try:
        number = row.number_of_frame()
    except AnnotationError:
        return  # said where the row is read
    if number < first or (form.begins and number != first):
        message = f"{form.name} counts frames from {first}, this begins with another ({number})"
        raise AnnotationError("unknown_order", message)


@dataclasses.dataclass(frozen=True)
class Clips(Reader):
    """A file for each video, named like it, with a row for each face of each frame."""

    image_suffixes: Sequence[str] = VIDEO_SUFFIXES

    def weight(self, path: str, size: int) -> int:
        """About how many rows the file has, by the length of its first ones."""
        try:
            rows = itertools.islice(csv_rows(path, self.open), _PEEK)
            sample = [sum(map(len, row)) + 2 * len(row) for row in rows]
        except AnnotationError:
            return 1
        per_row = sum(sample[1:]) / max(1, len(sample) - 1)
        return max(1, round((size - sample[0]) / per_row)) if per_row else 1

    def index(self, path: str, file: str) -> Iterator[Part | LookedAt | Rejection]:
        """The video of the same name; opens nothing."""
        yield Part(self.key_of(file), path)

    def images(self, key: str, file: str, reference: str) -> Iterator[AnnotatedImage]:
        """The frames in the file at path `reference`."""
        number = self.form.first_frame
        group: list[Parsed] = []
        try:
            for row in read_rows(reference, self.form, self.action_units, self.open):
                if not group:
                    require_first(row, self.form)
                try:
                    frame = row.number_of_frame()
                    if frame < number:
                        message = f"frame {frame} must not come after {number}: rows go by frame"
                        raise AnnotationError("bad_row", message)
                except AnnotationError as error:
                    # Not part of a frame that one could name.
                    row_key = f"{key}:{row.number}"
                    message = f"{file}:{row.number}: {error}"
                    rejection = Rejection(row_key, error.code, message, file)
                    yield AnnotatedImage(-1, key, [rejection])
                    continue
                if group and frame != number:
                    yield self._frame(key, file, number, group)
                    group = []
                number = frame
                group.append(Parsed(row.number, row.text(row.columns.face), self.face(row, file)))
            if not group:
                raise AnnotationError("no_face", "has a header and no face row")
        except AnnotationError as error:
            if group:
                yield self._frame(key, file, number, group)
            raise AnnotationError(error.code, f"{file}: {error}") from None
        yield self._frame(key, file, number, group)

    def extent(self, path: str) -> tuple[int, float | None]:
        """How far the file at `path` goes.

        Returns:
            The number of frames up to the last it speaks of, and its frames per second; None
            where no times say these.
        """
        last, rate = -1, None
        with contextlib.suppress(AnnotationError):  # said where the rows are read
            for row in read_rows(path, self.form, self.action_units, self.open):
                with contextlib.suppress(AnnotationError):
                    index = row.number_of_frame() - self.form.first_frame
                    if index > last:
                        last, time = index, time_of(row, self.form)
                        rate = index / time if time else None
        return last + 1, rate

    def _frame(self, clip: str, file: str, number: int, rows: Sequence[Parsed]) -> AnnotatedImage:
        key = frame_key(clip, number)
        return AnnotatedImage(number - self.form.first_frame, key, settle(key, file, rows))
