"""Videos in and out."""

import struct

import av
import numpy as np
import pytest
from PIL import Image

import sounding
from ganimation_tf.errors import UserError
from ganimation_tf.media import video
from sounding import squares


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
    shown = video.frames_of(tmp_path / "a.mp4")
    assert len(shown) == 5
    for before, after in zip(frames, shown, strict=True):
        inside = np.abs(before.astype(int) - after).max(-1)
        assert np.median(inside) <= 4 and np.percentile(inside, 90) <= 12


def test_an_odd_size_repeats_its_last_row_and_column(tmp_path):
    frame = np.full((31, 33, 3), 90, np.uint8)
    video.write(tmp_path / "a.mp4", [frame, frame], 25)
    (shown, _) = video.frames_of(tmp_path / "a.mp4")
    assert shown.shape == (32, 34, 3)
    np.testing.assert_allclose(shown, 90, atol=4)


def test_times_of_a_variable_rate_are_kept(tmp_path):
    times = [0.0, 0.1, 0.35, 0.4, 1.0]
    video.write(tmp_path / "a.mp4", squares(5), 5, times)
    with video.VideoReader(tmp_path / "a.mp4") as reader:
        actual = [time for time, _ in reader.frames()]
    np.testing.assert_allclose(actual, times, atol=1e-4)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("a.mkv", "libopus")])
def test_sound_is_kept(tmp_path, name, codec):
    sounding.write(tmp_path / name, codec)
    with video.VideoReader(tmp_path / name) as reader:
        assert reader.has_audio
        frames = [pixels for _, pixels in reader.frames()]
    video.write(tmp_path / "out.mp4", frames, 10, sound_of=tmp_path / name)
    with av.open(str(tmp_path / "out.mp4")) as container:
        sound = container.streams.audio[0]
        assert sound.codec_context.name == "aac"
        samples = np.concatenate([f.to_ndarray()[0] for f in container.decode(sound)])
    assert abs(len(samples) / 48_000 - 1) < 0.1
    spectrum = np.abs(np.fft.rfft(samples[9600:38400]))
    assert abs(np.argmax(spectrum) / (28_800 / 48_000) - 440) < 5


def test_a_track_that_says_it_is_turned_is_shown_upright(tmp_path):
    path = tmp_path / "a.mp4"
    video.write(path, squares(2), 10)
    data = bytearray(path.read_bytes())
    # The matrix of the track's header, ISO 14496-12 8.3.2: a quarter turn to the right.
    place = data.index(b"tkhd") + 4 + 40
    one = 1 << 16
    data[place : place + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 48 << 16, 0, 1 << 30)
    path.write_bytes(data)
    shown = video.frames_of(path)[0]
    assert shown.shape == (64, 48, 3)
    upright = np.rot90(squares(1)[0], -1)
    assert np.median(np.abs(upright.astype(int) - shown)) <= 4


@pytest.mark.parametrize(
    ("content", "text"),
    [(None, "cannot be read as a video"), (b"", "cannot be"), (b"text" * 99, "cannot be")],
)
def test_files_that_are_no_videos(tmp_path, content, text):
    path = tmp_path / "a.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=f"a.mp4: {text}"):
        video.VideoReader(path)


def test_a_file_with_sound_alone(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48_000
        container.mux(sound.encode(frame))
        container.mux(sound.encode())
    with pytest.raises(UserError, match="the file has no video in it"):
        video.VideoReader(path)


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
