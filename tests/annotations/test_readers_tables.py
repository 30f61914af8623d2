"""Annotations of many images in one file: py-feat and plain tables; and LibreFace's."""

import csv
import pathlib

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from ganimation_tf.annotations import csv_text, spellings
from ganimation_tf.annotations.names import ImageNames
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.data import manifest
from jobs import contents, faces_in, kept, preprocess, reader_of, rejected, split_of
from openface_files import landmarks, write_photo

POINTS = landmarks()
LANDMARKS = {f"{axis}_{i}": p[k] for k, axis in enumerate("xy") for i, p in enumerate(POINTS)}

PY_FEAT = [1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43]
LIBREFACE = [1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26]


def write_csv(path: pathlib.Path, rows: list[dict]) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def feat_row(image, frame=0, score=0.99, **values):
    """A row as `Fex.to_csv` writes it (feat/tests/data/001.csv of py-feat)."""
    box = {"FaceRectX": 40, "FaceRectY": 40, "FaceRectWidth": 80, "FaceRectHeight": 90}
    units = {f"AU{n:02}": n / 100 for n in PY_FEAT}
    pose = {"Pitch": -3.5, "Roll": -3.4, "Yaw": 1.4}
    emotions = dict.fromkeys(("anger", "disgust", "neutral"), 0.1)
    row = box | {"FaceScore": score} | LANDMARKS | pose | units | emotions
    return row | {"input": str(image), "frame": frame} | values


def empty_row(image):
    row = dict.fromkeys(feat_row(image), "")
    return row | {"input": str(image), "frame": 0}


def table_row(key, **values):
    return {"key": key, "AU06": 0.25, "AU12": 0.5} | LANDMARKS | values


def photos(root, *names):
    for name in names:
        write_photo(root / "photos" / name)
    return root / "photos"


def test_py_feat(tmp_path):
    images = photos(tmp_path, "a/1.jpg", "a/2.png", "3.jpg", "4.jpg", "5.jpg")
    table = write_csv(
        tmp_path / "fex.csv",
        [
            feat_row(images / "a/1.jpg"),
            feat_row("a/2.png", 1, AU12=1.5),
            feat_row("3.jpg", 2),
            empty_row("4.jpg"),
            feat_row("3.jpg", 2, score=0.4),
            feat_row("/elsewhere/6.jpg", 5),
            feat_row("", 5),
            feat_row("3.jpg", 2, AU12=""),
        ],
    )
    output = preprocess(images, table, tmp_path / "out")
    made = manifest.Manifest.load(output)
    assert made.action_units == tuple(f"AU{n:02}" for n in PY_FEAT)
    assert made.action_units_maximum == 1.0 and made.clipped == {"AU12": 1}
    assert made.options["reader"] == "py-feat"
    by_key = kept(output)
    assert set(by_key) == {"a/1", "a/2", "3"}
    expected = np.array([n / 100 for n in PY_FEAT], np.float32)
    np.testing.assert_array_equal(by_key["a/1"].action_units, expected)
    assert by_key["3"].confidence == pytest.approx(0.99)
    assert rejected(output) == {
        "4#0": "no_face",
        "3#1": "low_confidence",
        "3#2": "bad_value",
        "6": "no_image",
        "5": "no_annotation",
        "fex.csv:8": "no_key",
    }


def test_py_feat_of_a_video_counts_frames_from_0(tmp_path):
    for number in (1, 2):
        write_photo(tmp_path / f"frames/clip/{number:04}.jpg")
    rows = [feat_row("clip.mp4", frame) for frame in (0, 1, 2)]
    table = write_csv(tmp_path / "fex/clip.csv", rows)
    output = preprocess(tmp_path / "frames", table, tmp_path / "out")
    assert {key: r.subject for key, r in kept(output).items()} == {
        "clip/000000": "clip",
        "clip/000001": "clip",
    }
    assert rejected(output) == {"clip/000002": "no_image"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/data/photos/a/1.jpg", "a/1.jpg"),
        ("a/1.jpg", "a/1.jpg"),
        ("./a/../1.jpg", "1.jpg"),
        ("/other/a/1.jpg", "1.jpg"),
        ("C:\\pictures\\a\\1.jpg", "1.jpg"),
        ("gs://bucket/a/1.jpg", "1.jpg"),
    ],
)
def test_names_relative_to_the_images(name, expected):
    assert f"{ImageNames((), '/data/photos').key(name, False)}.jpg" == expected


def test_libreface(tmp_path):
    """One file for each image; no geometry in it that could be used."""
    images = photos(tmp_path, "a.jpg", "b.jpg")
    units = {f"au_{n}_intensity": n / 10 for n in LIBREFACE}
    occurrences = {f"au_{n}": 1 for n in (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)}
    row = {"facial_expression": "Happiness", "pitch": -700.0, "lm_mp_0_x": 0.5}
    write_csv(tmp_path / "csv/a.csv", [row | occurrences | units])
    reader = reader_of(images, tmp_path / "csv")
    assert reader.name == "libreface" and reader.maximum == 5.0
    assert reader.action_units == tuple(f"AU{n:02}" for n in LIBREFACE)
    (face,) = faces_in(reader, "a", "a.csv", str(tmp_path / "csv/a.csv"))
    np.testing.assert_allclose(face.intensities, [n / 10 for n in LIBREFACE])
    assert (face.landmarks, face.box, face.pose, face.confidence) == (None, None, None, 1.0)
    output = preprocess(images, tmp_path / "csv", tmp_path / "out", code=2)
    assert rejected(output) == {"a": "no_landmarks", "b": "no_annotation"}


def test_libreface_of_a_video(tmp_path):
    units = {f"au_{n}_intensity": 1 for n in LIBREFACE}
    rows = [{"frame_idx": n, "frame_time_in_ms": 40 * n} | units for n in (0, 1)]
    write_csv(tmp_path / "csv/clip.csv", rows)
    (tmp_path / "clip.mp4").write_bytes(b"")
    reader = reader_of(tmp_path / "clip.mp4", tmp_path / "csv")
    assert reader.name == "libreface-video"
    actual = list(reader.images("clip", "clip.csv", str(tmp_path / "csv/clip.csv")))
    assert [(index, key) for index, key, _ in actual] == [(0, "clip/000000"), (1, "clip/000001")]


def test_plain_table(tmp_path):
    images = photos(tmp_path, "a.jpg", "b.v2.jpg", "c.jpg")
    box = {"left": 30, "top": 50, "width": 100, "height": 110}
    table = write_csv(
        tmp_path / "faces.csv",
        [table_row("a.jpg", **box, subject="anna", confidence=0.9, pitch=1, yaw=2, roll=3)]
        + [table_row("b.v2", **box, subject="bo", confidence=0.95, pitch=1, yaw=2, roll=3)],
    )
    output = preprocess(images, table, tmp_path / "out", "--action-units-maximum", "2")
    made = manifest.Manifest.load(output)
    assert (made.action_units, made.action_units_maximum) == (("AU06", "AU12"), 2.0)
    by_key = kept(output)
    assert {key: record.subject for key, record in by_key.items()} == {"a": "anna", "b.v2": "bo"}
    np.testing.assert_array_equal(by_key["a"].action_units, np.float32([0.125, 0.25]))
    assert by_key["a"].confidence == pytest.approx(0.9)
    assert rejected(output) == {"c": "no_annotation"}
    reader = reader_of(images, table)
    (first, _) = reader.index(str(table), "faces.csv")
    (face,) = faces_in(reader, "a", "faces.csv", first.reference)
    np.testing.assert_array_equal(face.box, [30, 50, 100, 110])
    np.testing.assert_array_equal(face.pose, [1, 2, 3])


def test_a_table_s_columns_may_be_written_in_capitals(tmp_path):
    """A row whose `Success` is 0 would else be a label, and people on both sides of the split."""
    images = photos(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    box = {"Left": 30, "Top": 50, "Width": 100, "Height": 110}
    sure = {"Confidence": 0.9, "Success": 1, "Subject": "anna"}
    rows = [
        {"Image Name": key, "AU6": 0.25, "Au12": 0.5, **box, **sure, **other}
        for key, other in (("a", {}), ("b", {"Success": 0}), ("c", {"Confidence": 0.1}))
    ]
    output = preprocess(images, write_csv(tmp_path / "faces.csv", rows), tmp_path / "out")
    (record,) = kept(output).values()
    assert (record.key, record.subject) == ("a", "anna")
    np.testing.assert_array_equal(record.action_units, np.float32([0.25, 0.5]))
    assert rejected(output) == {"b#0": "not_tracked", "c#0": "low_confidence"}


@pytest.mark.parametrize("name", ["image name", "Image-Name", "IMAGE.NAME", "File Path"])
def test_what_separates_the_words_of_a_column_does_not_count(name):
    assert spellings.image_column(("", "Unnamed: 0", name, "AU12")) == name


@pytest.mark.parametrize("line", ["sep=;", "SEP=,", '"sep=;"', "sep=\t"])
def test_the_line_that_tells_excel_the_separator_is_no_header(tmp_path, line):
    path = tmp_path / "a.csv"
    path.write_text(f"{line}\nkey;AU12\na;0,5\n")
    rows = [row for row in csv_text.csv_rows(str(path)) if row]
    assert rows == [["key", "AU12"], ["a", "0,5"]]


def test_selected_action_units_in_their_order(tmp_path):
    images = photos(tmp_path, "a.jpg")
    table = write_csv(tmp_path / "faces.csv", [table_row("a")])
    output = preprocess(images, table, tmp_path / "out", "--action-units", "AU12, AU06")
    assert manifest.Manifest.load(output).action_units == ("AU12", "AU06")
    np.testing.assert_array_equal(kept(output)["a"].action_units, np.float32([0.5, 0.25]))


def people(root):
    """12 photos of 6 people; the photos' names do not say whose they are."""
    names = [f"{i:02}" for i in range(12)]
    rows = [table_row(name, subject=f"person{int(name) % 6}") for name in names]
    return photos(root, *(f"{name}.jpg" for name in names)), rows


def test_subjects_of_a_table_stay_on_one_side(tmp_path):
    images, rows = people(tmp_path)
    table = write_csv(tmp_path / "faces.csv", rows)
    more = ["--eval-fraction", "0.5", "--shards", "3"]
    output = preprocess(images, table, tmp_path / "out", *more)
    splits = split_of(output)
    assert len(splits) == 12 and set(splits.values()) == {"train", "eval"}
    assert all(splits[f"{i:02}"] == splits[f"{i + 6:02}"] for i in range(6))
    again = preprocess(images, table, tmp_path / "again", *more, "--workers", "2")
    assert contents(again) == contents(output)


def test_parquet_gives_the_records_of_the_same_csv(tmp_path):
    images, rows = people(tmp_path)
    rows[3]["AU12"], rows[4]["AU06"] = 0.1 + 0.2, None
    write_csv(tmp_path / "csv/faces.csv", rows)
    (tmp_path / "parquet").mkdir()
    table = pyarrow.Table.from_pylist(rows)
    pyarrow.parquet.write_table(table, tmp_path / "parquet/faces.parquet", row_group_size=5)
    first = preprocess(images, tmp_path / "csv", tmp_path / "1")
    second = preprocess(images, tmp_path / "parquet", tmp_path / "2")
    assert kept(first).keys() == kept(second).keys() and len(kept(first)) == 11
    assert rejected(first) == rejected(second) == {"04#0": "bad_value"}
    for shards in manifest.Manifest.load(first).splits.values():
        for shard in shards:
            assert (first / shard.file).read_bytes() == (second / shard.file).read_bytes()


def test_rows_of_one_image_that_are_apart(tmp_path):
    """Order and ids of faces follow the rows, however they travel."""
    images = photos(tmp_path, "a.jpg", "b.jpg")
    rows = [table_row("a", AU12=0.1), table_row("b"), table_row("a", AU12=0.2)]
    rows[2]["x_0"] = 1  # or it would be the same face
    table = write_csv(tmp_path / "faces.csv", rows)
    output = preprocess(images, table, tmp_path / "out", "--faces", "all")
    actual = {key: record.action_units[1] for key, record in kept(output).items()}
    assert actual == {"a#0": np.float32(0.1), "b": np.float32(0.5), "a#1": np.float32(0.2)}


def test_many_rows_of_one_image(tmp_path):
    table = write_csv(tmp_path / "faces.csv", [table_row("a", face=i) for i in range(600)])
    reader = reader_of(photos(tmp_path, "a.jpg"), table)
    parts = list(reader.index(str(table), "faces.csv"))
    assert [part.key for part in parts] == ["a"] * 3  # handed over in bounded parts
    joined = [item for part in reversed(parts) for item in part.reference]
    faces = faces_in(reader, "a", "faces.csv", joined)
    assert [face.face for face in faces] == [str(i) for i in range(600)]


def test_two_tables_for_one_image(tmp_path):
    images = photos(tmp_path, "a.jpg", "b.jpg")
    for name in "12":
        write_csv(tmp_path / f"csv/{name}.csv", [table_row("a"), table_row(f"b{name}")])
    write_csv(tmp_path / "csv/3.csv", [table_row("b")])
    output = preprocess(images, tmp_path / "csv", tmp_path / "out")
    assert set(kept(output)) == {"b"}
    lines = (output / manifest.REJECTED).read_text().splitlines()
    assert sum("ambiguous_key" in line for line in lines) == 3  # both tables and the photo
    assert sum("no_image" in line for line in lines) == 2


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        (b"key,AU12\n", ["no_face"]),
        (b"key,AU12\na,1\na,2,3\n", [None, "bad_row"]),
        (b"key,AU12\na,1\n\xff,2\n", ["bad_annotation"]),
        (b'key,AU12\na,1\n"b', [None, "bad_annotation"]),
        (b"key,AU12\na,1\n" + b"x" * (2 << 20), [None, "bad_annotation"]),
        (b"key,AU12\n,1\n", ["no_key"]),
        (b"key,AU12,AU12\na,1,1\n", ["duplicate_column"]),
        (b"key,AU06\na,1\n", ["missing_column"]),
        (b"", ["empty_annotation"]),
        (b"\n\n", ["empty_annotation"]),
        (b"PAR1\0\0\0\0PAR1", ["bad_annotation"]),
    ],
)
def test_bad_tables(tmp_path, content, codes):
    """What is left after damage is read; what is damaged is named once."""
    good = write_csv(tmp_path / "good.csv", [{"key": "z", "AU12": 1}])
    reader = reader_of(photos(tmp_path, "a.jpg"), good)
    path = tmp_path / ("bad.parquet" if content[:4] == b"PAR1" else "bad.csv")
    path.write_bytes(content)
    actual = []
    for item in reader.index(str(path), path.name):
        if isinstance(item, Rejection):
            actual.append((10**9, item.code))
        else:
            faces = faces_in(reader, item.key, path.name, item.reference)
            actual += [(0, getattr(face, "code", None)) for face in faces]
    assert [code for _, code in sorted(actual, key=lambda pair: pair[0])] == codes


@pytest.mark.slow
def test_memory_does_not_grow_with_the_table(tmp_path):
    import tracemalloc

    small = write_csv(tmp_path / "0.csv", [{"key": "a", "AU12": 1}])
    large = tmp_path / "1.csv"
    with large.open("w") as file:
        file.write("key,AU12\n")
        file.writelines(f"image{i},0.5\n" for i in range(100_000))
    reader = reader_of(photos(tmp_path, "a.jpg"), small)
    tracemalloc.start()
    assert sum(1 for _ in reader.index(str(large), "1.csv")) == 100_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20
