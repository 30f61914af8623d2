"""Short videos with sound, and what is in a video."""

import pathlib
from fractions import Fraction

import av
import numpy as np

from ganimation_tf.media.video_reader import VideoReader


def squares(count: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """A green square that goes to the right on red."""
    frames = []
    for number in range(count):
        frame = np.full((height, width, 3), (200, 60, 30), np.uint8)
        frame[16:32, 4 * number : 4 * number + 16] = (0, 200, 40)
        frames.append(frame)
    return frames


def write(
    path: pathlib.Path,
    codec: str,
    rate: int = 10,
    sound_rate: int = 48_000,
    delay: float = 0.0,
    pictures_from: float = 0.0,
) -> None:
    """Ten frames of ten a second, and one second of a tone.

    Args:
        sound_rate: samples in a second.
        delay: seconds from the first frame to the tone.
        pictures_from: the time that the file says of its first frame, in seconds.
    """
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=rate)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream(codec, rate=sound_rate, layout="mono")
        for number, pixels in enumerate(squares(10)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = round(pictures_from * rate) + number, Fraction(1, rate)
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode())
        tone = np.sin(np.arange(sound_rate) * 2 * np.pi * 440 / sound_rate).astype(np.float32)
        for begin in range(0, sound_rate, size := sound_rate // 50):
            frame = av.AudioFrame.from_ndarray(
                tone[None, begin : begin + size], format="fltp", layout="mono"
            )
            frame.sample_rate = sound_rate
            frame.pts = begin + round((pictures_from + delay) * sound_rate)
            container.mux(sound.encode(frame))
        container.mux(sound.encode())


def frames_of(path: pathlib.Path) -> list[np.ndarray]:
    """All frames of a video."""
    with VideoReader(path) as reader:
        return [pixels for _, pixels in reader.frames()]
