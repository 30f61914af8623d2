"""Animated WebP, read by Pillow."""

import io

import numpy as np
from PIL import Image

from ganimation_tf.media import webp


def played(encoded):
    """Frames, and how long each is shown in milliseconds."""
    with Image.open(io.BytesIO(encoded)) as opened:
        assert opened.info["loop"] == 0
        frames, durations = [], []
        for number in range(opened.n_frames):
            opened.seek(number)
            opened.load()
            frames.append(np.asarray(opened.convert("RGB")).astype(int))
            durations.append(opened.info["duration"])
    return frames, durations


def test_frames_come_back_when_they_should():
    ramp = np.linspace(0, 200, 51, dtype=np.uint8)
    still = np.stack([*np.meshgrid(ramp, ramp[:33]), np.full((33, 51), 90, np.uint8)], -1)
    moving = [still.copy() for _ in range(4)]
    for number, frame in enumerate(moving):
        frame[7:20, 5 + 9 * number : 14 + 9 * number] = (30, 160, 60)
    times = [1 / 3, 0.5, 2.0, 2.05]
    frames, durations = played(webp.encode(zip(moving, times, strict=True)))
    for frame, before in zip(frames, moving, strict=True):
        assert np.sqrt(((frame - before) ** 2).mean()) < 8
    np.testing.assert_array_equal(frames[0][22:], frames[3][22:])  # what is still is not touched
    assert durations == [333, 167, 1500, 50]


def test_frames_that_are_alike_are_one():
    frame = np.full((8, 9, 3), 90, np.uint8)
    encoded = webp.encode([(frame, 0.1), (frame, 0.2), (frame.copy(), 0.3)])
    assert encoded[8:16] == b"WEBPVP8X"  # which has room for what is said of it
    frames, durations = played(encoded)
    assert durations == [300] and frames[0].shape == frame.shape
