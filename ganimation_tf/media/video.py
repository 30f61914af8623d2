"""Videos in and out, through PyAV.

Its wheel carries FFmpeg's libraries with an encoder for H.264, which OpenCV's has not and which is
what browsers, phones and slides play: H.264 in yuv420p, its index at the front of the file.
"""

import contextlib
import fractions
import itertools
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import av
import numpy as np

from ganimation_tf import files
from ganimation_tf.errors import UserError
from ganimation_tf.faces import images

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


class VideoReader:
    """A video file, read forwards; a context manager.

    Attributes:
        size: (width, height) as shown: turned as the track's header says, odd sizes as they are.
        frames_per_second: the average.
        seconds: its length, 0 where the file does not say.
        has_audio: whether there is sound.

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

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *_) -> None:
        self._container.close()

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """Seconds from the first frame, and uint8 (height, width, 3) RGB, turned upright.

        Raises:
            UserError: if there is no frame, or decoding fails before the first.
        """
        first, last, count = None, 0.0, 0
        try:
            for frame in self._container.decode(self._stream):
                time = frame.time if frame.time is not None else last
                first = time if first is None else first
                last = time + 1 / self.frames_per_second
                count += 1
                yield time - first, _upright(frame)
        except av.error.FFmpegError as error:
            if not count:
                raise UserError(f"{self.path}: cannot be decoded: {error.strerror}") from None
        if not count:
            raise UserError(f"{self.path}: the video has no frames")


def _upright(frame: av.VideoFrame) -> np.ndarray:
    pixels = frame.to_ndarray(format="rgb24")
    quarter_turns = round(frame.rotation / 90) % 4  # counter-clockwise, as numpy turns
    return np.ascontiguousarray(np.rot90(pixels, quarter_turns)) if quarter_turns else pixels


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
        times: seconds of each frame; None: evenly.
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
        sound = None if sound_of is None else _Sound(stack, container, sound_of)
        clock = iter(times) if times is not None else (n / rate for n in itertools.count())
        count = 0
        for pixels in itertools.chain([first], frames):
            moment = float(next(clock))
            for packet in stream.encode(_frame(pixels, moment)):
                container.mux(packet)
            if sound:
                sound.until(moment)
            count += 1
        for packet in stream.encode():
            container.mux(packet)
        if sound:
            sound.until(float("inf"))
    return count


def _frame(pixels: np.ndarray, moment: float) -> av.VideoFrame:
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", interpolation="AREA")
    frame.pts, frame.time_base = round(moment / TIME_BASE), TIME_BASE
    return frame


class _Sound:
    """The sound of another file, put in as far as the pictures have come."""

    def __init__(self, stack: contextlib.ExitStack, container, path: pathlib.Path):
        source = stack.enter_context(av.open(str(path), metadata_errors="ignore"))
        self._container = container
        self._packets: Iterator[av.Packet] = iter(())
        if source.streams.audio:
            stream = source.streams.audio[0]
            copied = stream.codec_context.name in ("aac", "mp3", "ac3", "alac")
            self._packets = (_copied if copied else _encoded)(source, stream, container)
        self._next = next(self._packets, None)

    def until(self, moment: float) -> None:
        """Puts in what is heard before `moment`, in seconds."""
        while self._next is not None:
            time, base = self._next.dts, self._next.time_base
            if time is not None and base is not None and float(time * base) > moment:
                return
            self._container.mux(self._next)
            self._next = next(self._packets, None)


def _copied(source, stream, container) -> Iterator[av.Packet]:
    target = container.add_stream_from_template(stream)
    shift = round(_start_of_pictures(source) / stream.time_base)
    for packet in source.demux(stream):
        if packet.dts is None:  # the end of the stream
            continue
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        packet.stream = target
        yield packet


def _encoded(source, stream, container) -> Iterator[av.Packet]:
    target = container.add_stream("aac", rate=stream.codec_context.sample_rate)
    for frame in source.decode(stream):
        frame.pts = None
        yield from target.encode(frame)
    yield from target.encode()


def _start_of_pictures(source) -> float:
    video = source.streams.video[0] if source.streams.video else None
    if video is None or video.start_time is None:
        return 0.0
    return float(video.start_time * video.time_base)


def frames_of(path: pathlib.Path) -> Sequence[np.ndarray]:
    """All frames of a short video, for reading back what was written."""
    with VideoReader(path) as reader:
        return [pixels for _, pixels in reader.frames()]
