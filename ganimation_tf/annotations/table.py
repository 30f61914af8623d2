"""Annotations with a file for many images, or with one for a clip whose frames are image files."""

import dataclasses
import os
import pickle
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ganimation_tf import inputs
from ganimation_tf.annotations.annotator import Request
from ganimation_tf.annotations.clips import Clips
from ganimation_tf.annotations.face import AnnotationError, FaceAnnotation
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
from ganimation_tf.annotations.rows import Row, read_rows
from ganimation_tf.errors import UserError
from ganimation_tf.faces import images
from ganimation_tf.faces.video import VIDEO_SUFFIXES

_ADJACENT = 256  # rows of one image that are handed over together

CLIP_PATTERN = r"^(.+)/[^/]*$"
"""The directory of a frame is its clip, and neighbouring frames are one subject."""


class Packed(NamedTuple):
    """Rows of one image on their way to the worker that has the image.

    Attributes:
        number: of the first row.
        rows: a pickled list of `Parsed`.
    """

    number: int
    rows: bytes


def pack(key: str, rows: Sequence[Parsed], split: str | None = None) -> Part:
    """What rows say about the image of this key."""
    faces = [row.found for row in rows if isinstance(row.found, FaceAnnotation)]
    subject = next((face.subject for face in faces if face.subject), None)
    # Beam would pickle them too, but slowly: it is prepared for functions and classes.
    packed = Packed(rows[0].number, pickle.dumps(list(map(tuple, rows))))
    return Part(key, [packed], packed.number, subject, split)


def unpack(reference: Iterable[tuple]) -> list[Parsed]:
    """The rows behind a reference that `pack` made; several may be joined to one."""
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

    opens_index: bool = True
    images_root: str = ""
    frames: bool = False
    first_image: int = 1

    def image_keys(self, files: Sequence[str]) -> list[str]:
        """The names without suffix; of frames, the directory and the number by the source."""
        keys = list(map(self._image_key, files))
        if self.frames:
            self._check_numbers(keys)
        return keys

    def _image_key(self, file: str) -> str:
        key = inputs.key_of(file)
        directory, _, name = key.rpartition("/")
        digits = re.findall(r"\d+", name)
        if not self.frames or not digits:
            return key
        number = int(digits[-1][-18:]) - self.first_image + self.form.first_frame
        return frame_key(directory, number)

    def _check_numbers(self, keys: Sequence[str]) -> None:
        """Refuses frames numbered from below `first_image`: every label would be a frame late."""
        first = self.form.first_frame
        for key in keys:
            number = key.rpartition("/")[2]
            if number.lstrip("-").isdigit() and int(number) < first:
                counted = int(number) - first + self.first_image
                raise UserError(
                    f"--first-frame is {self.first_image}, but {key.rpartition('/')[0]} has a "
                    f"frame numbered {counted}"
                )

    def index(self, path: str, file: str) -> Iterator[Part | LookedAt | Rejection]:
        """The images of a file's rows, rows of one image together where they are neighbours."""
        last, group, empty = "", [], True
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
                    yield pack(last, group)
                    group = []
                last = key
                group.append(Parsed(row.number, row.text(row.columns.face), self.face(row, file)))
            if empty:
                raise AnnotationError("no_face", "has a header and no row")
        except AnnotationError as error:
            yield Rejection(inputs.key_of(file), error.code, f"{file}: {error}", file)
        if group:
            yield pack(last, group)

    def rows(self, path: str) -> Iterator[Row]:
        """The rows of a file."""
        return read_rows(path, self.form, self.action_units, self.open)

    def images(self, key: str, file: str, reference: Iterable[tuple]) -> Iterator[AnnotatedImage]:
        """The faces in the rows that `index` found."""
        yield AnnotatedImage(0, key, settle(key, file, unpack(reference)))

    def names_video(self, path: str) -> bool:
        """Whether the first row of a file is about a video."""
        try:
            row = next(self.rows(path))
        except (AnnotationError, StopIteration):
            return False
        name = row.text(row.columns.image) or ""
        return name.lower().endswith(VIDEO_SUFFIXES)

    def _key(self, row: Row, file: str) -> str:
        if self.form.image is None:
            return frame_key(inputs.key_of(file), row.number_of_frame())
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


def of_clips(form: Form, request: Request, frames: bool = True) -> Reader:
    """The reader of annotations of videos, whose frames may be in them or image files.

    Args:
        form: what the source calls its columns.
        request: what is wanted.
        frames: whether images are frames if there are no videos.
    """
    if request.videos:
        return Clips(form, request.action_units, request.maximum, request.open)
    return Table(
        form,
        request.action_units,
        request.maximum,
        request.open,
        subject_pattern=CLIP_PATTERN if frames else None,
        images_root=request.images_root,
        frames=frames,
        first_image=request.first_image,
    )
