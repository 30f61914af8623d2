import io

import numpy as np
from PIL import Image

from ganimation_tf.media import gif


def test_gif_plays_for_ever_in_few_wrong_colours():
    ramp = np.linspace(0, 200, 64, dtype=np.uint8)
    picture = np.stack([*np.meshgrid(ramp, ramp), np.full((64, 64), 90, np.uint8)], -1)
    moving = [np.roll(picture, step, 0) for step in (0, 8, 16)]
    with Image.open(io.BytesIO(gif.encode(moving, 80))) as opened:
        assert (opened.n_frames, opened.info["loop"], opened.info["duration"]) == (3, 0, 80)
        for number, frame in enumerate(moving):
            opened.seek(number)
            error = np.asarray(opened.convert("RGB")).astype(int) - frame
            assert np.sqrt((error**2).mean()) < 6


def test_still_parts_do_not_flicker():
    random = np.random.default_rng(0)
    still = random.integers(0, 256, (32, 32, 3), np.uint8)
    moving = [still.copy() for _ in range(4)]
    for number, frame in enumerate(moving):
        frame[:8] = 60 * number
    with Image.open(io.BytesIO(gif.encode(moving, 80))) as opened:
        shown = []
        for number in range(4):
            opened.seek(number)
            shown.append(np.asarray(opened.convert("RGB"))[8:])
    assert all((frame == shown[0]).all() for frame in shown)


def test_each_frame_can_have_its_own_duration():
    frames = [np.full((8, 8, 3), value, np.uint8) for value in (0, 120, 240)]
    with Image.open(io.BytesIO(gif.encode(frames, [100, 200, 3000]))) as opened:
        shown = []
        for number in range(opened.n_frames):
            opened.seek(number)
            shown.append(opened.info["duration"])
    assert shown == [100, 200, 3000]
