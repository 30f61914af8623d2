"""Inputs that were read wrongly or refused once, each with its whole kind."""

import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from ganimation_tf import cli
from ganimation_tf.annotations.names import ImageNames, nearest_miss
from ganimation_tf.data import manifest
from ganimation_tf.faces import images
from jobs import kept, preprocess, reader_of, rejected
from openface_files import (
    EYES_AND_MOUTH,
    HEADER,
    csv_text,
    landmarks,
    row,
    write_faces,
    write_photo,
)
from openface_videos import VIDEO_HEADER, frame_row, write_clip

FEAT_UNITS = [1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43]


def write_sequence(root: pathlib.Path, numbers, pattern="{}.png", rows=None, clip="clip"):
    """Frames in `root/frames/clip`, and the annotation of that many, or of `rows`, frames.

    AU12 is the frame's number over 10.
    """
    for number in numbers:
        write_photo(root / "frames" / clip / pattern.format(number))
    counted = range(1, (rows or len(numbers)) + 1)
    write_clip(root, clip, *(frame_row(n, AU12_r=f"{n / 10:.2f}") for n in counted))
    return root / "frames", root / "csv"


def unit12(output) -> dict[str, int]:
    """Ten times the AU12 of each record, on OpenFace's scale."""
    return {key: round(50 * float(one.action_units[8])) for key, one in kept(output).items()}


# 1. sequences


@pytest.mark.parametrize(
    ("numbers", "pattern"),
    [
        (range(1, 13), "{}.png"),
        (range(4, 16), "{:06}.png"),
        (range(5, 61, 5), "{:04}.png"),
        (range(0, 12), "{:03}.png"),
        (range(98, 110), "img{}.jpg"),
    ],
    ids=["unpadded", "first ones deleted", "every fifth", "from 0", "past a power of ten"],
)
def test_frames_are_counted_as_openface_sorts_them(tmp_path, numbers, pattern):
    output = preprocess(*write_sequence(tmp_path, numbers, pattern), tmp_path / "out")
    # A frame's picture is told by its size: each of another width.
    assert unit12(output) == {f"clip/{n:06}": n for n in range(1, 13)}
    assert rejected(output) == {}


def test_the_picture_of_a_frame_is_that_of_its_place_as_text(tmp_path):
    places, levels = {}, {}
    for number in range(1, 13):
        levels[number] = 10 * number
        pixels = np.full((180, 160, 3), levels[number], np.uint8)
        write_photo(tmp_path / f"frames/clip/{number}.png", pixels)
    places = {name: place for place, name in enumerate(sorted(map(str, range(1, 13))), start=1)}
    inputs = write_sequence(tmp_path, (), rows=12)
    output = preprocess(*inputs, tmp_path / "out")
    for name, place in places.items():
        actual = images.decode(kept(output)[f"clip/{place:06}"].image).mean()
        assert abs(actual - levels[int(name)]) < 2
    text = (output / manifest.STATISTICS).read_text()
    assert "taken in the order of their names as text (10 before 2)" in text
    by_name = kept(preprocess(*inputs, tmp_path / "named", "--first-frame", "1"))
    assert abs(images.decode(by_name["clip/000010"].image).mean() - 100) < 2


@pytest.mark.parametrize(
    ("numbers", "rows"), [(range(4, 41), 40), (range(5, 41, 5), 40), (range(2, 50), 40)]
)
def test_an_order_that_cannot_be_known_is_refused(tmp_path, numbers, rows):
    inputs = write_sequence(tmp_path, numbers, "{:06}.png", rows)
    write_sequence(tmp_path, range(1, 4), "{:06}.png", clip="good")
    output = preprocess(*inputs, tmp_path / "out")
    assert list(kept(output)) == [f"good/{n:06}" for n in (1, 2, 3)]
    codes = list(rejected(output).values())
    assert codes.count("unknown_order") == 1 and codes.count("no_annotation") == len(numbers)
    named = kept(preprocess(*inputs, tmp_path / "named", "--first-frame", "1"))
    assert all(f"clip/{n:06}" in named for n in numbers if n <= rows)


def test_the_directory_of_frames_may_be_the_root(tmp_path):
    inputs = write_sequence(tmp_path, range(1, 4), "{:06}.png")
    output = preprocess(inputs[0] / "clip", inputs[1], tmp_path / "out")
    assert list(kept(output)) == [f"clip/{n:06}" for n in (1, 2, 3)]


# 2. names of AUs


def write_table(path: pathlib.Path, rows: list[dict]) -> pathlib.Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


BOX = {"left": 30, "top": 50, "width": 100, "height": 110}


@pytest.mark.parametrize(
    "names",
    [
        ("AU1", "AU9", "AU12"),
        ("au01", "au09", "au12"),
        ("AU_1", "AU_9", "AU_12"),
        ("AU1_r", "AU9_r", "AU12_r"),
        ("AU01_r", "AU09_r", "AU12_r"),
        ("AU01_intensity", "AU09_intensity", "AU12_intensity"),
        ("AU 1", "au-9", "Au_12_Intensity"),
    ],
)
def test_every_spelling_of_an_action_unit(tmp_path, names):
    write_photo(tmp_path / "photos/a.jpg")
    values = dict(zip(names, (0.1, 0.2, 0.3), strict=True))
    table = write_table(tmp_path / "t.csv", [{"key": "a.jpg"} | BOX | values])
    output = preprocess(tmp_path / "photos", table, tmp_path / "out")
    assert manifest.Manifest.load(output).action_units == ("AU01", "AU09", "AU12")
    np.testing.assert_array_equal(kept(output)["a"].action_units, np.float32([0.1, 0.2, 0.3]))


def test_unread_columns_are_named(tmp_path, capsys):
    write_photo(tmp_path / "photos/a.jpg")
    unread = {"AU12_c": 1, "AU25 left": 0.5, "au6_presence": 1}
    table = write_table(tmp_path / "t.csv", [{"key": "a", "AU1": 0.5} | BOX | unread])
    output = preprocess(tmp_path / "photos", table, tmp_path / "out")
    message = "3 columns of t.csv look like AUs and are not read: AU12_c, AU25 left, au6_presence"
    assert message in capsys.readouterr().out
    assert message in (output / manifest.REPORT).read_text()


def test_two_columns_of_one_action_unit(tmp_path):
    write_photo(tmp_path / "photos/a.jpg")
    table = write_table(tmp_path / "t.csv", [{"key": "a", "AU1": 0.5, "AU01": 0.1} | BOX])
    output = preprocess(tmp_path / "photos", table, tmp_path / "out", code=2)
    assert rejected(output) == {"t": "duplicate_column", "a": "no_annotation"}
    assert "AU1 and AU01 both mean AU01" in (output / manifest.REJECTED).read_text()


# 3. orientation


def feat_row(name, points=None, size=(160, 180), **values):
    """A row of py-feat 2; `points` float (P, 2)."""
    points = landmarks() if points is None else points
    box = {"FaceRectX": 40, "FaceRectY": 40, "FaceRectWidth": 80, "FaceRectHeight": 90}
    actual = box | {"FaceScore": 0.99}
    actual |= {f"{axis}_{i}": p[k] for i, p in enumerate(points) for k, axis in enumerate("xy")}
    actual |= {f"AU{n:02}": n / 100 for n in FEAT_UNITS}
    actual |= {"FrameWidth": size[0], "FrameHeight": size[1], "input": name, "frame": 0}
    return actual | values


def write_turned(path: pathlib.Path, orientation: int, size=(160, 180)) -> None:
    """A photo whose pixels are stored so that `orientation` turns them to width x height `size`."""
    turn = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    picture = Image.new("RGB", size, "gray")
    exif = Image.Exif()
    exif[0x0112] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    (picture if turn is None else picture.transpose(turn)).save(path, exif=exif)


@pytest.mark.parametrize(
    ("orientation", "size", "code"),
    [
        (1, (160, 180), None),
        (1, (320, 360), "wrong_size"),
        (6, (180, 160), "wrong_orientation"),
        (8, (180, 160), "wrong_orientation"),
        (6, (160, 180), "wrong_orientation"),  # sizes agree, but py-feat turns nothing
        (3, (160, 180), "wrong_orientation"),
        (2, (160, 180), "wrong_orientation"),
    ],
)
def test_photos_that_py_feat_read_as_they_are_stored(tmp_path, orientation, size, code):
    write_turned(tmp_path / "photos/a.jpg", orientation)
    write_turned(tmp_path / "photos/b.jpg", 1)
    table = write_table(tmp_path / "fex.csv", [feat_row("a.jpg", size=size), feat_row("b.jpg")])
    output = preprocess(tmp_path / "photos", table, tmp_path / "out")
    assert set(kept(output)) == ({"a", "b"} if code is None else {"b"})
    assert list(rejected(output).values()) == ([] if code is None else [code])


@pytest.mark.parametrize(("degrees", "code"), [(0, None), (30, None), (90, "wrong_orientation")])
def test_landmarks_that_lie_on_their_side_in_a_turned_photo(tmp_path, degrees, code):
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (landmarks() - (80, 90)) @ turn.T + (80, 90)
    write_turned(tmp_path / "photos/a.jpg", 6)
    (tmp_path / "csv").mkdir()
    places = {f"{axis}_{i}": p[k] for i, p in enumerate(points) for k, axis in enumerate("xy")}
    (tmp_path / "csv/a.csv").write_text(csv_text(row(**places)))
    inputs = tmp_path / "photos", tmp_path / "csv"
    output = preprocess(*inputs, tmp_path / "out", code=2 if code else 0)
    assert list(rejected(output).values()) == ([code] if code else [])


def test_landmarks_of_another_order_are_refused(tmp_path):
    mirrored = landmarks() * (-1, 1) + (160, 0)
    eyes_below = landmarks([(x, 180 - y) for x, y in EYES_AND_MOUTH])
    points = {"a": landmarks(), "b": mirrored, "c": eyes_below, "d": np.roll(landmarks(), 20, 0)}
    for name in points:
        write_photo(tmp_path / f"photos/{name}.jpg")
    rows = [feat_row(f"{name}.jpg", one) for name, one in points.items()]
    table = write_table(tmp_path / "fex.csv", rows)
    output = preprocess(tmp_path / "photos", table, tmp_path / "out")
    assert rejected(output) == dict.fromkeys("bcd", "wrong_landmarks")


def face_picture(upside_down: bool = False) -> np.ndarray:
    """A bright face with dark eyes where `EYES_AND_MOUTH` has them."""
    pixels = np.full((180, 160, 3), 190, np.uint8)
    for x, y in EYES_AND_MOUTH[:2]:
        cv2.circle(pixels, (int(x), int(y)), 9, (40, 30, 30), -1)
    return pixels[::-1].copy() if upside_down else pixels


def test_eyes_that_are_brighter_than_the_cheeks_are_warned_of(tmp_path, capsys):
    write_faces(tmp_path, [f"{i:02}" for i in range(20)])
    for i in range(20):
        pixels = face_picture()
        if i in (3, 4):
            pixels = 255 - pixels  # bright eyes in a dark face
        write_photo(tmp_path / f"photos/{i:02}.jpg", pixels)
    output = preprocess(tmp_path / "photos", tmp_path / "csv", tmp_path / "out")
    message = "on 2 of 20 faces the eyes are brighter than the cheeks, such as "
    printed = capsys.readouterr().out
    assert message in printed
    named = printed.partition(message)[2].partition(":")[0]
    assert sorted(named.split(", ")) == ["03", "04"]
    assert "Doubtful faces" in (output / manifest.REPORT).read_text()
    assert cli.main(["inspect", str(output)]) == 0
    assert message in capsys.readouterr().out


# 4. more points than 68


@pytest.mark.parametrize("count", [478, 468])
def test_points_of_mediapipe_are_those_of_the_face(tmp_path, count):
    from ganimation_tf.faces.mediapipe_points import LANDMARKS_68

    points = np.full((count, 2), 5.0)
    points[LANDMARKS_68] = landmarks()
    write_photo(tmp_path / "photos/a.jpg")
    write_photo(tmp_path / "photos/b.jpg")
    table = write_table(tmp_path / "mesh.csv", [feat_row("a.jpg", points)])
    mesh = kept(preprocess(tmp_path / "photos", table, tmp_path / "1"))["a"]
    table = write_table(tmp_path / "fex.csv", [feat_row("a.jpg")])
    plain = kept(preprocess(tmp_path / "photos", table, tmp_path / "2"))["a"]
    np.testing.assert_allclose(mesh.transform, plain.transform, atol=1e-5)


@pytest.mark.parametrize("count", [69, 98, 106])
def test_points_of_an_unknown_layout_are_refused(tmp_path, count, capsys):
    write_photo(tmp_path / "photos/a.jpg")
    table = write_table(tmp_path / "fex.csv", [feat_row("a.jpg", np.ones((count, 2)))])
    output = preprocess(tmp_path / "photos", table, tmp_path / "out", code=2)
    assert rejected(output) == {"fex": "unknown_landmarks", "a": "no_annotation"}


# 6. OpenFace's own directory


def test_drawings_are_no_photos(tmp_path):
    write_faces(tmp_path, ["a", "sub/b"])
    photos = tmp_path / "photos"
    for key in ("a", "sub/b"):
        directory = (photos / key).parent / "processed"
        directory.mkdir()
        name = pathlib.Path(key).name
        shutil.move(tmp_path / f"csv/{key}.csv", directory / f"{name}.csv")
        (directory / f"{name}_of_details.txt").write_text("Input:x\n")
        write_photo(directory / f"{name}.jpg", np.zeros((180, 160, 3), np.uint8))
        write_photo(directory / f"{name}_aligned/face_det_000000.bmp")
    output = preprocess(photos, photos, tmp_path / "out")
    by_key = kept(output)
    assert set(by_key) == {"a", "sub/b"}
    assert all(images.decode(record.image).mean() > 20 for record in by_key.values())
    assert set(rejected(output).values()) == {"drawing"} and len(rejected(output)) == 4


def test_a_directory_called_processed_may_hold_photos(tmp_path):
    write_faces(tmp_path, ["a", "processed/a", "processed/b"])
    output = preprocess(tmp_path / "photos", tmp_path / "csv", tmp_path / "out")
    assert set(kept(output)) == {"a", "processed/a", "processed/b"} and rejected(output) == {}


# 7. paths


@pytest.mark.parametrize(
    "spelling",
    [
        "photos/sub/x.jpg",
        "./photos/sub/x.jpg",
        "../d/photos/sub/x.jpg",
        "~/photos/sub/x.jpg",
        "~user/d/photos/sub/x.jpg",
        "sub/x.jpg",
        "./sub/x.jpg",
        "x.jpg",
        "./x.jpg",
        "{root}/photos/sub/x.jpg",
        "{root}/photos/../photos/sub/x.jpg",
        "/elsewhere/photos/sub/x.jpg",
        "/x.jpg",
        "C:\\data\\photos\\sub\\x.jpg",
        "photos\\sub\\x.jpg",
        "gs://bucket/photos/sub/x.jpg",
        "file:///data/photos/sub/x.jpg",
        "sub/x",
    ],
)
def test_spellings_of_a_path(tmp_path, spelling):
    write_photo(tmp_path / "photos/sub/x.jpg")
    write_photo(tmp_path / "photos/y.jpg")
    name = spelling.format(root=tmp_path)
    table = write_table(tmp_path / "fex.csv", [feat_row(name)])
    output = preprocess(tmp_path / "photos", table, tmp_path / "out")
    assert set(kept(output)) == {"sub/x"}


def test_the_longest_end_counts_and_doubt_is_refused():
    names = ImageNames(["x", "photos/x", "a/z", "b/z", "y"], "/data/photos")
    assert names.key("/other/photos/x.jpg", False) == "photos/x"
    assert names.key("/data/photos/x.jpg", False) == "x"
    assert names.key("photos/x.jpg", True) == "photos/x"
    assert names.key("photos/y.jpg", False) == "y"
    for name in ("photos/x.jpg", "z.jpg"):
        with pytest.raises(ValueError, match="could be") as caught:
            names.key(name, False)
        assert caught.value.code == "ambiguous_key"


@pytest.mark.parametrize(
    ("missing", "unused", "message"),
    [
        ("photos/IMG_1.JPG", "img_1.csv", None),
        ("IMG_1.JPG", "img_1.csv", "IMG_1.JPG has no annotation; img_1.csv differs by case"),
        ("e\u0301.jpg", "\u00e9.csv", "differs by the form of its accents"),
        ("a 1.jpg", "a_1.csv", "differs by blanks, dashes or underscores"),
        ("a1.jpg", "a001.csv", "differs by leading zeros"),
        ("day1/a.jpg", "a.csv", "a.csv differs by its directory"),
        ("a.jpg", "a.face.csv", "differs by a second suffix"),
        ("a.jpg", "b.csv", None),
    ],
)
def test_nearest_miss(missing, unused, message):
    hint = nearest_miss([missing], [unused])
    if missing == "photos/IMG_1.JPG":
        message = "photos/IMG_1.JPG has no annotation; img_1.csv differs by its directory and case"
    assert hint is None if message is None else message in hint


def test_the_nearest_miss_is_said(tmp_path, capsys):
    write_faces(tmp_path, ["IMG_1", "IMG_2"])
    for number in (1, 2):
        (tmp_path / f"csv/IMG_{number}.csv").rename(tmp_path / f"csv/img_{number}.csv")
    preprocess(tmp_path / "photos", tmp_path / "csv", tmp_path / "out", code=2)
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert "IMG_1.jpg has no annotation; img_1.csv differs by case" in line
    assert "FaceLandmarkImg" not in line  # that is what was done


# 8. Parquet


def test_parquet_columns_that_nobody_reads(tmp_path):
    write_photo(tmp_path / "photos/a.jpg")
    units = {"key": ["a"], "AU12": [0.25], **{name: [value] for name, value in BOX.items()}}
    odd = {
        "when": pyarrow.array([2**62], pyarrow.duration("s")),
        "vector": pyarrow.array([[1.0, 2.0]]),
        "a.b": pyarrow.array([{"c": 1}]),
        "raw": pyarrow.array([b"\xff"]),
    }
    (tmp_path / "t").mkdir()
    pyarrow.parquet.write_table(pyarrow.table(units | odd), tmp_path / "t/t.parquet")
    output = preprocess(tmp_path / "photos", tmp_path / "t", tmp_path / "out")
    assert kept(output)["a"].action_units.tolist() == [0.25]


# 10. FeatureExtraction on photos


@pytest.mark.parametrize("key", ["a", "anna/a"])
def test_feature_extraction_of_a_photo(tmp_path, capsys, key):
    write_photo(tmp_path / f"photos/{key}.png")
    path = tmp_path / f"csv/{key}.csv"
    path.parent.mkdir(parents=True)
    path.write_text(csv_text(frame_row(1), header=VIDEO_HEADER))
    output = preprocess(tmp_path / "photos", tmp_path / "csv", tmp_path / "out", code=2)
    lines = list(map(json.loads, (output / manifest.REJECTED).read_text().splitlines()))
    assert {line["code"] for line in lines} == {"not_per_image", "no_annotation"}
    error = capsys.readouterr().err.splitlines()[-1]
    assert f"FaceLandmarkImg -f {tmp_path}/photos/{key}.png" in error
    assert "FeatureExtraction -f" not in error


# 11. pyfaceau


def faceau_text(*rows: tuple[int, bool]) -> str:
    header = ["frame", "timestamp", "success", *[n for n in HEADER if n.endswith("_r")]]
    lines = [header]
    for frame, success in rows:
        units = ["0.5"] * 17 if success else [""] * 17
        lines.append([str(frame), "0.0", str(success), *units])
    return "".join(",".join(line) + "\n" for line in lines)


def test_pyfaceau_counts_from_0_and_needs_a_detector(tmp_path):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos/clip.mp4").write_bytes(b"")
    (tmp_path / "csv").mkdir()
    path = tmp_path / "csv/clip.csv"
    path.write_text(faceau_text((0, True), (1, False), (2, True)))
    reader = reader_of(tmp_path / "videos", tmp_path / "csv")
    assert reader.name == "pyfaceau"
    said = list(reader.images("clip", "clip.csv", str(path)))
    assert [image.frame for image in said] == [0, 1, 2]
    first, lost, _ = (image.faces[0] for image in said)
    assert (first.confidence, first.maximum, first.landmarks, first.box) == (1.0, 5.0, None, None)
    assert lost.code == "not_tracked"
    path.write_text(faceau_text((1, True), (2, True)))
    with pytest.raises(ValueError, match="counts frames from 0, this begins with another"):
        list(reader.images("clip", "clip.csv", str(path)))


def test_openface_3_is_refused_by_name(tmp_path, capsys):
    write_photo(tmp_path / "photos/a.jpg")
    header = "timestamp,image_path,face_id,face_detection,landmarks,emotion,gaze_yaw,gaze_pitch"
    (tmp_path / "csv").mkdir()
    text = f'{header},action_units\n2026,a.jpg,0,[1],,1,0,0,"[[0.1, 0.2]]"\n'
    (tmp_path / "csv/face_analysis_a.csv").write_text(text)
    preprocess(tmp_path / "photos", tmp_path / "csv", tmp_path / "out", code=2)
    (line,) = capsys.readouterr().err.splitlines()
    assert "these are files of OpenFace 3" in line and not (tmp_path / "out").exists()


# 12. no face in py-feat's words


@pytest.mark.parametrize("score", [0, "", "nan"])
def test_py_feat_without_a_face(tmp_path, score):
    for name in "ab":
        write_photo(tmp_path / f"photos/{name}.jpg")
    blank = dict.fromkeys(feat_row("b.jpg"), "") | {"input": "b.jpg", "FaceScore": score}
    table = write_table(tmp_path / "fex.csv", [feat_row("a.jpg"), blank])
    output = preprocess(tmp_path / "photos", table, tmp_path / "out")
    assert rejected(output) == {"b#0": "no_face"}


# 13. no split for evaluation


def test_inspect_without_an_evaluation_split(tmp_path, capsys):
    write_faces(tmp_path, ["a", "b"])
    output = preprocess(
        tmp_path / "photos", tmp_path / "csv", tmp_path / "out", "--eval-fraction", "0"
    )
    assert cli.main(["inspect", str(output)]) == 0
    assert "sound" in capsys.readouterr().out


# 14. terminals


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_names_that_the_terminal_lacks(tmp_path, encoding):
    write_faces(tmp_path, ["\u0444\u0430\u0439\u043b"])
    arguments = ["--images", "photos", "--annotations", "csv", "--image-size", "32"]
    for more, code in (["--output", "\u0434"], 0), (["--output", "o", "--detector", "\u0434"], 2):
        done = subprocess.run(
            [sys.executable, "-m", "ganimation_tf", "preprocess", *arguments, *more],
            cwd=tmp_path,
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
        )
        assert done.returncode == code, done.stderr
        assert b"\\u0434" in done.stdout + done.stderr and b"Traceback" not in done.stderr


# 15. long fields


def test_a_field_as_long_as_a_line_may_be(tmp_path):
    write_photo(tmp_path / "photos/a.jpg")
    note = {"note": "x" * 200_000}
    table = write_table(tmp_path / "t.csv", [{"key": "a", "AU12": 1} | BOX | note])
    assert set(kept(preprocess(tmp_path / "photos", table, tmp_path / "out"))) == {"a"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("key,AU12\na,1\n".encode("utf-16"), "t.csv is UTF-16 text; save it as UTF-8"),
        ("key,AU12\na,1\n".encode("utf-16-le"), "t.csv holds NUL bytes: UTF-16"),
        ("clé,key,AU12\nx,a,1\n".encode("latin-1"), "t.csv is not UTF-8 text (byte 0xe9 at 2)"),
    ],
)
def test_what_is_wrong_with_a_text_is_said(tmp_path, capsys, content, message):
    write_photo(tmp_path / "photos/a.jpg")
    (tmp_path / "t.csv").write_bytes(content)
    preprocess(tmp_path / "photos", tmp_path / "t.csv", tmp_path / "out", code=2)
    assert message in capsys.readouterr().err


def test_a_subject_pattern_that_matches_nothing(tmp_path, capsys):
    write_faces(tmp_path, ["a_1", "a_2"])
    inputs = tmp_path / "photos", tmp_path / "csv"
    preprocess(*inputs, tmp_path / "1", "--subject-pattern", r"^(\d+)-")
    assert "matches none of the 2 images, such as 'a_1'" in capsys.readouterr().out
    preprocess(*inputs, tmp_path / "2", "--subject-pattern", r"^(\w)_")
    assert "matches none" not in capsys.readouterr().out
