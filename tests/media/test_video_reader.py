"""Videos that are read, damaged and strange ones among them."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest

import sounding
from ganimation_tf.errors import UserError
from ganimation_tf.media import video
from ganimation_tf.media.video_reader import VideoReader
from sounding import squares


def encode(path, frames, codec, form="yuv420p", shape=None, **options):
    """Of ten frames a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = form
        if shape:
            stream.codec_context.sample_aspect_ratio = shape
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


def read(path):
    """Times, frames, and what was noted."""
    with VideoReader(path) as reader:
        times, frames = zip(*reader.frames(), strict=True)
        return list(times), list(frames), reader.notes


def places_of_packets(path):
    with av.open(str(path)) as container:
        return [(one.pos, one.size) for one in container.demux(video=0) if one.size]


def test_a_damaged_packet_costs_its_own_frame_alone_and_is_told(tmp_path):
    path = tmp_path / "a.avi"
    encode(path, squares(10), "mjpeg", "yuvj420p")
    before = sounding.frames_of(path)
    data = bytearray(path.read_bytes())
    place, size = places_of_packets(path)[4]
    data[place + 8 : place + size] = bytes(size - 8)
    path.write_bytes(data)
    times, after, notes = read(path)
    np.testing.assert_allclose(times, [0, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9], atol=1e-6)
    np.testing.assert_array_equal(after, before[:4] + before[5:])
    assert notes == [f"{path}: 1 packet could not be decoded; 9 frames were read"]


def test_a_video_of_which_nothing_can_be_decoded(tmp_path):
    path = tmp_path / "a.avi"
    encode(path, squares(2), "mjpeg", "yuvj420p")
    data = bytearray(path.read_bytes())
    for place, size in places_of_packets(path):
        data[place + 8 : place + size] = bytes(size - 8)
    path.write_bytes(data)
    with pytest.raises(UserError, match="a.avi: cannot be decoded: Invalid data"):
        read(path)


def test_a_video_that_was_cut_off_is_told_from_a_whole_one(tmp_path):
    path = tmp_path / "a.mkv"
    encode(path, squares(12) * 3, "libx264", bf="0")
    assert read(path)[2] == []
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    _, frames, (note,) = read(path)
    assert note == f"{path}: the file promises 3.6 s, and its pictures end at {len(frames) / 10}"


def test_frames_that_a_header_promises_are_missed(tmp_path):
    path = tmp_path / "a.mp4"
    video.write(path, squares(10), 10)
    data = path.read_bytes()
    path.write_bytes(data[: places_of_packets(path)[6][0]])
    _, frames, notes = read(path)
    assert notes[-1] == f"{path}: the file promises 10 frames, and {len(frames)} were found"


@pytest.mark.parametrize(("shape", "size"), [((2, 1), (48, 128)), ((3, 4), (64, 64))])
def test_pixels_that_are_not_square_are_stretched(tmp_path, shape, size):
    path = tmp_path / "a.mp4"
    encode(path, squares(2), "libx264", shape=Fraction(*shape))
    pixels = read(path)[1][0]
    assert pixels.shape == (*size, 3)
    green = np.argwhere(pixels[..., 1] > 130)
    # The square of 16 x 16 at row 16, left: as many times as high and wide as the picture.
    expected = [16 * size[0] / 48, 16 * size[1] / 64]
    np.testing.assert_allclose(np.ptp(green, axis=0) + 1, expected, atol=4)


def test_frames_of_another_size_and_time_that_follow_are_fitted(tmp_path):
    parts = []
    for name, height, width in (("a.ts", 48, 64), ("b.ts", 96, 64)):
        grey = [np.full((height, width, 3), 200, np.uint8)] * 6
        encode(tmp_path / name, grey, "libx264", bf="0")
        parts.append((tmp_path / name).read_bytes())
    path = tmp_path / "c.mkv"
    path.write_bytes(b"".join(parts))
    times, frames, (note,) = read(path)
    assert len(frames) == 12 and {frame.shape for frame in frames} == {(48, 64, 3)}
    assert (np.diff(times) > 0).all() and times[-1] < 1.5
    # 96 x 64 is half as large in 48 x 64: 32 columns in the middle of black.
    np.testing.assert_allclose(frames[-1][24, [4, 32, 60], 0], [0, 200, 0], atol=4)
    assert note == (
        f"{path}: its frames change their size from 64 x 48 to 64 x 96 pixels; "
        "all are written in the first"
    )


def test_times_that_fall_by_a_slip_or_begin_anew_still_increase(tmp_path):
    from ganimation_tf.media.video_reader import _Clock

    clock = _Clock(0.1)
    said = [5.0, 5.1, 5.05, 5.2, None, 10.0, 0.0, 0.1]
    times = [clock.moment(time) for time in said]
    np.testing.assert_allclose(times, [0, 0.1, 0.101, 0.2, 0.3, 5.0, 5.1, 5.2], atol=1e-6)


def test_a_track_that_says_it_is_turned_is_shown_upright(tmp_path):
    path = tmp_path / "a.mp4"
    video.write(path, squares(2), 10)
    data = bytearray(path.read_bytes())
    # The matrix of the track's header, ISO 14496-12 8.3.2: a quarter turn to the right.
    place = data.index(b"tkhd") + 4 + 40
    one = 1 << 16
    data[place : place + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 48 << 16, 0, 1 << 30)
    path.write_bytes(data)
    shown = sounding.frames_of(path)[0]
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
        VideoReader(path)


def test_a_file_with_sound_alone(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48_000
        container.mux(sound.encode(frame))
        container.mux(sound.encode())
    with pytest.raises(UserError, match="the file has no video in it"):
        VideoReader(path)
