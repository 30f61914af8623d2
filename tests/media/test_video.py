"""Videos that are written."""

import struct

import av
import numpy as np
import pytest
from PIL import Image

import sounding
from ganimation_tf.errors import UserError
from ganimation_tf.media import video
from ganimation_tf.media.video_reader import VideoReader
from sounding import squares


def test_moments_that_are_the_same_follow_each_other(tmp_path):
    path = tmp_path / "a.mp4"
    assert video.write(path, squares(3), 25, times=[0.0, 0.0, 0.2]) == 3
    with VideoReader(path) as reader:
        times = [time for time, _ in reader.frames()]
    np.testing.assert_allclose(times, [0, 0.001, 0.2], atol=1e-3)


def test_it_is_what_browsers_play(tmp_path):
    path = tmp_path / "a.mp4"
    assert video.write(path, squares(5), 12.5) == 5
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert float(stream.average_rate) == 12.5
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # the index comes first
    # colr box: nclx, BT.709 primaries, transfer and matrix
    assert struct.pack(">4s3H", b"nclx", 1, 1, 1) in data


def test_colours_and_places_come_back(tmp_path):
    frames = squares(5)
    video.write(tmp_path / "a.mp4", frames, 25)
    shown = sounding.frames_of(tmp_path / "a.mp4")
    assert len(shown) == 5
    for before, after in zip(frames, shown, strict=True):
        inside = np.abs(before.astype(int) - after).max(-1)
        assert np.median(inside) <= 4 and np.percentile(inside, 90) <= 12


def test_an_odd_size_repeats_its_last_row_and_column(tmp_path):
    frame = np.full((31, 33, 3), 90, np.uint8)
    video.write(tmp_path / "a.mp4", [frame, frame], 25)
    (shown, _) = sounding.frames_of(tmp_path / "a.mp4")
    assert shown.shape == (32, 34, 3)
    np.testing.assert_allclose(shown, 90, atol=4)


def test_times_of_a_variable_rate_are_kept(tmp_path):
    times = [0.0, 0.1, 0.35, 0.4, 1.0]
    video.write(tmp_path / "a.mp4", squares(5), 5, times)
    with VideoReader(tmp_path / "a.mp4") as reader:
        actual = [time for time, _ in reader.frames()]
    np.testing.assert_allclose(actual, times, atol=1e-4)


def test_nothing_is_left_of_a_video_that_could_not_be_written(tmp_path):
    def frames():
        yield squares(1)[0]
        raise UserError("the source broke off")

    with pytest.raises(UserError, match="broke off"):
        video.write(tmp_path / "a.mp4", frames(), 10)
    with pytest.raises(UserError, match="at least one frame"):
        video.write(tmp_path / "a.mp4", [], 10)
    assert list(tmp_path.iterdir()) == []


def test_a_gif_is_a_video_if_it_moves(tmp_path):
    still, moving = Image.new("RGB", (8, 6)), Image.new("RGB", (8, 6), "white")
    still.save(tmp_path / "still.gif")
    still.save(tmp_path / "moving.gif", save_all=True, append_images=[moving])
    assert not video.is_video(tmp_path / "still.gif")
    assert video.is_video(tmp_path / "moving.gif") and video.is_video(tmp_path / "a.MP4")
