"""Videos read frame by frame, whatever state they are in."""

import fractions
import pathlib
from collections.abc import Iterator

import av
import cv2
import numpy as np

from ganimation_tf.errors import UserError, counted

MOST = 0.9
"""Part of the promised frames or seconds below which a video seems to be cut off."""

SLACK = 0.5
"""Seconds by which sound may outlast the pictures, where only the length of both is known."""

PATIENCE = 100
"""Failures of reading in a row after which the rest of a file is given up."""

RESTART = 1.0
"""Seconds by which times fall where a file's clock has begun anew."""

WIDEST = 10
"""Width of a pixel by its height, or the inverse, beyond which it is not believed."""

CLOSEST = 0.001
"""Seconds between two frames whose file says one time, or that the later came first."""


class VideoReader:
    """A video file, read forwards; a context manager.

    Attributes:
        frames_per_second: the average.
        seconds: its length, 0 where the file does not say.
        promised: how many frames it says or seems to have, 0 where neither is known.
        has_audio: whether there is sound.
        notes: once its frames have been read, what was amiss with them, in sentences.

    Raises:
        UserError: if the file is no video or has no picture.
    """

    def __init__(self, path: pathlib.Path | str):
        self.path = pathlib.Path(path)
        try:
            self._container = av.open(str(path), metadata_errors="ignore")
        except (OSError, av.error.FFmpegError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(f"{path}: cannot be read as a video: {reason}") from None
        if not self._container.streams.video:
            self._container.close()
            raise UserError(f"{path}: the file has no video in it")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self.has_audio = bool(self._container.streams.audio)
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.frames_per_second = float(rate or 25)
        length = self._container.duration
        self.seconds = length / av.time_base if length else 0.0
        self.promised = self._stream.frames or round(self.seconds * self.frames_per_second)
        self.notes: list[str] = []

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *_) -> None:
        self._container.close()

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """Seconds from the first frame, and uint8 (height, width, 3) RGB.

        They are turned upright as the track's header says, have square pixels and one size, the
        first one's, and their times increase. What cannot be decoded is left out and noted.

        Raises:
            UserError: if no frame can be decoded.
        """
        failures: list[str] = []
        clock, count, size = _Clock(1 / self.frames_per_second), 0, None
        for frame in decoded(self._container, self._stream, failures):
            pixels = _upright(frame, self._stream.sample_aspect_ratio)
            size = size or pixels.shape[:2]
            if pixels.shape[:2] != size:
                self._note_change(size, pixels.shape[:2])
                pixels = _fitted(pixels, size)
            count += 1
            yield clock.moment(frame.time), pixels
        if failures:
            if not count:
                raise UserError(f"{self.path}: cannot be decoded: {failures[0]}")
            lost = counted(len(failures), "packet")
            read = "was" if count == 1 else "were"
            self._note(f"{lost} could not be decoded; {counted(count, 'frame')} {read} read")
        if not count:
            raise UserError(f"{self.path}: the video has no frames")
        self._note_end(count, clock.now)

    def _note(self, text: str) -> None:
        self.notes.append(f"{self.path}: {text}")

    def _note_change(self, size: tuple[int, int], other: tuple[int, int]) -> None:
        if not any("change their size" in note for note in self.notes):
            (height, width), (to_height, to_width) = size, other
            self._note(
                f"its frames change their size from {width} x {height} to {to_width} x "
                f"{to_height} pixels; all are written in the first"
            )

    def _note_end(self, count: int, last: float) -> None:
        """Says if much of what the file promises has not come: it may have been cut off."""
        end = last + 1 / self.frames_per_second
        if self._stream.frames:
            if count < MOST * self.promised:
                self._note(f"the file promises {self.promised} frames, and {count} were found")
        elif self.seconds - end > max((1 - MOST) * self.seconds, SLACK):
            self._note(f"the file promises {self.seconds:.1f} s, and its pictures end at {end:.1f}")


def packets(container, stream, failures: list[str]) -> Iterator[av.Packet]:
    """The packets of a stream, as far as they can be read; as players do, the rest is skipped.

    Args:
        failures: the reason is appended for each that could not.
    """
    in_a_row = 0
    while in_a_row < PATIENCE:
        try:
            for packet in container.demux(stream):
                in_a_row = 0
                yield packet
            return
        except av.error.FFmpegError as error:  # what follows may still be readable
            failures.append(error.strerror)
            in_a_row += 1


def decoded(container, stream, failures: list[str]) -> Iterator:
    """The frames of a stream; as `packets`, also of what cannot be decoded."""
    for packet in packets(container, stream, failures):
        try:
            frames = packet.decode()
        except av.error.FFmpegError as error:
            failures.append(error.strerror)
        else:
            yield from frames


class _Clock:
    """Makes times that begin at 0 and increase of those that a file says.

    Args:
        step: seconds from a frame to the next where nothing says it.
    """

    def __init__(self, step: float):
        self._step = step
        self._start: float | None = None
        self.now = 0.0

    def moment(self, time: float | None) -> float:
        """The time of the next frame, for which the file says `time`."""
        if self._start is None:
            self._start = time or 0.0
            return self.now
        moment = self.now + self._step if time is None else time - self._start
        if moment < self.now - RESTART:  # another recording was appended
            self._start -= self.now + self._step - moment
            moment = self.now + self._step
        self.now = max(moment, self.now + CLOSEST)
        return self.now


def _upright(frame: av.VideoFrame, shape: fractions.Fraction | None) -> np.ndarray:
    """Args: shape: width of a pixel by its height; None: square."""
    pixels = frame.to_ndarray(format="rgb24")
    ratio = float(shape or 1)
    if ratio != 1 and 1 / WIDEST <= ratio <= WIDEST:
        wide, high = max(ratio, 1.0), max(1 / ratio, 1.0)  # enlarged: nothing is lost
        pixels = cv2.resize(pixels, None, fx=wide, fy=high, interpolation=cv2.INTER_CUBIC)
    quarter_turns = round(frame.rotation / 90) % 4  # counter-clockwise, as numpy turns
    return np.ascontiguousarray(np.rot90(pixels, quarter_turns)) if quarter_turns else pixels


def _fitted(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture in one of `size`, height and width, as large as it fits, on black."""
    scale = min(size[0] / pixels.shape[0], size[1] / pixels.shape[1])
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    laid = np.zeros((*size, 3), np.uint8)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    laid[top : top + height, left : left + width] = cv2.resize(
        pixels, (width, height), interpolation=way
    )
    return laid
