"""AUs that come from somewhere else: an annotation file, another photo or another video."""

import csv
import dataclasses
import pathlib
import re

import cv2
import numpy as np

from ganimation_tf.action_units import OPENFACE_MAXIMUM
from ganimation_tf.animation.animator import Animator
from ganimation_tf.animation.tracking import Tracker
from ganimation_tf.errors import UserError
from ganimation_tf.expressions import SET, Change, Expression
from ganimation_tf.faces import images
from ganimation_tf.media import video

TABLE_SUFFIXES = (".csv",)
_RATE = 30.0
"""Frames per second of a table that does not say when its rows were."""


@dataclasses.dataclass(frozen=True)
class Drive:
    """AUs over time.

    Attributes:
        times: float64 (F,), seconds, from 0.
        units: float32 (F, N) in [0, 1]; absolute, whatever the first frame shows.
        names: the N names.
        named: AUs that the source speaks of; the others stay as the driven face has them.
    """

    times: np.ndarray
    units: np.ndarray
    names: tuple[str, ...]
    named: tuple[str, ...]

    @property
    def frames_per_second(self) -> float:
        """The average."""
        seconds = self.times[-1] - self.times[0]
        return float((len(self.times) - 1) / seconds) if seconds > 0 else _RATE

    def onto(self, source: np.ndarray) -> np.ndarray:
        """float32 (F, N): these AUs on a face that shows `source` (N,) by itself."""
        told = np.array([name in self.named for name in self.names])
        return np.where(told, self.units, source).astype(np.float32)

    def at(self, time: float, source: np.ndarray) -> np.ndarray:
        """float32 (N,): as `onto`, at this time; before and after it as at its ends."""
        row = np.array([np.interp(time, self.times, column) for column in self.units.T])
        told = np.array([name in self.named for name in self.names])
        return np.where(told, row, source).astype(np.float32)

    def expression(self, frame: int) -> Expression:
        """What one frame shows."""
        pairs = zip(self.names, self.units[frame].tolist(), strict=True)
        return Expression(
            tuple(Change(name, SET, value) for name, value in pairs if name in self.named)
        )

    def smoothed(self, frames: float) -> "Drive":
        """Averaged over time by a Gaussian of this deviation, in frames; 0 leaves it."""
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
    """The AUs of a table, a photo or a video.

    Raises:
        UserError: if the file has none.
    """
    suffix = path.suffix.lower()
    if suffix in TABLE_SUFFIXES:
        return from_table(path, animator.action_units)
    if suffix in (*video.SUFFIXES, ".gif"):
        return from_video(path, animator)
    units = animator.estimate(read_photo(path))
    return Drive(np.zeros(1), units[None], animator.action_units, animator.action_units)


def read_photo(path: pathlib.Path) -> np.ndarray:
    """uint8 (height, width, 3).

    Raises:
        UserError: naming the file.
    """
    try:
        return images.decode(path.read_bytes())
    except images.ImageError as error:
        raise UserError(f"{path}: {error}") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error


def from_video(path: pathlib.Path, animator: Animator) -> Drive:
    """The AUs that the largest face of a video shows, frame by frame.

    Where it is not seen, they go straight from the last that was seen to the next.
    """
    times: list[float] = []
    rows: dict[int, np.ndarray] = {}
    tracker = Tracker(animator.finder, "largest")
    with video.VideoReader(path) as reader:
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
    return Drive(np.array(times), filled.astype(np.float32), names, names)


def from_table(path: pathlib.Path, names: tuple[str, ...]) -> Drive:
    """The AUs of a CSV with a row for each frame, such as OpenFace's `FeatureExtraction` writes.

    Columns `AU12_r` are on OpenFace's scale of 0 to 5, `AU12` or `AU6` in [0, 1]; `timestamp` or
    `time`, in seconds, says when; rows of `success` 0 are filled from their neighbours.
    """
    header, rows = _rows(path)
    columns = _columns(header, names)
    if not columns:
        raise UserError(f"{path}: no column is one of the AUs {' '.join(names)}")
    if not rows:
        raise UserError(f"{path}: has a header and no row")
    kept = [row for row in rows if row.get("success", "1").strip().lower() not in ("0", "false")]
    if not kept:
        raise UserError(f"{path}: no row has success 1")
    clock = next((name for name in ("timestamp", "time") if name in header), None)
    places = [rows.index(row) for row in kept]
    every = np.arange(len(rows))
    times = every / _RATE
    if clock:
        times = np.array([_number(path, row, clock) for row in rows])
        if (np.diff(times) < 0).any():
            raise UserError(f"{path}: {clock} must not fall from row to row")
    units = np.zeros((len(rows), len(names)), np.float32)
    for column, (name, maximum) in columns.items():
        values = [_number(path, row, column) / maximum for row in kept]
        units[:, names.index(name)] = np.clip(np.interp(every, places, values), 0, 1)
    named = tuple(name for name, _ in columns.values())
    return Drive(times - times[0], units, names, named)


def _rows(path: pathlib.Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            header = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = header
            return header, list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as CSV: {error}") from error


def _columns(header: list[str], names: tuple[str, ...]) -> dict[str, tuple[str, float]]:
    """Column -> AU and the top of its scale."""
    found = {}
    for column in header:
        match = re.fullmatch(r"(?i)AU_?(\d{1,2})(_r)?", column)
        if match and (name := f"AU{int(match[1]):02}") in names:
            found[column] = (name, OPENFACE_MAXIMUM if match[2] else 1.0)
    return found


def _number(path: pathlib.Path, row: dict[str, str], column: str) -> float:
    try:
        value = float(row.get(column) or "")
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise UserError(f"{path}: {column} must be a number, got {row.get(column)!r}")
    return value
