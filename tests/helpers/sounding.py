"""A short video with sound."""

import pathlib

import av
import numpy as np


def squares(count: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """A green square that goes to the right on red."""
    frames = []
    for number in range(count):
        frame = np.full((height, width, 3), (200, 60, 30), np.uint8)
        frame[16:32, 4 * number : 4 * number + 16] = (0, 200, 40)
        frames.append(frame)
    return frames


def write(path: pathlib.Path, codec: str, rate: int = 10) -> None:
    """Ten frames of ten a second, and one second of a tone."""
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=rate)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream(codec, rate=48_000)
        for pixels in squares(10):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode())
        tone = np.sin(np.arange(48_000) * 2 * np.pi * 440 / 48_000).astype(np.float32)
        for begin in range(0, 48_000, 960):
            frame = av.AudioFrame.from_ndarray(
                tone[None, begin : begin + 960], format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts = 48_000, begin
            container.mux(sound.encode(frame))
        container.mux(sound.encode())
