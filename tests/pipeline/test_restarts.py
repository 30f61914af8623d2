"""A second run over finished or half-finished work: nothing is done twice, and nothing trusted
that should not be.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems

from ganimation_tf import cli, origin
from ganimation_tf.annotations.ganimation import GANimationReader
from ganimation_tf.data import manifest
from jobs import contents, preprocess
from openface_files import write_faces, write_photo
from pipeline import files, fingerprint, transforms
from pipeline.engines import versions
from pipeline.fingerprint import Fingerprint
from pipeline.inventory import list_inputs
from pipeline.resume import FACTS

KEYS = [f"{i:02}" for i in range(20)]
OPTIONS = ("--records-per-shard", "2", "--eval-fraction", "0.2", "--min-confidence", "0.5")


def run(root, *more, output="out", code=0):
    return preprocess(root / "photos", root / "csv", root / output, *OPTIONS, *more, code=code)


@pytest.fixture
def inputs(tmp_path):
    """20 photos, one of them rejected, one with two faces."""
    write_faces(tmp_path, KEYS)
    (tmp_path / "photos/00.jpg").write_bytes(b"")
    text = (tmp_path / "csv/01.csv").read_text().splitlines()
    (tmp_path / "csv/01.csv").write_text("\n".join([*text, text[1].replace("0,", "7,", 1)]) + "\n")
    return tmp_path


def times(directory):
    return {path.name: path.stat().st_mtime_ns for path in directory.iterdir()}


def test_nothing_is_done_for_what_is_done(inputs, capsys):
    output = run(inputs)
    before = times(output)
    capsys.readouterr()
    run(inputs, "--workers", "2")
    assert "nothing to do" in capsys.readouterr().out.splitlines()[0]
    assert times(output) == before
    run(inputs, "--overwrite")
    assert times(output) != before


def test_two_jobs_do_not_write_one_dataset(inputs, capsys):
    output = run(inputs)
    before = contents(output)
    directory = os.open(output, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)  # as the other job has it
    run(inputs, "--overwrite", code=2)
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.endswith(f"--output {output}: another job is writing it")
    assert contents(output) == before
    os.close(directory)
    run(inputs, "--overwrite")


def test_another_commit_alone_is_no_change(inputs, capsys):
    path = run(inputs) / "fingerprint.json"
    facts = json.loads(path.read_text())
    assert facts["made_with"].keys() == origin.made_with().keys()
    facts["made_with"]["commit"] = "0ddc0de"
    path.write_text(json.dumps(facts))
    capsys.readouterr()
    run(inputs)
    assert "nothing to do" in capsys.readouterr().out.splitlines()[0]


def touch(root):
    os.utime(root / "photos/03.jpg", ns=(0, 0))


CHANGES = {
    "option": (lambda root: None, ("--margin", "0.2"), "--margin was 0.15, is 0.2"),
    "added": (lambda root: write_faces(root, ["new"]), (), "1 image added; 1 annotation added"),
    "removed": (lambda root: (root / "photos/03.jpg").unlink(), (), "1 image removed"),
    "grown": (lambda root: write_photo(root / "photos/00.jpg"), (), "1 image changed"),
    "later": (touch, (), "1 image changed"),
}


@pytest.mark.parametrize(("change", "more", "message"), CHANGES.values(), ids=CHANGES)
def test_changes_are_named(inputs, capsys, change, more, message):
    output = run(inputs)
    before = times(output)
    change(inputs)
    run(inputs, *more, code=2)
    error = capsys.readouterr().err
    assert f"holds a finished dataset, made otherwise: {message}; --overwrite replaces it" in error
    assert times(output) == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("statistics.json", "holds a finished dataset of which files are missing"),
        (manifest.SOURCES, "holds a finished dataset of which files are missing"),
        (manifest.FINGERPRINT, "holds a finished dataset, made from what cannot be told"),
    ],
)
def test_a_dataset_with_a_hole_is_not_called_finished(inputs, capsys, name, message):
    (run(inputs) / name).unlink()
    run(inputs, code=2)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{}", "[1]"])
def test_damaged_statistics_of_a_finished_dataset_are_one_line(inputs, capsys, text):
    (run(inputs) / manifest.STATISTICS).write_text(text)
    capsys.readouterr()
    run(inputs, code=2)
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert f"{manifest.STATISTICS} cannot be read" in line


def test_what_no_job_has_written_is_not_replaced(inputs, capsys):
    mine = inputs / "out" / manifest.REPORT
    mine.parent.mkdir()
    mine.write_text("of an evaluation")
    run(inputs, code=2)
    assert f"holds {manifest.REPORT}, which no data job has written" in capsys.readouterr().err
    assert mine.read_text() == "of an evaluation"
    assert [path.name for path in mine.parent.iterdir()] == [manifest.REPORT]


def test_other_libraries_are_another_dataset(inputs, capsys, monkeypatch):
    run(inputs)
    others = {**versions.here(), "pillow": "1.2"}
    monkeypatch.setattr(versions, "here", lambda: others)
    run(inputs, code=2)
    assert "made otherwise: pillow was " in capsys.readouterr().err


def test_files_beside_annotations_count(tmp_path):
    for name in ("aus_openface.pkl", "train_ids.csv", "test_ids.csv"):
        (tmp_path / name).write_bytes(b"a")
    reader = GANimationReader()

    def inputs():
        _, annotations = list_inputs(str(tmp_path), str(tmp_path))
        return fingerprint._inputs(fingerprint.with_others(annotations, reader))

    before = inputs()
    (tmp_path / "test_ids.csv").write_bytes(b"ab")
    after = inputs()
    actual = [Fingerprint({}, {}, {"annotation": state}) for state in (before, after)]
    assert actual[0].changes(actual[1]) == ["1 annotation changed"]
    assert Fingerprint.from_json(actual[0].to_json()).changes(actual[0]) == []


def test_a_fingerprint_of_another_form_is_none():
    for text in ("", "[]", "{}", '{"versions": {}, "options": {}, "inputs": {"image": "x"}}'):
        assert Fingerprint.from_json(text) is None


@pytest.fixture
def unfinished(inputs, monkeypatch):
    """Inputs, and an output directory `out` of a job that failed just before its end."""

    def fail(*_):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(transforms, "finish", fail)
        with pytest.raises(RuntimeError, match="killed"):
            run(inputs)
    assert not (inputs / "out" / manifest.FILE).exists()
    return inputs


def shards(directory):
    return {name: at for name, at in times(directory).items() if name.endswith(".tfrecord")}


def test_finished_shards_are_used_again(unfinished, caplog):
    before = shards(unfinished / "out")
    output = run(unfinished)
    assert len(before) > 5 and shards(output) == before
    assert contents(output) == contents(run(unfinished, output="fresh"))


def damage(root):
    path = max((root / "out").glob("train-*"), key=lambda path: path.stat().st_size)
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.write_bytes(data)


def cut(root):
    path = sorted((root / "out").glob(f"{FACTS}train-*"))[0]
    path.write_bytes(path.read_bytes()[:-9])


def lose(root):
    sorted((root / "out").glob("train-*"))[0].unlink()


@pytest.mark.parametrize(("change", "redone"), [(damage, 1), (cut, 1), (lose, 1), (touch, None)])
def test_what_cannot_be_trusted_is_made_again(unfinished, change, redone):
    before = shards(unfinished / "out")
    change(unfinished)
    output = run(unfinished)
    after = shards(output)
    changed = sum(after[name] != before[name] for name in before)
    assert changed == (redone or len(before))
    assert contents(output) == contents(run(unfinished, output="fresh"))


def test_other_options_and_overwrite_begin_anew(unfinished):
    before = shards(unfinished / "out")
    output = run(unfinished, "--jpeg-quality", "80")
    assert all(at != before.get(name) for name, at in shards(output).items())
    assert manifest.Manifest.load(output).options["jpeg_quality"] == 80


def test_an_unfinished_job_that_overwrites_goes_on(unfinished):
    before = shards(unfinished / "out")
    after = shards(run(unfinished, "--overwrite"))
    assert {name: after[name] for name in before} == before


def test_overwriting_a_finished_dataset_trusts_none_of_its_shards(inputs):
    output = run(inputs)
    shard = sorted(output.glob("train-*"))[0]
    sound = shard.read_bytes()
    shard.write_bytes(sound[:-9])
    run(inputs, "--overwrite")
    assert shard.read_bytes() == sound


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_job_looks_unfinished_and_is_continued(tmp_path, workers):
    write_faces(tmp_path, [f"{i:03}" for i in range(400)])
    output = tmp_path / "out"
    arguments = [
        *("preprocess", "--images", tmp_path / "photos", "--annotations", tmp_path / "csv"),
        *("--output", output, "--image-size", "32", "--shards", "40", "--workers", workers),
    ]
    command = [sys.executable, "-m", "ganimation_tf", *map(str, arguments)]
    job = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 100
        while len(list(output.glob(f"{FACTS}*"))) < 3:
            assert job.poll() is None and time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        job.send_signal(signal.SIGKILL)
        job.wait()
    assert not (output / manifest.FILE).exists()
    # The kill may have come while one was being written.
    noted = [path for path in output.glob(f"{FACTS}*") if path.read_text().endswith("}")]
    finished = {path.name.removeprefix(FACTS)[:-5] for path in noted}
    before = {name: at for name, at in shards(output).items() if name in finished}
    assert len(before) >= 2  # of the three that were noted, one may be cut
    assert cli.main([str(argument) for argument in arguments]) == 0
    assert {name: shards(output)[name] for name in before} == before
    arguments[arguments.index(output)] = fresh = tmp_path / "fresh"
    assert cli.main([str(argument) for argument in arguments]) == 0
    assert contents(output) == contents(fresh)


@pytest.mark.parametrize("refuses", [False, True], ids=["replaces", "refuses"])
def test_a_shard_written_twice_takes_its_place(tmp_path, monkeypatch, refuses):
    """Also where a rename onto a file that exists is refused, as HDFS does."""
    rename = FileSystems.rename

    def like_hdfs(sources, targets):
        if any(os.path.exists(target) for target in targets):
            raise BeamIOError("destination exists")
        rename(sources, targets)

    if refuses:
        monkeypatch.setattr(FileSystems, "rename", like_hdfs)
    for text in ("first", "second"):
        (tmp_path / "temporary").write_text(text)
        files.replace(str(tmp_path / "temporary"), str(tmp_path / "shard*"))
    assert contents(tmp_path) == {"shard*": b"second"}
    with pytest.raises(OSError):
        files.replace(str(tmp_path / "temporary"), str(tmp_path / "shard*"))
