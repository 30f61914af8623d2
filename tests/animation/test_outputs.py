"""What animations are written as."""

import numpy as np
import pytest
from PIL import Image

from ganimation_tf.animation import outputs
from ganimation_tf.animation.outputs import Output


def durations(path):
    """Of each frame, in milliseconds."""
    with Image.open(path) as opened:
        shown = []
        for number in range(opened.n_frames):
            opened.seek(number)
            opened.load()
            shown.append(opened.info["duration"])
    return shown


@pytest.mark.parametrize("kind", [outputs.GIF, outputs.WEBP])
def test_frames_are_shown_from_their_time_to_the_next_s(tmp_path, kind):
    output = Output(tmp_path / f"a.{kind}", kind)
    frames = [np.full((8, 8, 3), value, np.uint8) for value in (0, 80, 160, 240)]
    written = outputs.write_animation(output, frames, 5.0, None, times=[1.0, 1.1, 1.6, 1.65])
    assert written == (4, (8, 8))
    assert durations(output.path) == [100, 500, 50, 200]
    outputs.write_animation(output, frames, 3.0, None)
    assert sum(durations(output.path)) == (1330 if kind == outputs.GIF else 1333)


def test_frames_that_browsers_do_not_show_are_told_of(tmp_path):
    output = Output(tmp_path / "a.gif", outputs.GIF)
    (note,) = outputs.too_fast(output, 60.0)
    assert note.endswith("at most 50 frames in a second of it; the others of 60 are left out")
    assert outputs.too_fast(output, 50.0) == []
    assert outputs.too_fast(Output(tmp_path / "a.mp4", outputs.MP4), 60.0) == []
