"""The sound of one video put into another."""

import contextlib
import pathlib
from collections.abc import Iterator

import av

from ganimation_tf.media.video_reader import decoded, packets

COPIED = ("aac", "mp3", "ac3", "alac")
"""What an MP4 can hold as it is; other sound becomes AAC."""

HIGHEST_RATE = 48_000
"""Samples in a second of what is encoded."""


class Sound:
    """The sound of another file, put in as far as the pictures have come.

    Args:
        stack: closes the other file.
        container: that is written.
        path: of the other file; it may be silent.
    """

    def __init__(self, stack: contextlib.ExitStack, container, path: pathlib.Path):
        source = stack.enter_context(av.open(str(path), metadata_errors="ignore"))
        self._container = container
        self._packets: Iterator[av.Packet] = iter(())
        if source.streams.audio:
            stream = source.streams.audio[0]
            copied = stream.codec_context.codec.canonical_name in COPIED
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
    last: int | None = None
    for packet in packets(source, stream, []):
        if packet.dts is None:  # the end of the stream
            continue
        time = packet.dts - shift
        if last is not None and time <= last:  # another recording was appended
            shift += time - last - max(1, packet.duration or 0)
            time = packet.dts - shift
        packet.pts = time if packet.pts is None else packet.pts - shift
        packet.dts = last = time
        packet.stream = target
        yield packet


def _encoded(source, stream, container) -> Iterator[av.Packet]:
    rate = stream.codec_context.sample_rate
    if rate > HIGHEST_RATE or rate not in (av.Codec("aac", "w").audio_rates or ()):
        rate = HIGHEST_RATE
    target = container.add_stream("aac", rate=rate)
    for frame in _from_the_first_picture(source, stream, rate):
        yield from target.encode(frame)
    yield from target.encode()


def _from_the_first_picture(source, stream, rate: int) -> Iterator[av.AudioFrame]:
    """The samples, beginning with the first picture; silence where there are none."""
    graph = av.filter.Graph()
    buffer = graph.add_abuffer(template=stream)
    buffer.link_to(even := graph.add("aresample", f"{rate}:async=1:first_pts=0"))
    even.link_to(graph.add("abuffersink"))
    graph.configure()
    start = _start_of_pictures(source)
    for frame in decoded(source, stream, []):
        if frame.pts is not None:
            frame.pts -= round(start / frame.time_base)
        graph.push(frame)
        yield from _pulled(graph)
    graph.push(None)
    yield from _pulled(graph)


def _pulled(graph) -> Iterator[av.AudioFrame]:
    with contextlib.suppress(BlockingIOError, EOFError):  # it wants more, or there is no more
        while True:
            yield graph.pull()


def _start_of_pictures(source) -> float:
    video = source.streams.video[0] if source.streams.video else None
    if video is None or video.start_time is None:
        return 0.0
    return float(video.start_time * video.time_base)
