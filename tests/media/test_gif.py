import io

import numpy as np
from PIL import Image

from ganimation_tf.media import gif


def shown_for(frames, seconds):
    """Each for as long."""
    return ((frame, seconds * number) for number, frame in enumerate(frames, 1))


def greys(count):
    return [np.full((8, 8, 3), 4 * number, np.uint8) for number in range(count)]


def test_gif_plays_for_ever_in_few_wrong_colours():
    ramp = np.linspace(0, 200, 64, dtype=np.uint8)
    picture = np.stack([*np.meshgrid(ramp, ramp), np.full((64, 64), 90, np.uint8)], -1)
    moving = [np.roll(picture, step, 0) for step in (0, 8, 16)]
    with Image.open(io.BytesIO(gif.encode(shown_for(moving, 0.08)))) as opened:
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
    with Image.open(io.BytesIO(gif.encode(shown_for(moving, 0.08)))) as opened:
        shown = []
        for number in range(4):
            opened.seek(number)
            shown.append(np.asarray(opened.convert("RGB"))[8:])
    assert all((frame == shown[0]).all() for frame in shown)


def played(encoded: bytes) -> list[int]:
    """How long each frame is shown, in milliseconds."""
    with Image.open(io.BytesIO(encoded)) as opened:
        durations = []
        for number in range(opened.n_frames):
            opened.seek(number)
            durations.append(opened.info["duration"])
    return durations


def test_each_frame_can_have_its_own_duration():
    frames = [np.full((8, 8, 3), value, np.uint8) for value in (0, 120, 240)]
    assert played(gif.encode(zip(frames, [0.1, 0.3, 3.3], strict=True))) == [100, 200, 3000]


def test_thirty_frames_a_second_take_a_second():
    durations = played(gif.encode(shown_for(greys(30), 1 / 30)))
    assert len(durations) == 30 and sum(durations) == 1000 and set(durations) == {30, 40}


def test_sixty_frames_a_second_are_as_many_as_browsers_show():
    durations = played(gif.encode(shown_for(greys(60), 1 / 60)))
    assert sum(durations) == 1000 and min(durations) == 20


def test_frames_that_are_alike_are_one_however_long():
    frame = np.full((8, 8, 3), 90, np.uint8)
    assert played(gif.encode([(frame, 0.5), (frame, 1.0)])) == [1000]
    assert played(gif.encode([(frame, 700.0)])) == [655350, 44650]


def test_very_many_frames_have_several_palettes(monkeypatch):
    monkeypatch.setattr(gif, "PALETTE_FRAMES", 2)
    moving = []
    for red, green in ((250, 0), (200, 10), (0, 250), (10, 200), (120, 120)):
        frame = np.zeros((8, 8, 3), np.uint8)
        frame[2:6, 2:7] = (red, green, 0)
        moving.append(frame)
    shown = []
    with Image.open(io.BytesIO(gif.encode(shown_for(moving, 0.1)))) as opened:
        for number in range(opened.n_frames):
            opened.seek(number)
            shown.append(np.asarray(opened.convert("RGB")))
    np.testing.assert_array_equal(shown, moving)


def test_frames_are_not_all_in_memory(monkeypatch):
    monkeypatch.setattr(gif, "PALETTE_BYTES", 4 * 192)
    file, ahead = io.BytesIO(), []

    def shown():
        for number, one in enumerate(shown_for(greys(40), 0.1)):
            yield one
            ahead.append((number, file.tell() > 0))

    gif.write(file, shown())
    assert ahead[3] == (3, False) and ahead[6] == (6, True)
