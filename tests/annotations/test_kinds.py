"""More inputs of the kinds in `test_cases`, as users have them."""

import csv
import io
import pathlib
import unicodedata

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from ganimation_tf.annotations import camera
from ganimation_tf.annotations.names import ImageNames, nearest_miss
from ganimation_tf.annotations.photo import face_in
from ganimation_tf.data import manifest
from ganimation_tf.errors import UserError
from jobs import kept, preprocess, rejected
from openface_files import HEADER, csv_text, landmarks, row, write_faces, write_photo
from openface_videos import VIDEO_HEADER, frame_row, write_video

BOX = {"left": 30, "top": 50, "width": 100, "height": 110}


def text_of(rows: list[dict], separator: str = ",") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def of_table(root: pathlib.Path, rows: list[dict], *more: str, separator=",", code=0):
    """The output of a job over a table; each image that it names exists."""
    column = next(iter(rows[0]))
    for one in rows:
        write_photo(root / "photos" / f"{one[column]}.jpg")
    (root / "t.csv").write_text(text_of(rows, separator), encoding="utf-8")
    return preprocess(root / "photos", root / "t.csv", root / "out", *more, code=code)


def unit(output: pathlib.Path, key: str = "a") -> list[float]:
    return kept(output)[key].action_units.tolist()


# The text of tables


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_and_decimal_commas(tmp_path, separator):
    rows = [{"key": "a", "AU06": "0,25", "AU12": "1,0"} | BOX | {"left": "30,5"}]
    assert unit(of_table(tmp_path, rows, separator=separator)) == [0.25, 1.0]


def test_a_decimal_comma_between_commas_is_quoted(tmp_path):
    assert unit(of_table(tmp_path, [{"key": "a", "AU12": "0,75"} | BOX])) == [0.75]


def test_a_frame_of_1000_is_not_taken_for_the_first(tmp_path):
    write_video(tmp_path / "videos/clip.avi", 2)
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv/clip.csv").write_text(text_of([frame_row(1), frame_row("1,000")]))
    output = preprocess(tmp_path / "videos", tmp_path / "csv", tmp_path / "out")
    assert list(kept(output)) == ["clip/000001"] and list(rejected(output)) == ["clip:3"]


@pytest.mark.parametrize("source", ["openface", "py-feat"])
def test_parquet_of_every_annotator(tmp_path, source):
    write_photo(tmp_path / "photos/a.jpg")
    if source == "openface":
        fields = {name: float(value) for name, value in row(AU12_r=2.5).items()}
    else:
        names = ["FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight"]
        boxes = dict(zip(names, BOX.values(), strict=True))
        fields = {"input": "a.jpg", "AU12": 0.5, "FaceScore": 0.9} | boxes
    columns = {name: [value] for name, value in fields.items()}
    (tmp_path / "tables").mkdir()
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "tables/a.parquet")
    output = preprocess(tmp_path / "photos", tmp_path / "tables", tmp_path / "out")
    made = manifest.Manifest.load(output)
    assert made.options["reader"] == source
    assert kept(output)["a"].action_units[made.action_units.index("AU12")] == 0.5


# Columns


@pytest.mark.parametrize("column", ["Key", "image", "filename", "File_Path", "IMG"])
def test_names_of_the_column_of_images(tmp_path, column):
    assert unit(of_table(tmp_path, [{column: "a", "AU12": 0.5} | BOX])) == [0.5]


@pytest.mark.parametrize("name", ["FAU12", "Action Unit 12", "action_unit_12"])
def test_more_names_of_action_units(tmp_path, name):
    output = of_table(tmp_path, [{"key": "a", name: 0.5} | BOX])
    assert manifest.Manifest.load(output).action_units == ("AU12",)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["key", "AU06_c", "AU12_c"], "AU06_c, AU12_c say whether an AU is there"),
        (["key", "AU12L", "pred_AU06"], "AU12L, pred_AU06 are no intensities that are known"),
        (["AU06", "AU12"], "a table names its images in a column `key`"),
        (["key", "12"], "AUs are called AU12 in a table"),
    ],
)
def test_advice_where_no_column_is_known(tmp_path, capsys, columns, message):
    write_photo(tmp_path / "photos/a.jpg")
    (tmp_path / "t.csv").write_text(text_of([dict.fromkeys(columns, 1)]))
    preprocess(tmp_path / "photos", tmp_path / "t.csv", tmp_path / "out", code=2)
    assert message in capsys.readouterr().err


def test_a_column_that_looks_like_an_action_unit_is_named(tmp_path, capsys):
    of_table(tmp_path, [{"key": "a", "AU12": 0.5, "pred_AU06": 1, "tau_1": 2} | BOX])
    assert "1 columns of t.csv look like AUs and are not read: pred_AU06" in capsys.readouterr().out


def test_rows_of_openface_in_one_table_keep_its_scale(tmp_path, capsys):
    rows = [{"filename": name} | row(AU12_r=value) for name, value in (("a", 2.5), ("b", 0.5))]
    output = of_table(tmp_path, rows)
    made = manifest.Manifest.load(output)
    assert (made.options["reader"], made.action_units_maximum) == ("table", 5.0)
    actual = [kept(output)[key].action_units[8] for key in "ab"]
    assert actual == [0.5, np.float32(0.1)]
    assert "AU12_r reaches 2.5: the scale is taken for OpenFace's" in capsys.readouterr().out
    face = face_in(tmp_path / "t.csv", tmp_path / "photos/a.jpg")
    assert face.maximum == 5.0


@pytest.mark.parametrize("value", [3, 45])
def test_a_scale_that_is_not_that_of_tables_is_asked_for(tmp_path, capsys, value):
    rows = [{"key": "a", "AU12": value} | BOX]
    of_table(tmp_path, rows, code=2)
    (line,) = capsys.readouterr().err.splitlines()
    assert f"t.csv row 2: AU12 is {value}, above 1; --action-units-maximum" in line
    assert unit(of_table(tmp_path, rows, "--action-units-maximum", "60")) == [
        np.float32(value / 60)
    ]


@pytest.mark.parametrize("value", [-1, 9, 999])
def test_what_stands_for_no_intensity_is_none(tmp_path, value):
    rows = [{"key": "a", "AU12": 5} | BOX, {"key": "b", "AU12": value} | BOX]
    output = of_table(tmp_path, rows, "--action-units-maximum", "5")
    assert list(kept(output)) == ["a"] and rejected(output) == {"b#0": "bad_value"}


def test_a_table_may_say_that_the_face_was_lost(tmp_path):
    rows = [
        {"key": "a", "AU12": 1, "success": 1} | BOX,
        {"key": "b", "AU12": 0, "success": 0} | BOX,
    ]
    output = of_table(tmp_path, rows)
    assert list(kept(output)) == ["a"] and rejected(output) == {"b#0": "not_tracked"}


# Rows


def test_a_row_that_is_there_twice(tmp_path):
    rows = [{"key": "a", "AU12": 1} | BOX, {"key": "a", "AU12": 1} | BOX]
    output = of_table(tmp_path, rows)
    assert unit(output) == [1.0] and rejected(output) == {"a#1": "duplicate_face"}


def test_rows_that_contradict(tmp_path):
    rows = [{"key": key, "AU12": value} | BOX for key, value in (("a", 1), ("a", 0), ("b", 1))]
    output = of_table(tmp_path, rows)
    assert list(kept(output)) == ["b"]
    assert rejected(output) == {"a#0": "duplicate_face", "a#1": "duplicate_face"}


def test_fractions_are_no_pixels(tmp_path, capsys):
    box = {"left": 0.2, "top": 0.3, "width": 0.5, "height": 0.5}
    of_table(tmp_path, [{"key": "a", "AU12": 1} | box], code=2)
    assert "fractions of the picture are no pixels" in capsys.readouterr().err


# Names


@pytest.mark.parametrize(
    "name", ["a%20b.jpg", "file:///C:/My%20Photos/a%20b.jpg", "http://x.org/photos/a%20b.jpg"]
)
def test_names_as_urls(name):
    assert ImageNames(["a b"]).key(name, True) == "a b"


def test_a_percent_sign_is_first_taken_for_itself():
    assert ImageNames(["100%41", "100A"]).key("100%41.jpg", True) == "100%41"


def test_accents_may_be_apart_or_not(tmp_path):
    composed = unicodedata.normalize("NFC", "zoé")
    write_photo(tmp_path / "photos" / f"{unicodedata.normalize('NFD', composed)}.jpg")
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / f"{composed}.csv").write_text(csv_text(row()))
    output = preprocess(tmp_path / "photos", tmp_path / "csv", tmp_path / "out")
    assert list(kept(output)) == [composed] and rejected(output) == {}


def test_quotation_marks_are_the_nearest_miss():
    assert nearest_miss(["a.jpg"], ["'a.jpg'"]) == (
        "a.jpg has no annotation; 'a.jpg' differs by quotation marks"
    )
    assert nearest_miss(["a.jpg"], ["a.jpg.csv"]).endswith("differs by a second suffix")


def test_what_macos_leaves_beside_files(tmp_path):
    write_faces(tmp_path, ["a", "b"])
    for name in ("photos/._a.jpg", "csv/._a.csv", "photos/._c.jpg"):
        (tmp_path / name).write_bytes(b"\0\5\x16\7" + bytes(4092))
    output = preprocess(tmp_path / "photos", tmp_path / "csv", tmp_path / "out")
    assert set(kept(output)) == {"a", "b"}
    lines = (output / manifest.REJECTED).read_text().splitlines()
    assert len(lines) == 3 and all('"code": "sidecar"' in line for line in lines)


def test_what_macos_leaves_is_no_frame(tmp_path):
    for number in (1, 2):
        write_photo(tmp_path / f"frames/clip/{number:06}.png")
        (tmp_path / f"frames/clip/._{number:06}.png").write_bytes(b"\0\5\x16\7")
    (tmp_path / "csv").mkdir()
    text = csv_text(*map(frame_row, (1, 2)), header=VIDEO_HEADER)
    (tmp_path / "csv/clip.csv").write_text(text)
    output = preprocess(tmp_path / "frames", tmp_path / "csv", tmp_path / "out")
    assert list(kept(output)) == ["clip/000001", "clip/000002"]


def test_where_nothing_is_usable_the_first_is_named(tmp_path, capsys):
    write_photo(tmp_path / "photos/a/face.jpg")
    write_photo(tmp_path / "photos/b/face.jpg")
    rows = [{"key": "face", "AU12": 1} | BOX]
    (tmp_path / "t.csv").write_text(text_of(rows))
    preprocess(tmp_path / "photos", tmp_path / "t.csv", tmp_path / "out", code=2)
    error = capsys.readouterr().err
    assert "the first: t.csv:2: face could be a/face or b/face" in error


# The size that OpenFace's picture had


def position_in(size: tuple[int, int], focal: float, points: np.ndarray) -> np.ndarray:
    """Where a head is that is seen at the middle of the points, through a pinhole."""
    middle = points.mean(axis=0) - np.array(size) / 2
    return np.array([*(middle * 600 / focal), 600])


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (160, 180), (4000, 3000)])
def test_the_size_follows_from_landmarks_and_position(size):
    focal = (500 * size[0] / 640 + 500 * size[1] / 480) / 2
    points = landmarks() - landmarks().mean(axis=0) + [0.55 * size[0], 0.42 * size[1]]
    position = position_in(size, focal, points)
    np.testing.assert_allclose(camera.frame_size(points, position), size)
    assert camera.fits(points, position, size)
    for scale in (0.5, 0.8, 1.25, 2):
        width, height = (round(scale * side) for side in size)
        assert not camera.fits(points, position, (width, height))


@pytest.mark.parametrize("factor", [0.6, 1.4, 2.5])
def test_a_calibrated_camera_fits(factor):
    focal = factor * (500 * 640 / 640 + 500 * 480 / 480) / 2
    position = position_in((640, 480), focal, landmarks())
    assert camera.fits(landmarks(), position, (640, 480))


def test_a_position_that_is_none_fits():
    assert camera.fits(landmarks(), np.zeros(3), (640, 480))


@pytest.mark.parametrize(
    ("shown", "exif", "code"),
    [
        ((160, 180), 1, None),
        ((320, 360), 1, "wrong_size"),
        ((130, 180), 1, "wrong_size"),
        ((300, 400), 6, None),
        ((180, 260), 6, "wrong_orientation"),
    ],
)
def test_pictures_that_were_resized_after_openface(tmp_path, shown, exif, code):
    width, height = {"wrong_size": (160, 180), "wrong_orientation": shown[::-1]}.get(code, shown)
    focal = (500 * width / 640 + 500 * height / 480) / 2
    x, y, z = position_in((width, height), focal, landmarks())
    tags = Image.Exif()
    tags[0x0112] = exif
    stored = shown[::-1] if exif > 4 else shown
    (tmp_path / "photos").mkdir()
    Image.new("RGB", stored, "gray").save(tmp_path / "photos/a.png", exif=tags)
    (tmp_path / "csv").mkdir()
    header = [*HEADER, "pose_Tx", "pose_Ty", "pose_Tz"]
    text = csv_text(row(pose_Tx=x, pose_Ty=y, pose_Tz=z), header=header)
    (tmp_path / "csv/a.csv").write_text(text)
    inputs = tmp_path / "photos", tmp_path / "csv", tmp_path / "out"
    output = preprocess(*inputs, code=2 if code else 0)
    assert rejected(output) == ({"a": code} if code else {})
    if code:
        with pytest.raises(UserError, match=f"was measured on about {width} x {height} "):
            face_in(tmp_path / "csv/a.csv", tmp_path / "photos/a.png")


def test_of_frames_in_files_openface_knows_the_first_one_only(tmp_path):
    """Its position is not looked at there: the pictures of a directory may differ in size."""
    position = position_in((640, 480), 500, landmarks())
    told = dict(zip(("pose_Tx", "pose_Ty", "pose_Tz"), map(str, position), strict=True))
    rows = [frame_row(n) | told for n in (1, 2)]
    for number in (1, 2):
        write_photo(tmp_path / f"frames/clip/{number}.png")
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv/clip.csv").write_text(csv_text(*rows, header=[*VIDEO_HEADER, *told]))
    output = preprocess(tmp_path / "frames", tmp_path / "csv", tmp_path / "out")
    assert len(kept(output)) == 2


# Videos


@pytest.mark.parametrize(
    ("frames", "annotated", "kept_frames"), [(8, 8, 8), (8, 9, 8), (8, 12, 0), (12, 8, 8)]
)
def test_an_annotation_of_a_longer_video_is_of_another(tmp_path, frames, annotated, kept_frames):
    for name in ("clip", "other"):
        write_video(tmp_path / f"videos/{name}.avi", frames if name == "clip" else 1)
    (tmp_path / "csv").mkdir()
    for name, count in (("clip", annotated), ("other", 1)):
        text = csv_text(*map(frame_row, range(1, count + 1)), header=VIDEO_HEADER)
        (tmp_path / f"csv/{name}.csv").write_text(text)
    output = preprocess(tmp_path / "videos", tmp_path / "csv", tmp_path / "out")
    assert sum(key.startswith("clip/") for key in kept(output)) == kept_frames
    expected = {8: {}, 9: {"clip/000009": "no_frame"}, 12: {"clip": "unknown_order"}}[annotated]
    assert rejected(output) == expected


@pytest.mark.parametrize(
    ("seconds", "frames", "code"), [(0.1, 20, None), (0.2, 20, "unknown_order"), (0.2, 10, None)]
)
def test_an_annotation_of_a_slower_video_is_of_another(tmp_path, seconds, frames, code):
    """Ten frames are annotated; `write_video` shows ten a second."""
    write_video(tmp_path / "videos/clip.avi", frames)
    (tmp_path / "csv").mkdir()
    rows = [frame_row(n) | {"timestamp": f"{seconds * (n - 1):.3f}"} for n in range(1, 11)]
    (tmp_path / "csv/clip.csv").write_text(csv_text(*rows, header=VIDEO_HEADER))
    inputs = tmp_path / "videos", tmp_path / "csv", tmp_path / "out"
    output = preprocess(*inputs, code=2 if code else 0)
    assert rejected(output) == ({"clip": code} if code else {})


@pytest.mark.parametrize("form", ["video", "images"])
def test_openface_rows_that_count_from_0_are_refused(tmp_path, form):
    """OpenFace counts from 1: who changed that may have changed what each number means."""
    if form == "video":
        write_video(tmp_path / "in/clip.avi", 4)
    else:
        for number in range(1, 5):
            write_photo(tmp_path / f"in/clip/{number}.png")
    (tmp_path / "csv").mkdir()
    text = csv_text(*map(frame_row, range(4)), header=VIDEO_HEADER)
    (tmp_path / "csv/clip.csv").write_text(text)
    output = preprocess(tmp_path / "in", tmp_path / "csv", tmp_path / "out", code=2)
    assert rejected(output)["clip"] == "unknown_order"


def test_frames_that_openface_does_not_take(tmp_path, capsys):
    """It takes names in lower case only: the video was annotated, and the names carry numbers."""
    for number in range(1, 4):
        write_photo(tmp_path / f"in/clip/{number}.PNG")
    (tmp_path / "csv").mkdir()
    text = csv_text(*map(frame_row, range(1, 4)), header=VIDEO_HEADER)
    (tmp_path / "csv/clip.csv").write_text(text)
    inputs = tmp_path / "in", tmp_path / "csv"
    assert rejected(preprocess(*inputs, tmp_path / "1", code=2))["clip"] == "unknown_order"
    assert "in lower case, as FeatureExtraction -fdir takes them" in capsys.readouterr().err
    assert len(kept(preprocess(*inputs, tmp_path / "2", "--first-frame", "1"))) == 3


def test_action_units_are_asked_for_however_spelt(tmp_path):
    write_faces(tmp_path, ["a"])
    inputs = tmp_path / "photos", tmp_path / "csv", tmp_path / "out"
    output = preprocess(*inputs, "--action-units", "au12,AU6")
    assert manifest.Manifest.load(output).action_units == ("AU12", "AU06")
