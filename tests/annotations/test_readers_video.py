"""Annotations of videos, whose frames are in the video or in a directory."""

import numpy as np
import pytest

from ganimation_tf.data import manifest
from ganimation_tf.faces import images
from ganimation_tf.faces.video import Frames
from ganimation_tf.inputs import FileError
from jobs import contents, kept, preprocess, rejected, split_of
from openface_files import write_photo
from openface_videos import frame_row, level, write_clip, write_video


def brightness(record):
    return images.decode(record.image).mean()


def test_frames_of_a_video(tmp_path):
    """Each record shows the frame of its row, also after frames that are not wanted."""
    write_video(tmp_path / "videos/day/clip.avi")
    rows = [frame_row(n, AU12_r=n / 2) for n in (1, 2, 3, 5, 8)]
    rows += [frame_row(9)]
    rows[1]["success"] = "0"
    rows[2]["confidence"] = "0.3"
    write_clip(tmp_path, "day/clip", *rows)
    output = preprocess(tmp_path / "videos", tmp_path / "csv", tmp_path / "out")
    by_key = kept(output)
    assert list(by_key) == [f"day/clip/{n:06}" for n in (1, 5, 8)]
    for number, record in zip((1, 5, 8), by_key.values(), strict=True):
        assert abs(brightness(record) - level(number - 1)) < 2
        assert record.subject == "day/clip"
        assert record.action_units[8] == np.float32(number / 10)
    assert rejected(output) == {
        "day/clip/000002#0": "not_tracked",
        "day/clip/000003#0": "low_confidence",
        "day/clip/000009": "no_frame",
    }
    assert manifest.Manifest.load(output).options["reader"] == "openface-video"


def test_one_clip_is_on_one_side_and_bytes_do_not_depend_on_workers(tmp_path):
    names = [f"clip{i}" for i in range(12)]
    for name in names:
        write_video(tmp_path / f"videos/{name}.avi", 3)
        write_clip(tmp_path, name, *(frame_row(n) for n in (1, 2, 3)))
    more = ["--eval-fraction", "0.5", "--records-per-shard", "4"]
    output = preprocess(tmp_path / "videos", tmp_path / "csv", tmp_path / "out", *more)
    splits = split_of(output)
    assert len(splits) == 36 and set(splits.values()) == {"train", "eval"}
    for name in names:
        assert len({splits[f"{name}/{n:06}"] for n in (1, 2, 3)}) == 1
    assert len(manifest.Manifest.load(output).splits["train"]) > 1  # frames count, not clips
    again = preprocess(
        tmp_path / "videos", tmp_path / "csv", tmp_path / "again", *more, "--workers", "2"
    )
    assert contents(again) == contents(output)


def test_two_faces_in_a_frame(tmp_path):
    write_video(tmp_path / "videos/a.avi")
    rows = [frame_row(n, face) for n in (1, 2) for face in ("0", "1")]
    write_clip(tmp_path, "a", *rows)
    output = preprocess(tmp_path / "videos", tmp_path / "csv", tmp_path / "out")
    assert set(kept(output)) == {"a/000001", "a/000002"}
    assert rejected(output) == {"a/000001#1": "extra_face", "a/000002#1": "extra_face"}
    output = preprocess(tmp_path / "videos", tmp_path / "csv", tmp_path / "all", "--faces", "all")
    assert set(kept(output)) == {f"a/00000{n}#{face}" for n in (1, 2) for face in "01"}


def test_bad_clips(tmp_path):
    for name in ("good", "rows", "headless", "blank", "alone"):
        write_video(tmp_path / f"videos/{name}.avi")
    (tmp_path / "videos/text.avi").write_text("not a video")
    (tmp_path / "videos/empty.avi").write_bytes(b"")
    (tmp_path / "videos/notes.jpg").write_text("beside videos, photos do not count")
    for name in ("good", "text", "empty", "lost"):
        write_clip(tmp_path, name, frame_row(1))
    write_clip(
        tmp_path, "rows", frame_row(3), frame_row(2), frame_row("x"), frame_row(0), frame_row(4)
    )
    write_clip(tmp_path, "blank")
    (tmp_path / "csv/headless.csv").write_text("frame, AU12_r\n1, 0\n")
    output = preprocess(tmp_path / "videos", tmp_path / "csv", tmp_path / "out")
    assert set(kept(output)) == {"good/000001", "rows/000003", "rows/000004"}
    assert rejected(output) == {
        "text/000001": "unreadable_video",
        "empty/000001": "unreadable_video",
        "lost": "no_image",
        "alone": "no_annotation",
        "rows:3": "bad_row",
        "rows:4": "bad_value",
        "rows:5": "bad_row",
        "headless": "missing_column",
        "blank": "no_face",
    }


def test_a_directory_of_frames(tmp_path):
    for clip, first in (("a", 1), ("b", 1)):
        for index in range(3):
            pixels = np.full((180, 160, 3), level(index), np.uint8)
            write_photo(tmp_path / f"frames/{clip}/shot2_{first + index:04}.png", pixels)
    write_clip(tmp_path, "a", *(frame_row(n) for n in (1, 2, 3)))
    write_clip(tmp_path, "b", frame_row(2), frame_row(7))
    output = preprocess(tmp_path / "frames", tmp_path / "csv", tmp_path / "out")
    by_key = kept(output)
    assert set(by_key) == {"a/000001", "a/000002", "a/000003", "b/000002"}
    assert abs(brightness(by_key["b/000002"]) - level(1)) < 2
    assert {record.subject for record in by_key.values()} == {"a", "b"}
    missing = {"b/000001": "no_annotation", "b/000003": "no_annotation", "b/000007": "no_image"}
    assert rejected(output) == missing


def test_frames_numbered_from_0(tmp_path, capsys):
    for index in range(3):
        pixels = np.full((180, 160, 3), level(index), np.uint8)
        write_photo(tmp_path / f"frames/a/{index:04}.png", pixels)
    write_clip(tmp_path, "a", *(frame_row(n) for n in (1, 2, 3)))
    inputs = tmp_path / "frames", tmp_path / "csv"
    preprocess(*inputs, tmp_path / "1", "--first-frame", "1", code=2)
    message = "--first-frame is 1, but a has a frame numbered 0"
    assert message in capsys.readouterr().err
    for output in (
        preprocess(*inputs, tmp_path / "2"),
        preprocess(*inputs, tmp_path / "3", "--first-frame", "0"),
    ):
        assert abs(brightness(kept(output)["a/000003"]) - level(2)) < 2


def test_videos_are_read_forwards(tmp_path):
    write_video(tmp_path / "a.avi", 4)
    with Frames(str(tmp_path / "a.avi")) as frames:
        assert abs((last := frames.at(2)).mean() - level(2)) < 2
        np.testing.assert_array_equal(frames.at(2), last)  # two faces of one frame
        with pytest.raises(ValueError, match="frame 1 is before 3"):
            frames.at(1)
        assert abs(frames.at(3).mean() - level(3)) < 2
        for index in (4, 9):
            with pytest.raises(FileError, match=f"has 4 frames, none of index {index}") as caught:
                frames.at(index)
            assert caught.value.code == "no_frame"


@pytest.mark.faces
@pytest.mark.parametrize("name", ["clip_lp_d3", "clip_lp_d3_static"])
def test_real_feature_extraction(tmp_path, faces_dir, name):
    (tmp_path / "videos").mkdir()
    clip = faces_dir / "forms/inputs/clip_lp_d3.mp4"
    (tmp_path / f"videos/{name}.mp4").symlink_to(clip)
    annotation = faces_dir / f"forms/FeatureExtraction/{name}.csv"
    output = preprocess(tmp_path / "videos", annotation, tmp_path / "out")
    assert list(kept(output)) == [f"{name}/{n:06}" for n in range(1, 51)]
    assert rejected(output) == {}


@pytest.mark.faces
@pytest.mark.parametrize(("policy", "records", "extra"), [("largest", 20, 20), ("all", 40, 0)])
def test_real_video_of_two_people(tmp_path, faces_dir, policy, records, extra):
    forms = faces_dir / "forms"
    output = preprocess(
        forms / "inputs/clip_two_people.mp4",
        forms / "FaceLandmarkVidMulti",
        tmp_path / "out",
        *("--faces", policy),
    )
    assert len(kept(output)) == records
    codes = list(rejected(output).values())
    assert codes == ["extra_face"] * extra


@pytest.mark.faces
def test_real_frames_in_a_directory_give_the_frames_of_the_video(tmp_path, faces_dir):
    forms = faces_dir / "forms"
    with Frames(str(forms / "inputs/clip_lp_d3.mp4")) as frames:
        for index in range(50):
            write_photo(tmp_path / f"frames/clip_lp_d3/{index + 1:06}.png", frames.at(index))
    annotation = forms / "FeatureExtraction/clip_lp_d3.csv"
    photos = kept(preprocess(tmp_path / "frames", annotation, tmp_path / "photos"))
    video = kept(preprocess(forms / "inputs/clip_lp_d3.mp4", annotation, tmp_path / "video"))
    assert photos.keys() == video.keys()
    for key, record in video.items():
        assert photos[key].image == record.image
        np.testing.assert_array_equal(photos[key].action_units, record.action_units)
