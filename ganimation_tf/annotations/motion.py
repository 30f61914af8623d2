"""AUs over time out of one annotation file, whoever wrote it."""

import dataclasses
import pathlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ganimation_tf import action_units, inputs
from ganimation_tf.annotations import SURE, load, scale
from ganimation_tf.annotations.clips import Clips
from ganimation_tf.annotations.face import AnnotationError, FaceAnnotation
from ganimation_tf.annotations.forms import Form
from ganimation_tf.annotations.one_file import annotator_of, header_of, images_of, reader_of
from ganimation_tf.annotations.reader import AnnotatedImage, Parsed, Reader, settle
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.annotations.rows import OVER, read_rows
from ganimation_tf.errors import UserError

RATE = 30.0
"""Frames per second of a file that does not say when its frames are shown."""

MOST_FRAMES = 1_000_000
"""Nine hours; a number beyond is a slip, and all frames up to it are filled."""

TIMES = ("timestamp", "time")
"""What a table of moments may call its column of seconds."""


@dataclasses.dataclass(frozen=True, eq=False)
class Motion:
    """What a face shows over time.

    Attributes:
        times: float64 (F,), seconds from 0, not falling.
        intensities: float32 (F, N) in [0, 1].
        action_units: names of the N AUs.
        notes: what was chosen or filled, in sentences.
    """

    times: np.ndarray
    intensities: np.ndarray
    action_units: Sequence[str]
    notes: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Moments(Clips):
    """A table in which each row is a frame, whose place or time counts and not its number."""

    def images(self, key: str, file: str, reference: str) -> Iterator[AnnotatedImage]:
        """The rows of the file at path `reference`."""
        rows = read_rows(reference, self.form, self.action_units, self.open)
        try:
            for frame, row in enumerate(rows):
                parsed = Parsed(row.number, None, self.face(row, file))
                yield AnnotatedImage(frame, key, settle(key, file, [parsed]))
        except AnnotationError as error:
            raise AnnotationError(error.code, f"{file}: {error}") from None


def read_motion(path: pathlib.Path) -> Motion:
    """The AUs of the one face of a file that is seen in most frames; of equals, of the larger.

    A file about a video goes by its frames, one about photos by their order in it. A frame in which
    the annotator has lost the face, or is less sure of it than `SURE`, is filled from its
    neighbours.

    Args:
        path: of any annotator, or a table with a row for each moment: AUs, and where wanted
            `time` or `timestamp` in seconds, or `frame`, and `success`.

    Raises:
        UserError: if it cannot be read, or no frame has a usable face.
    """
    reader = _reader(path)
    frames: list[AnnotatedImage] = []
    refused: list[str] = []
    try:
        for image in images_of(reader, path):
            refused += [row.message for row in image.faces if isinstance(row, Rejection)]
            if image.frame >= 0:
                frames.append(image)
    except AnnotationError as error:
        raise UserError(f"{path.parent / str(error)}") from None
    if not isinstance(reader, Clips):  # photos, each of which is a frame 0
        frames = [image._replace(frame=place) for place, image in enumerate(frames)]
    shown, notes = _one_face(frames, reader.form.face is not None)
    if not shown:
        why = f": {refused[0]}" if refused else ""
        raise UserError(f"{path}: no frame has a usable face{why}")
    every = _every(path, frames[0].frame, frames[-1].frame)
    if missing := len(every) - len(shown):
        why = f", the first: {refused[0]}" if refused else ""
        notes.append(f"{missing} of {len(every)} frames are filled from their neighbours{why}")
    known = list(shown)
    values, _ = action_units.normalise(
        np.stack([face.intensities for face in shown.values()]), reader.maximum
    )
    filled = [np.interp(every, known, column) for column in values.T]
    times = _times(path, shown, every)
    return Motion(
        times=times - times[0],
        intensities=np.stack(filled, axis=1).astype(np.float32),
        action_units=tuple(reader.action_units),
        notes=[f"{path}: {note}" for note in notes],
    )


def _reader(path: pathlib.Path) -> Reader:
    header = header_of(path)
    annotator = annotator_of(path, header)
    if annotator is None or _rows_are_moments(annotator.form, header):
        form = load("table").form if annotator is None else annotator.form
        units = form.action_units(header)
        if not units:
            raise UserError(f"{path}: no column is an AU; its columns are {', '.join(header[:6])}")
        form = dataclasses.replace(
            form,
            image=None,
            face=None,
            needs_confidence=False,
            time=_spelt(TIMES, form, header),
            success=_spelt(("success",), form, header),
            frame=_spelt(("frame",), form, header),
        )
        if form.loose:
            seen = scale.highest([(str(path), path.name)], form, units, inputs.open_local)
            if seen is not None and seen.value > OVER * form.maximum:
                raise UserError(
                    f"{path}: {seen.column} is {seen.value:g}, above {form.maximum:g}; where the "
                    "scale ends at 5 the columns are called AU12_r"
                )
        numbered = form.frame and not form.time  # else each row says its own moment
        return (Clips if numbered else Moments)(form, units, form.maximum)
    reader = reader_of(path, annotator, header)
    # From which number frames are counted does not matter here, nor that a hand left columns out.
    form = dataclasses.replace(reader.form, begins=False, first_frame=0, needs_confidence=False)
    return dataclasses.replace(reader, form=form)


def _rows_are_moments(form: Form, header: Sequence[str]) -> bool:
    """Whether rows with an annotator's names are neither photos nor frames that have a number."""
    if form.image_column(header) or (form.frame and form.frame in header):
        return False
    return bool(_spelt(TIMES, form, header)) or (
        form.needs_confidence and form.confidence not in header
    )


def _spelt(names: Sequence[str], form: Form, header: Sequence[str]) -> str | None:
    """The first of the names that a header has, in capitals or not, as the form's columns have it.

    People write `Timestamp` as well as `timestamp`, also beside the AUs of an annotator.
    """
    spelt = {name.lower(): name for name in reversed(header)}
    found = next((name for name in names if name in spelt), None)
    return found if found is None or form.loose else spelt[found]


def _one_face(
    frames: Sequence[AnnotatedImage], named: bool
) -> tuple[dict[int, FaceAnnotation], list[str]]:
    """The frames of one face by their numbers, and what is to be said of the choice.

    Args:
        frames: in their order.
        named: whether the annotator's ids follow a face from frame to frame; else the largest of
            each frame is taken.
    """
    sure = {image.frame: _sure_faces(image) for image in frames}
    most = max((len(faces) for faces in sure.values()), default=0)
    if not named:
        largest = {
            frame: max(faces, key=lambda face: (face.area(), face.confidence))
            for frame, faces in sure.items()
            if faces
        }
        return largest, [f"of up to {most} faces the largest is taken"] if most > 1 else []
    seen: Counter[str] = Counter()
    areas: dict[str, float] = defaultdict(float)
    for faces in sure.values():
        for face in faces:
            seen[face.face] += 1
            areas[face.face] += face.area()
    if not seen:
        return {}, []
    chosen = max(seen, key=lambda face: (seen[face], areas[face]))
    shown = {frame: face for frame, faces in sure.items() for face in faces if face.face == chosen}
    if len(seen) == 1:
        return shown, []
    others = f"face {chosen} is taken, which is in {seen[chosen]} of {len(frames)} frames"
    return shown, [f"there are {len(seen)} faces; {others}"]


def _sure_faces(image: AnnotatedImage) -> list[FaceAnnotation]:
    faces = (face for face in image.faces if isinstance(face, FaceAnnotation))
    return [face for face in faces if face.confidence >= SURE]


def _every(path: pathlib.Path, first: int, last: int) -> np.ndarray:
    """The numbers of all frames, int64 (F,)."""
    if (span := last - first + 1) > MOST_FRAMES:
        raise UserError(
            f"{path}: frames must span at most {MOST_FRAMES}, got {span} from {first} to {last}"
        )
    return np.arange(first, last + 1)


def _times(
    path: pathlib.Path, shown: Mapping[int, FaceAnnotation], every: np.ndarray
) -> np.ndarray:
    """Seconds of each frame, from those that are told; beyond them frames last their average."""
    timed = {frame: face.time for frame, face in shown.items() if face.time is not None}
    if len(timed) < min(2, len(every)):
        return every / RATE
    known, times = np.array(list(timed)), np.array(list(timed.values()))
    falls = np.flatnonzero(np.diff(times) < 0)
    if len(falls):
        before, after = times[falls[0]], times[falls[0] + 1]
        raise UserError(f"{path}: times must not fall, got {after:g} after {before:g} seconds")
    step = (times[-1] - times[0]) / max(known[-1] - known[0], 1)
    return np.interp(every, known, times) + (every - np.clip(every, known[0], known[-1])) * step
