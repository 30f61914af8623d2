"""AUs that come from somewhere else: an annotation file, another photo or another video."""

import dataclasses
import pathlib
from collections.abc import Sequence

import cv2
import numpy as np

from ganimation_tf import inputs
from ganimation_tf.animation.animator import Animator
from ganimation_tf.animation.tracking import Tracker
from ganimation_tf.errors import UserError, as_user_error
from ganimation_tf.expressions import SET, Change, Expression
from ganimation_tf.faces import images
from ganimation_tf.media import video
from ganimation_tf.media.video_reader import VideoReader

_RATE = 30.0
"""Frames per second of a single frame."""


SLOWEST = 1 / 60
"""Rows in a second of a table that drives a face; fewer are times in milliseconds."""

_TREMBLING = 10.0
"""Frames in a second from which on neighbours show the same moment."""


@dataclasses.dataclass(frozen=True)
class Drive:
    """AUs over time.

    Attributes:
        times: float64 (F,), seconds, from 0.
        units: float32 (F, N) in [0, 1]; absolute, whatever the first frame shows.
        names: the N names.
        named: AUs that the source speaks of; the others stay as the driven face has them.
        notes: what the user should know of how they were read, in sentences.
    """

    times: np.ndarray
    units: np.ndarray
    names: tuple[str, ...]
    named: tuple[str, ...]
    notes: Sequence[str] = ()

    @property
    def frames_per_second(self) -> float:
        """The average."""
        seconds = self.times[-1] - self.times[0]
        return float((len(self.times) - 1) / seconds) if seconds > 0 else _RATE

    def onto(self, source: np.ndarray, times: np.ndarray) -> np.ndarray:
        """These AUs on a face that shows others by itself.

        Args:
            source: float (N,) or (F, N) in [0, 1], what it shows.
            times: (F,) seconds; before the first and after the last moment it is as then.

        Returns:
            float32 (F, N).
        """
        rows = [np.interp(times, self.times, column) for column in self.units.T]
        driven = np.array([name in self.named for name in self.names])
        return np.where(driven, np.stack(rows, axis=-1), source).astype(np.float32)

    def expression(self, frame: int) -> Expression:
        """What one frame shows."""
        pairs = zip(self.names, self.units[frame].tolist(), strict=True)
        return Expression(
            tuple(Change(name, SET, value) for name, value in pairs if name in self.named)
        )

    def smoothed(self, frames: float | None = None) -> "Drive":
        """Averaged over time by a Gaussian of this deviation, in frames; 0 leaves it.

        None: 1, against the trembling of readings, and 0 for moments further apart than a
        tenth of a second, which are meant as they are written.
        """
        if frames is None:
            frames = 1.0 if self.frames_per_second >= _TREMBLING else 0.0
        return dataclasses.replace(self, units=smooth(self.units, frames))


def smooth(units: np.ndarray, frames: float) -> np.ndarray:
    """Rows (F, N) averaged with their neighbours; the ends count themselves again."""
    if frames <= 0 or len(units) < 2:
        return units
    return cv2.GaussianBlur(
        np.asarray(units, np.float32),
        (1, 2 * int(3 * frames + 1) + 1),
        1e-6,
        sigmaY=frames,
        borderType=cv2.BORDER_REPLICATE,
    ).reshape(units.shape)


def read(path: pathlib.Path, animator: Animator) -> Drive:
    """The AUs of a photo, a video or an annotation file.

    Raises:
        UserError: if the file has none.
    """
    suffix = path.suffix.lower()
    if video.is_video(path):
        return from_video(path, animator)
    if suffix not in images.SUFFIXES:
        from ganimation_tf.annotations.recognition import SUFFIXES

        if suffix in SUFFIXES:
            return from_annotations(path, animator.action_units)
    units = animator.estimate(read_photo(path))
    return Drive(np.zeros(1), units[None], animator.action_units, animator.action_units)


def read_photo(path: pathlib.Path) -> np.ndarray:
    """uint8 (height, width, 3).

    Raises:
        UserError: naming the file.
    """
    with as_user_error(str(path), images.ImageError, inputs.FileError):
        return images.decode(inputs.read(str(path), images.MAX_BYTES))


def from_video(path: pathlib.Path, animator: Animator) -> Drive:
    """The AUs that the largest face of a video shows, frame by frame.

    Where it is not seen, they go straight from the last that was seen to the next.
    """
    times: list[float] = []
    rows: dict[int, np.ndarray] = {}
    tracker = Tracker(animator.finder, "largest")
    with VideoReader(path) as reader:
        for time, frame in reader.frames():
            if faces := tracker.step(frame):
                crop = animator.composer(frame, faces[0][1]).crop
                rows[len(times)] = animator.estimate_crop(crop)
            times.append(time)
    if not rows:
        raise UserError(f"{path}: no face was found in {len(times)} frames")
    known = list(rows)
    units = np.stack(list(rows.values()))
    every = np.arange(len(times))
    filled = np.stack([np.interp(every, known, column) for column in units.T], axis=1)
    names = animator.action_units
    return Drive(np.array(times), filled.astype(np.float32), names, names, reader.notes)


def from_annotations(path: pathlib.Path, names: tuple[str, ...]) -> Drive:
    """The AUs of an annotator's file, or of a table with a row for each moment.

    Args:
        names: the AUs of the model; others of the file are left out.

    Raises:
        UserError: if the file has none of them, or no frame with a usable face.
    """
    from ganimation_tf.annotations.motion import read_motion

    motion = read_motion(path)
    named = tuple(name for name in motion.action_units if name in names)
    if not named:
        own = " ".join(motion.action_units)
        raise UserError(f"{path}: none of its AUs ({own}) is one of {' '.join(names)}")
    units = np.zeros((len(motion.times), len(names)), np.float32)
    for name in named:
        column = motion.intensities[:, motion.action_units.index(name)]
        units[:, names.index(name)] = column
    drive = Drive(motion.times, units, names, named, motion.notes)
    if drive.frames_per_second < SLOWEST:
        raise UserError(
            f"{path}: its rows must be at most {1 / SLOWEST:g} seconds apart in the mean, got "
            f"{1 / drive.frames_per_second:g}; times are seconds"
        )
    return drive
