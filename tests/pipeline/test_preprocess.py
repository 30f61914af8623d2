"""The job as the command line runs it, on small invented photos."""

import collections
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import pytest
import tensorflow as tf
from waiting import wait_for

import interrupts
from ganimation_tf import cli
from ganimation_tf.action_units import OPENFACE
from ganimation_tf.data import manifest, records, tfrecord
from ganimation_tf.faces import alignment, images
from openface_files import HEADER, csv_text, picture, row, write_faces, write_photo


def arguments(root, *more, output="out"):
    return [
        "preprocess",
        *("--images", str(root / "photos")),
        *("--annotations", str(root / "csv")),
        *("--output", str(root / output)),
        *("--image-size", "32"),
        *more,
    ]


def preprocess(root, *more, output="out", code=0):
    assert cli.main(arguments(root, *more, output=output)) == code
    return root / output


def rejected(output):
    lines = (output / manifest.REJECTED).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def read_records(output, split):
    actual = []
    for shard in manifest.Manifest.load(output).splits[split]:
        with open(output / shard.file, "rb") as file:
            actual += [records.decode(data) for data in tfrecord.read(file)]
    return actual


def all_records(output):
    return read_records(output, "train") + read_records(output, "eval")


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


KEYS = [f"person{i // 4}/{i}" for i in range(24)]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """24 photos of 6 people, split by person, in 3 training shards."""
    root = tmp_path_factory.mktemp("dataset")
    write_faces(root, KEYS)
    options = ("--subject-pattern", r"(person\d+)/", "--eval-fraction", "0.3", "--shards", "3")
    preprocess(root, *options)
    return root, options


def test_every_photo_becomes_a_record(dataset):
    root, _ = dataset
    made = manifest.Manifest.load(root / "out")
    assert made.inputs == 24 and made.rejections == {} and made.action_units == OPENFACE
    assert made.crop == alignment.CropSpec(32)
    assert sorted(record.key for record in all_records(root / "out")) == sorted(KEYS)
    assert rejected(root / "out") == []
    record = next(record for record in all_records(root / "out") if record.key == KEYS[3])
    expected = np.zeros(17, np.float32)
    expected[OPENFACE.index("AU12")] = 3 / 5
    np.testing.assert_array_equal(record.action_units, expected)
    assert images.decode(record.image).shape == (32, 32, 3)
    assert (record.subject, record.confidence) == ("person0", pytest.approx(0.98))


def test_one_subject_is_on_one_side(dataset):
    root, _ = dataset
    train = {record.subject for record in read_records(root / "out", "train")}
    held_out = {record.subject for record in read_records(root / "out", "eval")}
    assert train | held_out == {f"person{i}" for i in range(6)}
    assert train and held_out and not train & held_out


def test_tensorflow_reads_the_shards_and_digests_match(dataset):
    root, _ = dataset
    for shards in manifest.Manifest.load(root / "out").splits.values():
        for shard in shards:
            path = root / "out" / shard.file
            actual = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
            keys = [records.decode(data).key for data in actual]
            assert len(keys) == shard.records and keys == sorted(keys)
            digest = subprocess.run(["sha256sum", path], capture_output=True, text=True).stdout
            assert digest.split()[0] == shard.sha256


PORTABLE = ["--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK"]


@pytest.mark.parametrize("more", [["--workers", "2"], ["--", *PORTABLE]], ids=["2", "portable"])
def test_bytes_do_not_depend_on_workers_or_runner(dataset, more):
    root, options = dataset
    again = preprocess(root, *options, *more, output=f"again{len(more)}")
    assert contents(again) == contents(root / "out")


def test_marks_are_where_the_crop_puts_eyes_and_mouth(tmp_path):
    """A face turned by 30 degrees and off the centre comes out upright, in the fixed places."""
    angle = np.radians(30)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = alignment.ANCHORS * 60 @ turn.T + [170, 120]
    pixels = np.full((300, 360, 3), 40, np.uint8)
    y, x = np.mgrid[:300, :360]
    for channel, (px, py) in enumerate(points):
        pixels[np.hypot(x - px, y - py) < 7, channel] = 255
    write_photo(tmp_path / "photos/a.png", pixels)
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv/a.csv").write_text(csv_text(row(points=points.tolist())))
    output = preprocess(tmp_path, "--image-size", "128", "--margin", "0.1")
    (record,) = all_records(output)
    crop = images.decode(record.image).astype(float)
    side = alignment.FACE_SIDE * 1.2
    expected = (alignment.ANCHORS - alignment.FACE_CENTER + side / 2) * 127 / side
    for channel in range(3):
        weight = np.clip(crop[..., channel] - 100, 0, None)
        rows, columns = np.mgrid[:128, :128]
        actual = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
        np.testing.assert_allclose(actual, expected[channel], atol=0.6)
    # The stored transform leads back to the photo.
    back = np.c_[expected, np.ones(3)] @ record.transform.T
    np.testing.assert_allclose(back, points, atol=0.1)


def bad_inputs(root):
    """A folder with every bad input that the job must survive; returns their reason codes."""
    write_faces(root, ["good", "several", "spurious", "half", "twice", "clipped"])
    photos, csv = root / "photos", root / "csv"
    expected = {}

    def add(key, code, text, content=None):
        write_photo(photos / f"{key}.jpg")
        if content is not None:
            (photos / f"{key}.jpg").write_bytes(content)
        (csv / f"{key}.csv").write_bytes(text.encode() if isinstance(text, str) else text)
        expected[key] = code

    jpeg = images.encode_jpeg(picture())
    add("truncated", "unreadable_image", csv_text(row()), jpeg[: len(jpeg) // 2])
    add("empty photo", "empty_image", csv_text(row()), b"")
    add("text", "unsupported_format", csv_text(row()), b"<svg></svg>")
    add("missing", "missing_column", csv_text(row(), header=HEADER[:-30]))
    add("nan", "bad_value", csv_text(row(AU06_r="-nan")))
    add("unsure", "low_confidence", csv_text(row(confidence=0.79)))
    add("zero", "empty_annotation", b"")
    add("no face", "no_face", csv_text())
    add("aus only", "no_landmarks", csv_text(row(), header=[*HEADER[:2], *HEADER[138:]]))
    add("elsewhere", "outside_image", csv_text(row(points=((600, 70), (640, 70), (620, 110)))))
    add("point", "bad_geometry", csv_text(row(points=((80, 80), (80, 80), (80, 80)))))
    add("new\nline ü", "low_confidence", csv_text(row(confidence=0.1)))
    write_photo(photos / "alone.jpg")
    (csv / "lost.csv").write_text(csv_text(row(), row("1")))  # one input: nobody reads it
    expected |= {"alone": "no_annotation", "lost": "no_image"}
    (csv / "several.csv").write_text(csv_text(row("0"), row("1"), row("2", AU12_r="x")))
    (csv / "spurious.csv").write_text(csv_text(row("0"), row("1", confidence=0)))
    (csv / "clipped.csv").write_text(csv_text(row(AU12_r=7.5, AU01_r=-0.1)))
    expected |= {
        "several#1": "extra_face",
        "several#2": "bad_value",
        "spurious#1": "low_confidence",
    }
    write_photo(photos / "twice.png")
    (photos / "folder.jpg").mkdir()
    expected["folder"] = "not_a_file"
    (photos / "loop").symlink_to(photos)
    (photos / "notes.txt").write_text("not a photo")
    with open(os.fsencode(photos) + b"/\xff.jpg", "wb") as file:
        file.write(jpeg)
    expected[r"\udcff"] = "bad_name"
    return expected


def test_each_bad_input_has_its_reason(tmp_path, capsys):
    expected = bad_inputs(tmp_path)
    output = preprocess(tmp_path)
    rejections = rejected(output)
    codes = {line["key"].removesuffix("#0"): line["code"] for line in rejections}
    assert codes.pop("twice") == "ambiguous_key"
    assert codes == expected
    twice = sorted(line["file"] for line in rejections if line["key"] == "twice")
    assert twice == ["twice.csv", "twice.jpg", "twice.png"]
    messages = {line["key"]: line["message"] for line in rejections}
    assert messages["nan#0"] == "nan.csv:2: AU06_r must be a finite number, got '-nan'"
    assert messages["lost"] == "lost.csv: there is no image with the key 'lost'"
    assert "is below 0.8" in messages["unsure#0"]
    made = manifest.Manifest.load(output)
    kept = sorted(record.key for record in all_records(output))
    assert kept == ["clipped", "good", "half", "several", "spurious"]
    assert made.inputs == len(kept) + len(rejections) == len(kept) + sum(made.rejections.values())
    assert made.rejections == collections.Counter(line["code"] for line in rejections)
    assert made.clipped == {"AU12": 1, "AU01": 1}
    assert f"{len(rejections)} of {made.inputs} inputs" in capsys.readouterr().out


def test_all_faces_of_a_photo(tmp_path):
    write_faces(tmp_path, ["a", "b"])
    (tmp_path / "csv/a.csv").write_text(csv_text(row("0"), row("7")))
    output = preprocess(tmp_path, "--faces", "all", "--eval-fraction", "0")
    assert [record.key for record in read_records(output, "train")] == ["a#0", "a#7", "b"]
    assert set(manifest.Manifest.load(output).splits) == {"train", "eval"}


def test_globs(tmp_path):
    write_faces(tmp_path, ["x/a", "x/b", "y/c"])
    code = cli.main(
        [
            "preprocess",
            *("--images", f"{tmp_path}/photos/x/*.jpg"),
            *("--annotations", f"{tmp_path}/csv/x/a*"),
            *("--output", f"{tmp_path}/out", "--eval-fraction", "0"),
        ]
    )
    assert code == 0
    assert [record.key for record in read_records(tmp_path / "out", "train")] == ["a"]
    assert [line["key"] for line in rejected(tmp_path / "out")] == ["b"]


@pytest.mark.filterwarnings("ignore:Possible nested set")  # Beam's regular expression for `[[]`
def test_directories_with_wildcards_in_their_names(tmp_path):
    root = tmp_path / "run [1]*"
    write_faces(root, ["a"])
    preprocess(root)
    assert [record.key for record in all_records(root / "out")] == ["a"]
    preprocess(root, "--overwrite")


def test_nothing_usable(tmp_path, capsys):
    write_faces(tmp_path, ["a", "b"])
    (tmp_path / "csv/a.csv").write_text(csv_text(row(confidence=0)))
    (tmp_path / "csv/b.csv").write_text(csv_text(row(confidence=0)))
    output = preprocess(tmp_path, code=2)
    assert sorted(contents(output)) == [manifest.REJECTED]
    assert len(rejected(output)) == 2
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert "none of the 2 inputs is usable, 2 of them because of low_confidence" in line


def test_a_finished_dataset_is_not_touched_unless_told(dataset, capsys):
    root, options = dataset
    before = contents(root / "out")
    preprocess(root, *options, "--margin", "0.2", code=2)
    error = capsys.readouterr().err
    assert "a finished dataset, made otherwise: --margin was 0.15, is 0.2; --overwrite" in error
    assert contents(root / "out") == before
    preprocess(root, *options, "--overwrite")
    assert contents(root / "out") == before


def test_leftovers_of_a_killed_job_are_replaced(tmp_path):
    write_faces(tmp_path, ["a", "b"])
    output = tmp_path / "out"
    output.mkdir()
    left = (".tmp-progress-x.json", ".tmp-1-train", "train-00007-of-00009.tfrecord")
    for name in (*left, "fingerprint.json", "mine"):
        (output / name).write_text("left over")
    preprocess(tmp_path)
    assert sorted(contents(output)) == [
        "dataset.json",
        "eval-00000-of-00001.tfrecord",
        "fingerprint.json",
        "mine",
        "rejected.jsonl",
        "report.html",
        "sources.jsonl",
        "statistics.json",
        "train-00000-of-00001.tfrecord",
    ]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--images", "/nowhere"], "--images /nowhere: there is no such file or directory"),
        (["--images", "x://bucket"], "--images x://bucket: x:// is no file system"),
        (["--annotations", "/nowhere/*.csv"], "--annotations /nowhere/*.csv: no file"),
        (["--output", "/proc/version/x"], "--output /proc/version/x cannot be written"),
        (["--image-size", "4"], "--image-size must be at least 8, got 4"),
        (["--image-size", "70"], "--image-size must be a multiple of 4, got 70"),
        (["--margin", "-1"], "--margin must be in [0, 2], got -1.0"),
        (["--min-confidence", "1.5"], "--min-confidence must be in [0, 1], got 1.5"),
        (["--min-confidence", "nan"], "--min-confidence must be in [0, 1], got nan"),
        (["--eval-fraction", "1"], "--eval-fraction must be in [0, 1), got 1.0"),
        (["--subject-pattern", "("], "--subject-pattern must be a regular expression ("),
        (["--subject-pattern", "a"], "--subject-pattern must have a group ( ), got 'a'"),
        (["--records-per-shard", "0"], "--records-per-shard must be at least 1, got 0"),
        (["--shards", "0"], "--shards must be in [1, 99999], got 0"),
        (["--jpeg-quality", "0"], "--jpeg-quality must be in [1, 100], got 0"),
        (["--workers", "0"], "--workers must be in [1, 256], got 0"),
        (["--", "--runner=DaskRunner"], "--runner=DaskRunner is refused"),
        (["--", "--runner", "dask"], "--runner=dask is refused"),
        (["--", "--runner=BundleBasedDirectRunner"], "--runner=BundleBasedDirectRunner is refused"),
        (["--", "--runnr=x"], "--runnr is no option of Beam's FnApiRunner"),
        (["--", "--direct_num_workers=x"], "Beam option: "),
        (["--", "spare"], "unexpected argument 'spare'; Beam's options follow after --"),
        (["--workers", "2", "--", "--runner=PortableRunner"], "--workers is for the local runner"),
    ],
)
def test_refused_options(tmp_path, capsys, more, message):
    write_faces(tmp_path, ["a"])
    preprocess(tmp_path, *more, code=2)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ganimation preprocess: {message}")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("more", [["--colour"], ["--faces", "none"], ["--image-size", "big"]])
def test_flags_that_do_not_exist(tmp_path, capsys, more):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments(tmp_path, *more))
    assert caught.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_defaults_are_those_of_the_crop():
    from pipeline.options import PreprocessOptions

    options = PreprocessOptions(images="a", annotations="b", output="c")
    assert alignment.CropSpec(options.image_size, options.margin) == alignment.CropSpec()


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        (
            "pipeline.preprocess, pipeline.local.worker, ganimation_tf.annotations.recognition",
            ["tensorflow", "keras"],
        ),
        ("ganimation_tf.cli.preprocess", ["tensorflow", "apache_beam", "cv2"]),
    ],
)
def test_imports_stay_light(modules, absent):
    script = f"import sys, {modules}; print([m for m in {absent} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.faces
def test_real_photos(tmp_path, faces_dir):
    names = sorted(path.stem for path in (faces_dir / "imgs").iterdir())[::140]
    for kind, source, suffix in (("photos", "imgs", "jpg"), ("csv", "openface_csv", "csv")):
        (tmp_path / kind).mkdir()
        for name in names:
            file = f"{name}.{suffix}"
            (tmp_path / kind / file).symlink_to(faces_dir / source / file)
    output = preprocess(tmp_path, "--image-size", "128")
    made = manifest.Manifest.load(output)
    assert made.inputs == len(names) == len(all_records(output)) + len(rejected(output))
    assert len(all_records(output)) >= 8
    for record in all_records(output):
        assert np.ptp(record.action_units) > 0 and 0.8 <= record.confidence <= 1


SMALL_FILES = """
import resource, sys
from ganimation_tf import cli
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_disk_that_takes_no_more_is_told_in_one_line(tmp_path, workers):
    write_faces(tmp_path, [f"{i:02}" for i in range(40)])
    options = arguments(tmp_path, "--workers", str(workers), "--eval-fraction", "0")
    command = [sys.executable, "-c", SMALL_FILES, *options]
    (temporary := tmp_path / "temporary").mkdir()
    environment = os.environ | {"TMPDIR": str(temporary)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    message = f"--output {tmp_path}/out cannot be written: File too large; run again when"
    assert message in done.stderr.splitlines()[-1]
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_stays_in_the_temporary_folder(tmp_path, monkeypatch, workers):
    write_faces(tmp_path, ["a", "b"])
    (temporary := tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert cli.main(arguments(tmp_path, "--workers", str(workers))) == 0
    assert tempfile.gettempdir() == str(temporary) and list(temporary.iterdir()) == []


def test_a_runner_that_does_not_exist(tmp_path, capsys):
    write_faces(tmp_path, ["a"])
    assert cli.main(arguments(tmp_path, "--", "--runner=Nope")) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ganimation preprocess: --runner=Nope: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_nothing_stays_in_the_temporary_folder_of_a_job_that_is_told_to_end(
    tmp_path, number, workers
):
    write_faces(tmp_path, [f"{face:03}" for face in range(300)])
    (temporary := tmp_path / "temporary").mkdir()
    with interrupts.heard():
        process = subprocess.Popen(
            [sys.executable, "-m", "ganimation_tf", *arguments(tmp_path, "--workers", workers)],
            env=os.environ | {"TMPDIR": str(temporary)},
            stderr=subprocess.PIPE,
            text=True,
        )
    wait_for(lambda: any(temporary.iterdir()), "the job has not begun")
    time.sleep(0.2)  # the job runs now
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in stderr, stderr
    assert stderr.splitlines()[-1] == "ganimation preprocess: interrupted"
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "out" / manifest.FILE).exists()
    assert cli.main(arguments(tmp_path)) == 0  # the same command goes on
