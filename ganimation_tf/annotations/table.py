"""Annotations with a file for many images, or with one for a clip whose frames are image files."""

import contextlib
import dataclasses
import pickle
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Self

from ganimation_tf import inputs
from ganimation_tf.annotations.annotator import Request
from ganimation_tf.annotations.clips import Clips, require_first
from ganimation_tf.annotations.face import AnnotationError, FaceAnnotation
from ganimation_tf.annotations.forms import Form
from ganimation_tf.annotations.names import ImageNames, said
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
from ganimation_tf.annotations.sequences import LISTED_BY_OPENFACE, frames_of
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
    faces = [row.outcome for row in rows if isinstance(row.outcome, FaceAnnotation)]
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
    """A file for many images, or for a video whose frames are image files.

    Attributes:
        images_root: directory that images are relative to.
        frames: whether images are frames, each clip in a directory of its name.
        first_image: number in the name of a clip's first frame; None: their order counts.
        by_text: whether the annotator sorts the images of a clip by their names as text.
        names: the images, once `for_images` has said which there are; until then keys are what
            rows say.
        counts: as `sequences.Frames` has it.
        photos: clips of one image that is no frame but a photo of their name.
    """

    opens_index: bool = True
    images_root: str = ""
    frames: bool = False
    first_image: int | None = None
    by_text: bool = False
    names: ImageNames | None = None
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    photos: Collection[str] = frozenset()

    def for_images(
        self, files: Sequence[str], annotations: Sequence[str]
    ) -> tuple[Self, list[str]]:
        """The reader that finds these images by the names of rows."""
        reader, keys = super().for_images(files, annotations)
        if not self.frames:
            names = ImageNames(keys, self.images_root)
            return dataclasses.replace(reader, names=names), keys
        root_name = self.images_root.rpartition("/")[2]
        directories = {key.rpartition("/")[0] or root_name for key in keys}
        photos: frozenset[str] = frozenset()
        clips: Collection[str] = directories
        if self.form.image is None:  # the files are called like the clips
            clips = set(map(reader.key_of, annotations))
            photos = frozenset(clips.intersection(keys) - directories)
        sequences = frames_of(
            files, clips, root_name, self.form.first_frame, self.first_image, self.by_text
        )
        reader = dataclasses.replace(
            reader,
            names=ImageNames(directories, self.images_root),
            counts=sequences.counts,
            photos=photos,
            notes=(*self.notes, *sequences.notes()),
        )
        return reader, list(sequences.keys)

    def index(self, path: str, file: str) -> Iterator[Part | LookedAt | Rejection]:
        """The images of a file's rows, rows of one image together where they are neighbours."""
        if self.key_of(file) in self.photos:
            yield _of_a_photo(self.key_of(file), file)
            return
        last, empty = "", True
        group: list[Parsed] = []
        refused = self._clips_of_unknown_order(path, file)
        for clip, message in sorted(refused.items()):
            yield Rejection(clip, "unknown_order", f"{file}: {message}", file)
        try:
            for row in self.rows(path):
                if empty and self.form.image is None:
                    require_first(row, self.form)
                empty = False
                try:
                    key = self._key(row, file)
                except AnnotationError as error:
                    message = f"{file}:{row.number}: {error}"
                    yield Rejection(f"{file}:{row.number}", error.code, message, file)
                    continue
                if refused and key.rpartition("/")[0] in refused:
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

    def _clips_of_unknown_order(self, path: str, file: str) -> dict[str, str]:
        """The clips of a file that have another number of frames than images, with a message."""
        if not self.counts:
            return {}
        rows: dict[str, Counter[int]] = defaultdict(Counter)
        with contextlib.suppress(AnnotationError):  # said where the rows are read
            for row in self.rows(path):
                with contextlib.suppress(AnnotationError):
                    clip, _, number = self._key(row, file).rpartition("/")
                    if clip in self.counts:
                        rows[clip][int(number)] += 1
        refused = {}
        for clip, frames in rows.items():
            images, last = self.counts[clip], max(frames) - self.form.first_frame + 1
            # With several people a frame has several rows, or none.
            several = max(frames.values()) > 1 or len(frames) < last
            if not images and self.by_text:
                refused[clip] = (
                    f"no image of {clip} ends in {', '.join(LISTED_BY_OPENFACE)}, in lower case, "
                    "as FeatureExtraction -fdir takes them: rename them, or, if the video itself "
                    "was annotated, give --first-frame"
                )
            elif last > images or (last < images and not several):
                refused[clip] = (
                    f"{clip} has {images} images and {last} annotated frames, and the names of the "
                    "images do not count from 1: which is which cannot be known. Annotate them "
                    "again, or, if their names carry the numbers of the video's frames, give "
                    "--first-frame"
                )
        return refused

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
            return frame_key(self.key_of(file), row.number_of_frame())
        name = row.text(row.columns.image)
        if name is None:
            raise AnnotationError("no_key", f"{self.form.image} is blank")
        if self.names is None:
            key = said(name)
        else:
            key = self.names.key(name, self.relative_to_root)
        if name.lower().endswith(VIDEO_SUFFIXES):
            # Frames are files in a directory of the video's name.
            return frame_key(key, row.number_of_frame())
        return key

    @property
    def relative_to_root(self) -> bool:
        """Whether the names in rows are, by agreement, relative to the directory of the images."""
        return False


def _of_a_photo(key: str, file: str) -> Rejection:
    message = (
        f"{file}: FeatureExtraction wrote this of a photo; it is for videos. FaceLandmarkImg "
        "annotates photos"
    )
    return Rejection(key, "not_per_image", message, file)


def of_clips(form: Form, request: Request, frames: bool = True, by_text: bool = False) -> Reader:
    """The reader of annotations of videos, whose frames may be in them or image files.

    Args:
        form: what the source calls its columns.
        request: what is wanted.
        frames: whether images are frames if there are no videos.
        by_text: whether the annotator sorts images of a clip by their names as text.
    """
    if request.videos:
        return Clips(form, request.action_units, request.maximum, request.open)
    return Table(
        # Of frames that are image files OpenFace took the first one's size for that of all.
        dataclasses.replace(form, position=()),
        request.action_units,
        request.maximum,
        request.open,
        subject_pattern=CLIP_PATTERN if frames else None,
        images_root=request.images_root,
        frames=frames,
        first_image=request.first_image,
        by_text=by_text,
    )
