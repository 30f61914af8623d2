"""Frames of a video, decoded one after the other: one is in memory at a time."""

import contextlib
import functools
from collections.abc import Callable
from contextlib import AbstractContextManager

import cv2
import numpy as np

from ganimation_tf.faces.decoded import Decoded, Photo
from ganimation_tf.faces.orientation import AS_STORED
from ganimation_tf.inputs import FileError

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")
"""File names that are taken for videos."""


_TURNED = {90: 6, 180: 3, 270: 8}
"""By how many degrees a track's header turns its frames, in EXIF's numbers; OpenCV does it."""


class Frames:
    """A video, to be read forwards; a context manager.

    Videos are decoded from their beginning, since seeking is exact in no container that one may
    meet, and a frame beside the labelled one is a wrong label.
    """

    def __init__(
        self,
        path: str,
        local_copy: Callable[[str], AbstractContextManager[str]] = contextlib.nullcontext,
    ):
        """Frames of a video; it is opened when the first is wanted.

        Args:
            path: of the video.
            local_copy: gives a path of this machine, since OpenCV opens no others.
        """
        self._path = path
        self._local_copy = local_copy
        self._capture: cv2.VideoCapture | None = None
        self._stack = contextlib.ExitStack()
        self._next = 0
        self._last: tuple[int, np.ndarray] | None = None
        self._ended: int | None = None
        self._orientation = AS_STORED

    def __enter__(self) -> "Frames":
        return self

    def __exit__(self, *_) -> None:
        if self._capture is not None:
            self._capture.release()
        self._stack.close()

    def extent(self) -> tuple[int, float]:
        """How many frames the container says that there are, and how many a second; 0: it is mute.

        Raises:
            FileError: if the video cannot be decoded.
        """
        capture = self._opened()
        count, rate = (capture.get(it) for it in (cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FPS))
        return max(0, round(count)), max(0.0, rate)

    def photo(self, index: int) -> Photo:
        """The frame of this index, from 0, in the form that `decoded.Photo` names."""
        return functools.partial(self._photo, index)

    def _photo(self, index: int, scale: float) -> Decoded:
        pixels = self.at(index)
        height, width = pixels.shape[:2]
        return Decoded(pixels, (height, width), self._orientation)

    def at(self, index: int) -> np.ndarray:
        """The frame of this index, uint8 (height, width, 3) RGB; the last one can be had again.

        Raises:
            FileError: if the video cannot be decoded or ends before.
            ValueError: if the frame has been passed.
        """
        if self._last is not None and index == self._last[0]:
            return self._last[1].copy()
        if index < self._next:
            raise ValueError(f"frame {index} is before {self._next}: videos are read forwards")
        capture = self._opened()
        while self._ended is None and self._next < index:
            if not capture.grab():
                self._ended = self._next
            self._next += 1
        decoded, pixels = (False, None) if self._ended is not None else capture.read()
        if not decoded:
            self._ended = self._next if self._ended is None else self._ended
            raise FileError(
                "no_frame", f"the video has {self._ended} frames, none of index {index}"
            )
        self._next += 1
        self._last = index, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
        return self._last[1].copy()

    def _opened(self) -> cv2.VideoCapture:
        if self._capture is None:
            local = self._stack.enter_context(self._local_copy(self._path))
            # The runner's workers are the parallelism, so one thread; and FFmpeg by name, since
            # OpenCV would take a name with digits for a series of pictures.
            single = [cv2.CAP_PROP_N_THREADS, 1]
            self._capture = cv2.VideoCapture(local, cv2.CAP_FFMPEG, single)
        if not self._capture.isOpened():
            raise FileError("unreadable_video", "cannot be decoded as a video")
        turn = round(self._capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360
        self._orientation = _TURNED.get(turn, AS_STORED)
        return self._capture
