"""Videos whose faces get expressions, with a model known by arithmetic and faces that are real."""

import dataclasses

import av
import numpy as np
import pytest

import sounding
from analytic_model import AnalyticModel
from ganimation_tf.animation import driving, outputs, videos
from ganimation_tf.animation.animator import Animator
from ganimation_tf.animation.outputs import Output
from ganimation_tf.animation.request import WHOLE, Request
from ganimation_tf.animation.timeline import KeyFrame, Timeline
from ganimation_tf.animation.tracking import Tracker
from ganimation_tf.errors import UserError
from ganimation_tf.expression_parsing import parse
from ganimation_tf.expressions import Expression
from ganimation_tf.faces import images
from ganimation_tf.media import video
from ganimation_tf.media.video_reader import VideoReader

SMILE = Request(goal=parse(["AU12=1"]))


@pytest.fixture
def animator():
    return Animator(AnalyticModel())


@pytest.fixture
def portrait(faces_dir):
    path = sorted((faces_dir / "imgs").glob("hmd_*.jpg"))[0]
    return outputs.fit(images.decode(path.read_bytes()), 256)


def run(path, target, request, animator):
    line, notes = videos.animate(
        path, Output(target, outputs.kind_of(str(target), False)), request, animator
    )
    return line, notes


@pytest.mark.faces
def test_frames_without_a_face_pass_unchanged_wherever_they_are(tmp_path, animator, portrait):
    blank = np.full_like(portrait, (90, 120, 60))
    order = [0, 0, 1, 1, 1, 0, 0, 1, 1, 0]
    video.write(tmp_path / "in.mp4", [portrait if shown else blank for shown in order], 10)
    line, notes = run(tmp_path / "in.mp4", tmp_path / "out", SMILE, animator)
    assert "a face in 5 of 10 frames" in line and notes == []
    before = sounding.frames_of(tmp_path / "in.mp4")
    after = [images.decode(p.read_bytes()) for p in sorted((tmp_path / "out").iterdir())]
    assert len(after) == 10
    changed = [int((one != other).any()) for one, other in zip(before, after, strict=True)]
    assert changed == order


@pytest.mark.faces
def test_frame_times_stay(tmp_path, animator, portrait):
    times = [0.0, 0.1, 0.4, 0.5]
    video.write(tmp_path / "in.mp4", [portrait] * 4, 8, times)
    run(tmp_path / "in.mp4", tmp_path / "out.mp4", SMILE, animator)
    with VideoReader(tmp_path / "out.mp4") as reader:
        actual = [time for time, _ in reader.frames()]
    np.testing.assert_allclose(actual, times, atol=1e-3)


@pytest.mark.faces
def test_a_video_without_any_face_says_so(tmp_path, animator):
    video.write(tmp_path / "in.mp4", [np.full((64, 64, 3), 99, np.uint8)] * 3, 10)
    line, notes = run(tmp_path / "in.mp4", tmp_path / "out.mp4", SMILE, animator)
    assert "a face in 0 of 3 frames" in line
    assert "no face was found in 3 frames; they are as they were" in notes[0]


@pytest.mark.faces
def test_the_face_that_comes_back_is_the_same_one(animator, faces_dir):
    path = faces_dir / "forms" / "inputs" / "multi_composite_two_faker.jpg"
    two = images.decode(path.read_bytes())
    width = two.shape[1] // 2
    left, right = two.copy(), two.copy()
    left[:, width:] = left[:, :1]
    right[:, :width] = right[:, -1:]
    swapped = np.concatenate([two[:, width:], two[:, :width]], axis=1)
    blank = np.full_like(two, 128)
    first = Tracker(animator.finder, "largest").step(two)[0][1].anchors.mean(0)
    alone, other = (left, right) if first[0] < width else (right, left)
    tracker = Tracker(animator.finder, "largest")
    seen = [tracker.step(frame) for frame in (blank, two, blank, other, *[other] * 5)]
    assert [len(faces) for faces in seen] == [0, 1] + [0] * 7  # the other one is not taken for it
    back = [tracker.step(frame) for frame in [alone] * 6][-1]
    assert len(back) == 1 and np.hypot(*(back[0][1].anchors.mean(0) - first)) < 10
    # It stands elsewhere after a cut, beside the other one.
    crossed = [tracker.step(frame) for frame in [swapped] * 6][-1]
    moved = crossed[0][1].anchors.mean(0)
    assert (moved[0] < width) != (first[0] < width)


@pytest.mark.faces
def test_a_driving_video_is_read_absolutely_and_filled_where_no_face_is(
    tmp_path, animator, portrait
):
    bright = np.clip(portrait.astype(int) + 40, 0, 255).astype(np.uint8)
    blank = np.full_like(portrait, 128)
    video.write(tmp_path / "drive.mp4", [portrait, blank, bright], 10)
    drive = driving.read(tmp_path / "drive.mp4", animator)
    expected = [
        animator.estimate(frame) for frame in sounding.frames_of(tmp_path / "drive.mp4")[::2]
    ]
    np.testing.assert_allclose(drive.units[0], expected[0], atol=0.02)
    np.testing.assert_allclose(drive.units[2], expected[1], atol=0.02)
    np.testing.assert_allclose(drive.units[1], (drive.units[0] + drive.units[2]) / 2, atol=1e-6)
    other = np.array([0.9, 0.1, 0.0], np.float32)
    # No offset of the first frame.
    np.testing.assert_array_equal(drive.onto(other, drive.times), drive.units)


def test_smoothing_keeps_constants_and_the_mean_of_an_impulse():
    units = np.zeros((21, 2), np.float32)
    units[:, 1] = 0.4
    units[10, 0] = 1.0
    smoothed = driving.smooth(units, 2.0)
    np.testing.assert_allclose(smoothed[:, 1], 0.4, atol=1e-6)
    np.testing.assert_allclose(smoothed[:, 0].sum(), 1.0, atol=1e-3)
    np.testing.assert_allclose(smoothed[10, 0], 1 / (2 * np.sqrt(2 * np.pi)), atol=2e-3)
    np.testing.assert_array_equal(driving.smooth(units, 0), units)


@pytest.mark.parametrize(("step", "kept"), [(0.5, True), (0.04, False)])
def test_moments_that_are_far_apart_are_shown_as_they_are_written(tmp_path, step, kept):
    path = tmp_path / "drive.csv"
    path.write_text(f"time,AU06\n0,0\n{step},0.9\n{2 * step},0\n")
    drive = driving.from_annotations(path, ("AU06",)).smoothed()
    # Else a Gaussian of one frame: 1 / (1 + 2 (e^-1/2 + e^-2 + ...)) = 0.399 of it stays.
    np.testing.assert_allclose(drive.units[1, 0], 0.9 if kept else 0.9 * 0.399, atol=1e-3)
    np.testing.assert_allclose(drive.smoothed(0).units, drive.units)


def test_a_table_with_frames_that_failed(tmp_path):
    path = tmp_path / "clip.csv"
    path.write_text(
        "frame, timestamp, success, AU06_r, AU12_r, AU99_r\n"
        "1, 2.0, 1, 0.0, 5.0, 1\n2, 2.5, 0, 9, 9, 9\n3, 3.0, 1, 5.0, 2.5, 1\n"
    )
    drive = driving.from_annotations(path, ("AU06", "AU12", "AU45"))
    np.testing.assert_allclose(drive.times, [0, 0.5, 1.0])
    assert drive.frames_per_second == 2 and drive.named == ("AU06", "AU12")
    np.testing.assert_allclose(drive.units, [[0, 1, 0], [0.5, 0.75, 0], [1, 0.5, 0]])
    shown = drive.onto(np.array([0.1, 0.2, 0.3]), np.array([-1, 0.25, 0.75, 2]))
    np.testing.assert_allclose(
        shown, [[0, 1, 0.3], [0.25, 0.875, 0.3], [0.75, 0.625, 0.3], [1, 0.5, 0.3]]
    )
    assert drive.expression(0) == Expression(parse(["AU06=0", "AU12=1"]).changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "no column is an AU; its columns are a, b"),
        ("AU07\n1\n", r"none of its AUs \(AU07\) is one of AU06"),
        ("AU06\n", "no frame has a usable face"),
        ("AU06\nx\n", "a.csv:2: AU06 must be a finite number, got 'x'"),
        ("time,AU06\n1,0\n0,1\n", "times must not fall, got 0 after 1 seconds"),
        ("success,AU06\n0,1\n", "a.csv:2: table had lost the face here"),
        ("time,AU06\n0,0\n1000,1\n2000,0\n", "at most 60 seconds apart in the mean, got 1000"),
    ],
)
def test_tables_that_say_nothing(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        driving.from_annotations(tmp_path / "a.csv", ("AU06",))


@pytest.mark.parametrize("name", ["out.png", "out.jpg"])
def test_a_video_becomes_no_picture(tmp_path, animator, name):
    target = Output(tmp_path / name, outputs.SHEET)
    with pytest.raises(UserError, match="a video becomes .mp4, .gif, .webp or DIR/"):
        videos.animate(tmp_path / "in.mp4", target, SMILE, animator)


@pytest.mark.parametrize("options", [{"sweep": ("AU12",)}, {"crop": WHOLE}])
def test_what_is_for_photos_is_refused(tmp_path, animator, options):
    target = Output(tmp_path / "out.mp4", outputs.MP4)
    with pytest.raises(UserError, match="--sweep and --crop whole are for photos"):
        videos.animate(tmp_path / "in.mp4", target, dataclasses.replace(SMILE, **options), animator)


def test_what_a_video_says_of_itself_is_what_was_asked_most(animator):
    names = list(animator.action_units)
    frames = (KeyFrame(0.0, Expression()), KeyFrame(1.0, parse(["AU12=0.8"])))
    request = Request(goal=Expression(), timeline=Timeline(frames))
    job = videos._Job(animator, request)
    asked = [job.strongest(seconds)[names.index("AU12")] for seconds in (2.0, 0.5, 0.0)]
    np.testing.assert_allclose(asked, [0.8, 0.4, 0.8], atol=1e-6)  # of 0 it is not known how long


def test_the_sound_is_kept(tmp_path, animator):
    sounding.write(tmp_path / "in.mp4", "aac")
    run(tmp_path / "in.mp4", tmp_path / "out.mp4", SMILE, animator)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
