"""Annotations with a file for many images, or with one for a clip whose frames are image files."""

import dataclasses
import os
import pickle
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ganimation_tf.faces import images
from pipeline import files
from pipeline.annotations import AnnotationError, FaceAnnotation, Rejection
from pipeline.readers.base import Parsed, Reader, frame_key, settle
from pipeline.readers.clips import VIDEO_SUFFIXES
from pipeline.readers.rows import Row, read_rows

_ADJACENT = 256  # rows of one image that are handed over together


class Packed(NamedTuple):
    """Rows of one image on their way to the worker that has the image.

    Attributes:
        number: of the first row.
        rows: a pickled list of `Parsed`.
        subject: of the first row, where it has one.
        split: of the image, where the source says it.
    """

    number: int
    rows: bytes
    subject: str | None = None
    split: str | None = None


def pack(rows: Sequence[Parsed], split: str | None = None) -> list[Packed]:
    """The reference to rows of one image; such lists may be joined."""
    faces = [row.found for row in rows if isinstance(row.found, FaceAnnotation)]
    subject = next((face.subject for face in faces), None)
    # Beam would pickle them too, but slowly: it is prepared for functions and classes.
    return [Packed(rows[0].number, pickle.dumps(list(map(tuple, rows))), subject, split)]


def unpack(reference: Iterable[tuple]) -> list[Parsed]:
    """The rows behind a reference that `pack` made."""
    packed = [Packed(*item) for item in reference]
    return [Parsed(*row) for item in packed for row in pickle.loads(item.rows)]


@dataclasses.dataclass(frozen=True)
class Table(Reader):
    """A file for many images.

    Attributes:
        images_root: directory that images are relative to, in the names that rows give.
        frames: whether images are frames, named by the number that their name ends with.
        first_image: number in the name of a clip's first frame.
    """

    reads_index: bool = True
    images_root: str = ""
    frames: bool = False
    first_image: int = 1

    def image_key(self, file: str) -> str:
        """The name without suffix; of a frame, its directory and the number the source gives it."""
        key = files.key_of(file)
        directory, _, name = key.rpartition("/")
        digits = re.findall(r"\d+", name)
        if not self.frames or not digits:
            return key
        number = int(digits[-1][-18:]) - self.first_image + self.form.first_frame
        return frame_key(directory, number)

    def index(self, path: str, file: str) -> Iterator[tuple[str, list[Packed]] | Rejection]:
        """The images of a file's rows, rows of one image together where they are neighbours."""
        last, group, empty = None, [], True
        try:
            for row in self.rows(path):
                empty = False
                try:
                    key = self._key(row, file)
                except AnnotationError as error:
                    message = f"{file}:{row.number}: {error}"
                    yield Rejection(f"{file}:{row.number}", error.code, message, file)
                    continue
                if group and (key != last or len(group) == _ADJACENT):
                    yield last, pack(group)
                    group = []
                last = key
                group.append(Parsed(row.number, row.text(row.columns.face), self.face(row, file)))
            if empty:
                raise AnnotationError("no_face", "has a header and no row")
        except AnnotationError as error:
            yield Rejection(files.key_of(file), error.code, f"{file}: {error}", file)
        if group:
            yield last, pack(group)

    def rows(self, path: str) -> Iterator[Row]:
        """The rows of a file."""
        return read_rows(path, self.form, self.action_units)

    def faces(self, key: str, file: str, reference: Any) -> list[FaceAnnotation | Rejection]:
        """The faces in the rows that `index` found."""
        return settle(key, file, unpack(reference))

    def names_video(self, path: str) -> bool:
        """Whether the first row of a file is about a video."""
        try:
            row = next(self.rows(path))
        except (AnnotationError, StopIteration):
            return False
        name = row.text(row.columns.image) or ""
        return name.lower().endswith(VIDEO_SUFFIXES)

    def of_frames(self, subject_pattern: str) -> "Table":
        """This reader for frames that are image files."""
        return dataclasses.replace(self, frames=True, subject_pattern=subject_pattern)

    def _key(self, row: Row, file: str) -> str:
        if self.form.image is None:
            return frame_key(files.key_of(file), row.number_of_frame())
        name = row.text(row.columns.image)
        if name is None:
            raise AnnotationError("no_key", f"{self.form.image} is blank")
        stem, suffix = os.path.splitext(relative(name, self.images_root))
        if suffix.lower() in VIDEO_SUFFIXES:
            return frame_key(stem, row.number_of_frame())
        # A name may have a dot and no suffix.
        return stem if suffix.lower() in images.SUFFIXES else stem + suffix


def relative(name: str, root: str) -> str:
    """A file name out of a table, relative to the directory of the images.

    The tool that wrote it may have run elsewhere: of an absolute path that is not under `root`
    only the last part is kept.
    """
    name = name.replace("\\", "/")
    if root and name.startswith(f"{root}/"):
        return name[len(root) + 1 :]
    if name.startswith("/") or re.match(r"[A-Za-z]:/|\w+://", name):
        return name.rpartition("/")[2]
    return os.path.normpath(name)
