"""The whole job over a corpus of nasty files: nothing crashes, nothing hangs, nothing is lost."""

import json
import os
import pathlib
import subprocess
import sys
import unicodedata

import pytest
from PIL import Image

import nasty_files
from ganimation_tf.data import manifest, records, tfrecord
from jobs import preprocess, rejected
from openface_files import EYES_AND_MOUTH, csv_text, row

MAX_MEMORY = 350 << 20

JOB = """
import re, sys
from ganimation_tf import cli
code = cli.main(sys.argv[1:])
# Not ru_maxrss, which a process inherits from the one that starts it.
print("peak", int(re.search("VmHWM:(.*)kB", open("/proc/self/status").read())[1]) * 1024)
sys.exit(code)
"""


def run_job(root: pathlib.Path) -> tuple[int, str]:
    """Preprocesses `root/photos` in a process of its own; returns its peak memory in bytes."""
    arguments = ["preprocess", "--images", "photos", "--annotations", "csv", "--output", "out"]
    done = subprocess.run(
        [sys.executable, "-c", JOB, *arguments, "--image-size", "32"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.rsplit("peak", 1)[1]), done.stderr


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """Keys of the records, lines of `rejected.jsonl`, the manifest, peak memory, the log."""
    root = tmp_path_factory.mktemp("nasty")
    (root / "photos").mkdir()
    (root / "csv").mkdir()
    for case in nasty_files.CASES:
        case.write(root / "photos", root / "csv")
    peak, log = run_job(root)
    made = manifest.Manifest.load(root / "out")
    kept = []
    for shard in [shard for shards in made.splits.values() for shard in shards]:
        with open(root / "out" / shard.file, "rb") as file:
            kept += [records.decode(data).key for data in tfrecord.read(file)]
    text = (root / "out" / manifest.REJECTED).read_text(encoding="utf-8")
    rejected = [json.loads(line) for line in text.splitlines()]
    return root, kept, rejected, made, peak, log


def test_the_corpus_is_large_and_its_keys_differ():
    keys = [case.key for case in nasty_files.CASES]
    assert len(keys) == len(set(keys)) >= 60


@pytest.mark.parametrize("case", nasty_files.CASES, ids=lambda case: repr(case.key)[1:40])
def test_each_file_has_its_outcome(outcome, case):
    _, kept, rejected, *_ = outcome
    lines = [
        line
        for line in rejected
        if line["key"] == case.key or line["key"].rpartition("#")[0] == case.key
    ]
    key = unicodedata.normalize("NFC", case.key)
    actual = [line["code"] for line in lines] + [nasty_files.RECORD] * kept.count(key)
    assert sorted(actual) == sorted(case.expected)
    for line in lines:
        assert line["file"].rpartition(".")[0] == case.key
        assert "\n" not in line["message"].replace(line["file"], "")
    assert not lines or any(case.says in line["message"] for line in lines)


def test_nothing_is_lost(outcome):
    _, kept, rejected, made, *_ = outcome
    outcomes = sum(len(case.expected) for case in nasty_files.CASES)
    assert made.inputs == len(kept) + len(rejected) == outcomes
    assert sum(made.rejections.values()) == len(rejected)


def test_memory_is_bounded(outcome):
    assert outcome[4] < MAX_MEMORY


def test_no_traceback_and_no_code_from_a_file(outcome):
    root, *_, log = outcome
    assert "Traceback" not in log
    assert not list(root.rglob("PWNED"))


def test_a_pickle_that_runs_code_is_refused_unrun(tmp_path):
    for name in ("train_ids.csv", "test_ids.csv"):
        (tmp_path / name).write_text("a.jpg\n")
    (tmp_path / "aus_openface.pkl").write_bytes(nasty_files.PROGRAM)
    nasty_files.Case("a", [], csv=None).write(tmp_path / "photos", tmp_path)
    arguments = ["--images", "photos", "--annotations", "aus_openface.pkl", "--output", "out"]
    done = subprocess.run(
        [sys.executable, "-m", "ganimation_tf", "preprocess", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    lines = (tmp_path / "out" / manifest.REJECTED).read_text().splitlines()
    codes = {line["key"]: line["code"] for line in map(json.loads, lines)}
    assert codes == {"aus_openface": "unsafe_pickle", "a": "no_annotation"}
    assert not (tmp_path / "PWNED").exists()


@pytest.fixture
def bound_by_permissions(tmp_path):
    """Skips where a file without permissions can be read all the same, as by root."""
    path = tmp_path / "closed"
    path.touch(mode=0)
    if os.access(path, os.R_OK):
        pytest.skip("permissions do not bind this user")
    path.unlink()


@pytest.mark.usefixtures("bound_by_permissions")
@pytest.mark.parametrize("folder", ["photos", "csv"])
def test_a_file_without_permission_is_rejected(tmp_path, folder):
    (tmp_path / "photos").mkdir()
    (tmp_path / "csv").mkdir()
    for key in "ab":
        nasty_files.Case(key, []).write(tmp_path / "photos", tmp_path / "csv")
    next((tmp_path / folder).glob("a.*")).chmod(0)
    run_job(tmp_path)
    (line,) = (tmp_path / "out" / manifest.REJECTED).read_text().splitlines()
    assert json.loads(line)["code"] == "unreadable_file"
    assert "Permission denied" in line


@pytest.mark.usefixtures("bound_by_permissions")
def test_a_directory_without_permission_is_named(tmp_path):
    (tmp_path / "photos" / "closed").mkdir(parents=True)
    (tmp_path / "csv").mkdir()
    nasty_files.Case("a", []).write(tmp_path / "photos", tmp_path / "csv")
    (tmp_path / "photos" / "closed").chmod(0)
    run_job(tmp_path)
    (line,) = (tmp_path / "out" / manifest.REJECTED).read_text().splitlines()
    assert json.loads(line)["code"] == "unreadable_directory"
    assert json.loads(line)["file"] == "closed"


def one_photo(root, width, height, scale):
    """`photos/a.png`, with alpha, and the annotation of its face, `scale` times the usual size."""
    for name in ("photos", "csv"):
        (root / name).mkdir(parents=True)
    Image.new("RGBA", (width, height), (90, 120, 150, 200)).save(
        root / "photos/a.png", compress_level=1
    )
    points = [(scale * x, scale * y) for x, y in EYES_AND_MOUTH]
    (root / "csv/a.csv").write_text(csv_text(row(points=points)))
    return root


@pytest.fixture
def large(tmp_path):
    """One photo of 45 million pixels with alpha."""
    return one_photo(tmp_path / "large", 7500, 6000, 30)


def test_a_large_photo_takes_bounded_memory(large, tmp_path):
    """One decoded copy, 4 bytes a pixel. What the libraries take differs from CPU to CPU."""
    small, _ = run_job(one_photo(tmp_path / "small", 250, 200, 1))
    peak, _ = run_job(large)
    assert manifest.Manifest.load(large / "out").records("train") == 1
    assert peak - small < 1.2 * 4 * 7500 * 6000, (peak >> 20, small >> 20)


def test_photos_above_the_limit_of_pixels_are_not_decoded(large):
    inputs = large / "photos", large / "csv"
    output = preprocess(*inputs, large / "out", "--max-megapixels", "44.9", code=2)
    assert rejected(output) == {"a": "too_many_pixels"}
    line = json.loads((output / manifest.REJECTED).read_text())
    assert line["message"] == "a.png: 7500 x 6000 pixels; at most 44900000 are decoded"
