"""`ganimation inspect` on a sound dataset and on damaged copies of it."""

import hashlib
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from ganimation_tf import cli
from ganimation_tf.data import manifest, records, tfrecord
from ganimation_tf.data.inspection import check_record
from ganimation_tf.faces import images
from openface_files import csv_text, row, write_faces

SHARD = "train-00000-of-00002.tfrecord"


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    root = tmp_path_factory.mktemp("sound")
    write_faces(root, [f"person{i // 4}/{i}" for i in range(24)])
    (root / "csv/person0/0.csv").write_text(csv_text(row(confidence=0.1)))
    arguments = ["--images", f"{root}/photos", "--annotations", f"{root}/csv"]
    shape = ["--image-size", "32", "--shards", "2", "--eval-fraction", "0.3"]
    people = ["--subject-pattern", r"(person\d+)/", "--output", f"{root}/dataset"]
    assert cli.main(["preprocess", *arguments, *shape, *people]) == 0
    return root / "dataset"


@pytest.fixture
def dataset(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "dataset")


def problems(dataset, capsys, code=1):
    assert cli.main(["inspect", str(dataset)]) == code
    lines = capsys.readouterr().out.splitlines()
    return [line.removeprefix("problem    ") for line in lines if line.startswith("problem")]


def rewrite(dataset, change):
    """Puts changed records into the first shard, with a digest and count that fit."""
    path = dataset / SHARD
    with open(path, "rb") as file:
        before = list(tfrecord.read(file))
    with open(path, "wb") as file:
        for data in change(before):
            tfrecord.write(file, data)
    made = json.loads((dataset / manifest.FILE).read_text())
    (shard,) = (shard for shard in made["splits"]["train"] if shard["file"] == SHARD)
    shard["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (dataset / manifest.FILE).write_text(json.dumps(made))


def edited(data, name, kind, values):
    example = records.Example.FromString(data)
    field = getattr(example.features.feature[name], kind).value
    del field[:]
    field.extend(values)
    return example.SerializeToString(deterministic=True)


def test_a_sound_dataset(dataset, capsys):
    before = {path.name: path.read_bytes() for path in dataset.iterdir()}
    assert cli.main(["inspect", str(dataset)]) == 0
    lines = capsys.readouterr().out.splitlines()
    made = manifest.Manifest.load(dataset)
    assert f"train      {made.records('train')} records in 2 files" in lines
    assert "rejected   1 of 24 inputs" in lines and lines[-1] == "result     sound"
    stated = json.loads((dataset / manifest.STATISTICS).read_text())["warnings"]
    warned = [line for line in lines if line.startswith("warning")]
    assert warned == [f"warning    {warning['message']}" for warning in stated]
    # The dataset itself is left as it is.
    assert {path.name: path.read_bytes() for path in dataset.iterdir()} == before
    sheet = images.decode(dataset.with_name("dataset-contact-sheet.png").read_bytes())
    assert sheet.shape[1] == 4 + 8 * (32 + 4)


def test_sheet_elsewhere(dataset, tmp_path, capsys):
    assert cli.main(["inspect", str(dataset), "--sheet", str(tmp_path / "s.png")]) == 0
    assert (tmp_path / "s.png").exists()
    assert not dataset.with_name("dataset-contact-sheet.png").exists()
    assert cli.main(["inspect", str(dataset), "--sheet", str(tmp_path / "no/s.png")]) == 2
    assert "s.png: cannot be written: No such file or directory" in capsys.readouterr().err


def test_each_changed_byte_is_found(dataset, capsys):
    path = dataset / SHARD
    whole = path.read_bytes()
    for place in np.linspace(0, len(whole) - 1, 12).astype(int):
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        lines = problems(dataset, capsys)
        assert lines[0].startswith(f"{SHARD}: SHA-256 is ")
        assert "checksum of the" in lines[1] or "file ends inside" in lines[1]
        assert "readable records, dataset.json says" in lines[2]


def test_the_list_of_inputs_is_looked_into(dataset, capsys):
    path = dataset / manifest.SOURCES
    path.write_text("{}\n")
    (line,) = problems(dataset, capsys)
    assert line.startswith(f"{manifest.SOURCES}: SHA-256 is ")
    path.unlink()
    assert problems(dataset, capsys) == [
        f"{manifest.SOURCES}: cannot be read: No such file or directory"
    ]


def test_truncated_file(dataset, capsys):
    path = dataset / SHARD
    path.write_bytes(path.read_bytes()[:-7])
    lines = problems(dataset, capsys)
    assert any("file ends inside its" in line for line in lines)


def test_truncated_between_two_records(dataset, capsys):
    rewrite(dataset, lambda data: data[:-1])
    count = json.loads((dataset / manifest.FILE).read_text())["splits"]["train"]
    stated = next(shard["records"] for shard in count if shard["file"] == SHARD)
    lines = problems(dataset, capsys)
    assert lines[0] == (f"{SHARD}: has {stated - 1} readable records, dataset.json says {stated}")
    assert lines[1].startswith("statistics.json: train.records, ")


def test_empty_and_missing_files(dataset, capsys):
    (dataset / SHARD).write_bytes(b"")
    assert any("has 0 readable records" in line for line in problems(dataset, capsys))
    (dataset / SHARD).unlink()
    assert f"{SHARD}: cannot be read: No such file or directory" in problems(dataset, capsys)
    for path in dataset.glob("*.tfrecord"):
        path.unlink()
    (dataset / manifest.REJECTED).unlink()
    (dataset / manifest.STATISTICS).write_text("{")
    lines = problems(dataset, capsys)
    assert [line.partition(":")[0] for line in lines[-2:]] == ["rejected.jsonl", "statistics.json"]


@pytest.mark.parametrize(
    ("name", "kind", "values", "message"),
    [
        (records.ACTION_UNITS, "float_list", [0.1] * 16, "must have 17 AUs, got 16"),
        (records.ACTION_UNITS, "float_list", [0.1] * 16 + [1.5], "AU45 must be in [0, 1], got 1.5"),
        (records.ACTION_UNITS, "float_list", [np.nan] * 17, "AU01 must be in [0, 1], got nan"),
        (records.CONFIDENCE, "float_list", [2.0], "confidence must be in [0, 1], got 2.0"),
        (records.TRANSFORM, "float_list", [np.inf] * 6, "the transform must be finite"),
        (records.TRANSFORM, "float_list", [1.0], "face/transform must have 6 value(s), found 1"),
        (records.IMAGE, "bytes_list", [b"no picture"], "not a picture"),
        (records.HEIGHT, "int64_list", [64], "must be 32 x 32 pixels, its image is 32 x 32"),
        (records.KEY, "bytes_list", [b"\xff"], "codec can't decode byte 0xff"),
    ],
)
def test_wrong_records(dataset, capsys, name, kind, values, message):
    """Records that no checksum can find."""
    rewrite(dataset, lambda data: [edited(data[0], name, kind, values), *data[1:]])
    lines = problems(dataset, capsys)
    assert lines[0].startswith(f"{SHARD}: record 0: ") and message in lines[0]


def test_records_of_nothing_and_twice(dataset, capsys):
    rewrite(dataset, lambda data: [b"\xff\xff", data[1], data[1], *data[3:]])
    lines = problems(dataset, capsys)
    assert f"{SHARD}: record 0: record: is no tf.train.Example" in lines[0]
    assert f"{SHARD}: record 2: the key " in lines[1] and lines[1].endswith("is there twice")


def test_many_problems_are_counted(dataset, capsys):
    rewrite(dataset, lambda data: [b""] * 30)
    lines = problems(dataset, capsys)
    assert f"{SHARD}: and 11 more problems" in lines


def test_a_subject_on_both_sides(dataset, capsys):
    shard = next(dataset.glob("eval-*"))
    with open(shard, "rb") as file:
        other = records.decode(next(tfrecord.read(file))).subject.encode()
    rewrite(
        dataset,
        lambda data: [edited(data[0], records.SUBJECT, "bytes_list", [other]), *data[1:]],
    )
    assert "1 subjects are in train and in eval" in problems(dataset, capsys)


def test_counts_that_contradict_each_other(dataset, capsys):
    made = json.loads((dataset / manifest.FILE).read_text())
    (dataset / manifest.FILE).write_text(json.dumps(made | {"inputs": 30, "rejections": {}}))
    lines = problems(dataset, capsys)
    assert lines == [
        "rejected.jsonl: has {'low_confidence': 1}, dataset.json says {}",
        "dataset.json: 30 inputs must be 23 records + 0 rejections",
    ]


def test_a_file_outside_the_dataset(dataset, capsys):
    made = json.loads((dataset / manifest.FILE).read_text())
    made["splits"]["train"][0]["file"] = "../x.tfrecord"
    (dataset / manifest.FILE).write_text(json.dumps(made))
    assert "../x.tfrecord: must be a name in the dataset's directory" in problems(dataset, capsys)


def test_no_dataset(tmp_path, capsys):
    assert cli.main(["inspect", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ganimation inspect: {tmp_path} is not a finished dataset")


def test_a_sound_record_passes(sound):
    with open(sound / SHARD, "rb") as file:
        record = records.decode(next(tfrecord.read(file)))
    assert check_record(record, manifest.Manifest.load(sound)) is None  # and no error


def test_needs_neither_tensorflow_nor_beam():
    script = (
        "import sys, ganimation_tf.data.inspection, ganimation_tf.cli.inspect; "
        "print([m for m in ('tensorflow', 'keras', 'apache_beam') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
