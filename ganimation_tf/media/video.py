"""Videos written, through PyAV.

Its wheel carries FFmpeg's libraries with an encoder for H.264, which OpenCV's has not and which is
what browsers, phones and slides play: H.264 in yuv420p, its index at the front of the file.
"""

import contextlib
import fractions
import itertools
import pathlib
from collections.abc import Callable, Iterable

import av
import numpy as np

from ganimation_tf import files
from ganimation_tf.errors import UserError
from ganimation_tf.faces import images
from ganimation_tf.media.sound import Sound

SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")
"""File names that are taken for videos."""


def is_video(path: pathlib.Path) -> bool:
    """Whether a file is taken for a video: by its name, a GIF if it moves."""
    suffix = path.suffix.lower()
    return suffix in SUFFIXES or (suffix == ".gif" and images.is_animated(path))


QUALITY = 16
"""x264's constant rate factor: 18 is said to look like the input; lower is better and larger."""

TIME_BASE = fractions.Fraction(1, 90_000)
_BT709 = 1
"""The number of BT.709 in ITU-T H.273, of primaries, transfer and matrix alike."""


def write(
    path: pathlib.Path,
    frames: Iterable[np.ndarray],
    frames_per_second: float,
    times: Iterable[float] | None = None,
    sound_of: pathlib.Path | None = None,
    finish: Callable[[pathlib.Path], None] = lambda partial: None,
) -> int:
    """Writes an MP4 whole or not at all; returns the number of its frames.

    Args:
        frames: uint8 (H, W, 3) RGB of one size; an odd side gets one more row or column, the last
            one again.
        times: seconds of each frame, from 0, not falling; None: evenly.
        sound_of: a video whose sound is copied, as it is where MP4 can hold it, else as AAC.
        finish: is called with the whole file before it gets its name.

    Raises:
        UserError: if it cannot be written.
    """
    try:
        with files.whole(path) as partial:
            count = _write(partial, frames, frames_per_second, times, sound_of)
            finish(partial)
        return count
    except (OSError, av.error.FFmpegError) as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from error


def _write(partial, frames, frames_per_second, times, sound_of) -> int:
    options = {"movflags": "+faststart"}
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise UserError("a video needs at least one frame, got none")
    height, width = first.shape[:2]
    with contextlib.ExitStack() as stack:
        container = stack.enter_context(av.open(str(partial), "w", format="mp4", options=options))
        rate = fractions.Fraction(frames_per_second).limit_denominator(1001)
        stream = container.add_stream("libx264", rate=rate, options={"crf": str(QUALITY)})
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = "yuv420p"
        stream.time_base = TIME_BASE
        context = stream.codec_context
        context.time_base = TIME_BASE
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        sound = None if sound_of is None else Sound(stack, container, sound_of)
        clock = iter(times) if times is not None else (n / rate for n in itertools.count())
        count, place = 0, -1
        for pixels in itertools.chain([first], frames):
            moment = float(next(clock))
            place = max(round(moment / TIME_BASE), place + 1)
            for packet in stream.encode(_frame(pixels, place)):
                container.mux(packet)
            if sound:
                sound.until(moment)
            count += 1
        for packet in stream.encode():
            container.mux(packet)
        if sound:
            sound.until(float("inf"))
    return count


def _frame(pixels: np.ndarray, place: int) -> av.VideoFrame:
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", interpolation="AREA")
    frame.pts, frame.time_base = place, TIME_BASE
    return frame
