"""The interface of everything that reads annotations, and what its implementations share.

Reading has two steps, so that workers exchange file names and not rows where that is possible:
`index` says which images a file speaks of, with a small reference for each; `images` turns one
reference into the faces of one image, or of each annotated frame of one video. A reader of one file
per image takes the path for its reference and opens nothing in `index`; a reader of a table reads
in `index` and hands the parsed rows over.
"""

import abc
import dataclasses
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from ganimation_tf import inputs
from ganimation_tf.annotations import drawings
from ganimation_tf.annotations.drawings import processed_directories
from ganimation_tf.annotations.face import AnnotationError, FaceAnnotation
from ganimation_tf.annotations.forms import Form
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.annotations.rows import TABLES, Row, parse_face
from ganimation_tf.faces import images


class Part(NamedTuple):
    """What one annotation file has to say about one image.

    A key may come again, if its rows are not together in the file; its references are then lists,
    which are joined.

    Attributes:
        key: of the image.
        reference: what `Reader.images` needs to find the faces.
        number: of the first row, where rows were read.
        subject: who the image shows, where the source says it.
        split: where the source puts the image, where it says it.
    """

    key: str
    reference: Any
    number: int = 0
    subject: str | None = None
    split: str | None = None


class LookedAt(NamedTuple):
    """An annotator's word that it has seen the image of this key, and no more."""

    key: str


class AnnotatedImage(NamedTuple):
    """A photo, or a frame of a video.

    Attributes:
        frame: its number in the video, from 0; of a photo 0.
        key: the name of its record.
        faces: one entry for each row; a rejection where the row is unusable.
    """

    frame: int
    key: str
    faces: Sequence[FaceAnnotation | Rejection]


@dataclasses.dataclass(frozen=True)
class Reader(abc.ABC):
    """One source of annotations. Readers are pickled to workers, so they hold plain values only.

    Attributes:
        form: what the source calls its columns.
        action_units: the AUs that each face has, in order.
        maximum: top of the intensity scale.
        open: gives the bytes of a file.
        suffixes: what its files are called.
        image_suffixes: what the images or videos are called.
        subject_pattern: as the job's option of that name, where the user gives none.
        beside: names of further files that are read from an annotation's directory.
        opens_index: whether `index` opens the file.
        assigns: whether a `Part` may name a subject or a split.
        folded: directories called `processed` whose annotations belong one directory up.
        notes: (code, message) of what should be said about the annotations as a whole.
    """

    form: Form
    action_units: Sequence[str]
    maximum: float
    open: inputs.Opener = inputs.open_local
    suffixes: Sequence[str] = TABLES
    image_suffixes: Sequence[str] = images.SUFFIXES
    subject_pattern: str | None = None
    beside: Sequence[str] = ()
    opens_index: bool = False
    assigns: bool = False
    folded: Collection[str] = frozenset()
    notes: Sequence[tuple[str, str]] = ()

    @property
    def name(self) -> str:
        """The source, as it stands in `dataset.json`."""
        return self.form.name

    def for_images(
        self, files: Sequence[str], annotations: Sequence[str]
    ) -> tuple[Self, list[str]]:
        """The reader that knows these images, and their keys.

        Args:
            files: names of images, relative to where they were found.
            annotations: names of annotation files, likewise.

        Raises:
            UserError: if the names do not fit the annotations.
        """
        keys = list(map(inputs.key_of, files))
        folded = processed_directories(keys, map(inputs.key_of, annotations))
        return dataclasses.replace(self, folded=folded), keys

    def key_of(self, file: str) -> str:
        """The key of the image or video that an annotation file is called like."""
        return drawings.folded(inputs.key_of(file), self.folded)

    def weight(self, path: str, size: int) -> int:
        """About how many images an annotation file of `size` bytes speaks of, to plan the work."""
        return 1

    def split_counts(self, path: str) -> Mapping[str, int] | None:
        """How many images the source puts into each split; None where it leaves that to the job.

        Raises:
            AnnotationError: if what says so cannot be read.
        """
        return None

    @abc.abstractmethod
    def index(self, path: str, file: str) -> Iterator[Part | LookedAt | Rejection]:
        """The images that one annotation file speaks of.

        Args:
            path: where to open the file.
            file: its name relative to the directory it was found in.
        """

    @abc.abstractmethod
    def images(self, key: str, file: str, reference: Any) -> Iterator[AnnotatedImage]:
        """What a reference says: one photo, or the frames of a video in ascending order.

        Raises:
            AnnotationError: if no further row can be used.
        """

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
    outcome: FaceAnnotation | AnnotationError


def settle(key: str, file: str, rows: Iterable[Parsed]) -> list[FaceAnnotation | Rejection]:
    """The faces of one image, all with key and id; rows without one count from 0 past given ids."""
    settled: list[FaceAnnotation | Rejection] = []
    seen: set[str] = set()
    rows = sorted(rows, key=lambda row: row.number)
    again = _said_again(rows)
    given = {row.face for row in rows}
    free = (face for face in map(str, itertools.count()) if face not in given)
    for number, named, outcome in rows:
        face = next(free) if named is None else named
        if named in seen and isinstance(outcome, FaceAnnotation):
            outcome = AnnotationError("duplicate_face", f"face {named} has an earlier row")
        elif named is None:
            outcome = again.get(number, outcome)
        seen.add(face)
        if isinstance(outcome, AnnotationError):
            message = f"{file}:{number}: {outcome}"
            settled.append(Rejection(f"{key}#{face}", outcome.code, message, file))
        else:
            settled.append(dataclasses.replace(outcome, key=key, face=face))
    return settled


def _said_again(rows: Sequence[Parsed]) -> dict[int, AnnotationError]:
    """What is wrong with rows without id that speak of one face, by their number.

    Of two that say the same the second is left out; where they contradict, nobody knows which is
    right. Rows that say no place may be of several faces, unless they say the same.
    """
    wrong: dict[int, AnnotationError] = {}
    first: dict[bytes, tuple[int, FaceAnnotation]] = {}
    for number, named, face in rows:
        if named is not None or not isinstance(face, FaceAnnotation):
            continue
        earlier, other = first.setdefault(_told_by(face), (number, face))
        if earlier == number:
            continue
        message = f"the same face as in row {earlier}"
        if not np.array_equal(face.intensities, other.intensities):
            message = f"rows {earlier} and {number} say different AUs of one face"
            wrong.setdefault(earlier, AnnotationError("duplicate_face", message))
        wrong[number] = AnnotationError("duplicate_face", message)
    return wrong


def _told_by(face: FaceAnnotation) -> bytes:
    """What is equal in rows of one face: the place, or all that is said where there is none."""
    told, who = [face.landmarks, face.box], ""
    if face.landmarks is None and face.box is None:
        told, who = [face.intensities, face.pose, face.anchors], repr((face.subject, face.pair))
    arrays = [*(array for array in told if array is not None), np.array(face.confidence)]
    return b"".join(map(np.ndarray.tobytes, arrays)) + who.encode()


def frame_key(clip: str, number: int) -> str:
    """`clip/000012`."""
    return f"{clip}/{number:06}"
