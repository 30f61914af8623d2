"""Pushes: which models get in, under which number, and that nothing is ever there by halves."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

from ganimation_tf import cli, files
from ganimation_tf.blessing import EVALUATION, INFRASTRUCTURE, Blessing
from ganimation_tf.errors import UserError
from ganimation_tf.export import model_directory
from ganimation_tf.export.model_directory import PUSHED, next_version, push


def export(directory: pathlib.Path, weights: bytes = b"weights") -> pathlib.Path:
    (directory / "variables").mkdir(parents=True)
    (directory / "saved_model.pb").write_bytes(b"graph")
    (directory / "variables" / "data").write_bytes(weights)
    return directory


def blessing(export: pathlib.Path, about: str, **changes) -> Blessing:
    fields = {"blessed": True, "conditions": ["truth_error<=1"], "failures": []}
    return Blessing(**{"about": about, "model": files.tree_digest(export), **fields, **changes})


def pushed(model, models, **changes):
    both = (blessing(model, about) for about in (EVALUATION, INFRASTRUCTURE))
    return push(model, models, *both, **changes)


def contents(directory: pathlib.Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_versions_are_numbered_and_whole(tmp_path):
    models = tmp_path / "models"
    first, second = export(tmp_path / "a"), export(tmp_path / "b", b"others")
    assert pushed(first, models).path == models / "1"
    assert pushed(second, models).path == models / "2"
    before = contents(models / "1")
    note = json.loads(before.pop(PUSHED))
    assert before == contents(first)
    assert note["digest"] == files.tree_digest(first)
    assert note["evaluation"]["conditions"] == ["truth_error<=1"]
    assert sorted(path.name for path in models.iterdir()) == ["1", "2"]


def test_the_newest_model_is_not_pushed_twice_and_an_earlier_one_comes_back(tmp_path):
    models = tmp_path / "models"
    first, second = export(tmp_path / "a"), export(tmp_path / "b", b"others")
    pushed(first, models)
    again = pushed(first, models)
    assert (again.path, again.new) == (models / "1", False)
    pushed(second, models)
    assert pushed(first, models).path == models / "3"


def test_a_pushed_version_that_was_changed_by_hand_is_pushed_again(tmp_path):
    models, model = tmp_path / "models", export(tmp_path / "a")
    pushed(model, models)
    (models / "1" / "variables" / "data").write_bytes(b"damaged")
    assert pushed(model, models).path == models / "2"


@pytest.mark.parametrize("about", [EVALUATION, INFRASTRUCTURE])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"blessed": False, "failures": ["gate truth_error<=1 failed: truth_error is 1.5"]},
            "is not blessed by the {about}: gate truth_error<=1 failed: truth_error is 1.5",
        ),
        ({"model": "0" * 64}, "is not the model that the {about} saw, or has changed since"),
        ({"model": None}, "is not the model that the {about} saw"),
        ({"conditions": []}, "asked for nothing: give it a --gate"),
    ],
)
def test_nothing_gets_in_without_both_blessings(tmp_path, about, changes, message):
    model, models = export(tmp_path / "a"), tmp_path / "models"
    both = [
        blessing(model, one, **(changes if one == about else {}))
        for one in (EVALUATION, INFRASTRUCTURE)
    ]
    with pytest.raises(UserError, match=message.format(about=about)):
        push(model, models, *both)
    assert not models.exists()


def test_a_model_that_was_changed_after_its_evaluation_is_refused(tmp_path):
    model = export(tmp_path / "a")
    both = [blessing(model, about) for about in (EVALUATION, INFRASTRUCTURE)]
    (model / "variables" / "data").write_bytes(b"retouched")
    with pytest.raises(UserError, match="is not the model that the evaluation saw"):
        push(model, tmp_path / "models", *both)


def test_what_is_no_export(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(UserError, match="is no SavedModel"):
        pushed(tmp_path / "a", tmp_path / "models")


def test_a_number_that_another_process_takes_meanwhile(tmp_path, monkeypatch):
    models, model = tmp_path / "models", export(tmp_path / "a")
    numbers = iter([1, 1, 2])
    monkeypatch.setattr(model_directory, "next_version", lambda _: next(numbers))
    export(models / "1", b"another process's")
    assert pushed(model, models).path == models / "2"
    assert contents(models / "1")["variables/data"] == b"another process's"


def test_nothing_is_left_of_a_push_that_fails(tmp_path, monkeypatch):
    models, model = tmp_path / "models", export(tmp_path / "a")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_directory, "_flush", full)
    with pytest.raises(UserError, match="the push was not done: No space left on device"):
        pushed(model, models)
    assert list(models.iterdir()) == []


KILLED = """
import os, signal, sys, pathlib
sys.path.insert(0, sys.argv[3])
import test_model_directory as tests
from ganimation_tf.export import model_directory
model_directory._flush = lambda partial: {how}
tests.pushed(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
"""


def push_elsewhere(model, models, how):
    """Another process that pushes, and does `how` once all files are copied."""
    arguments = [str(model), str(models), str(pathlib.Path(__file__).parent)]
    command = [sys.executable, "-c", KILLED.format(how=how), *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_what_a_killed_push_has_left_goes_with_the_next(tmp_path):
    models, model = tmp_path / "models", export(tmp_path / "a")
    other = push_elsewhere(model, models, "os.kill(os.getpid(), signal.SIGKILL)")
    other.communicate(timeout=60)
    assert other.returncode == -signal.SIGKILL
    assert [path.suffix for path in models.iterdir()] == [".partial"]
    assert pushed(export(tmp_path / "b", b"others"), models).path == models / "1"
    assert [path.name for path in models.iterdir()] == ["1"]


def test_a_push_under_way_is_left_alone(tmp_path):
    models, model = tmp_path / "models", export(tmp_path / "a")
    other = push_elsewhere(model, models, "(print('copied', flush=True), input())")
    assert other.stdout.readline() == "copied\n"
    assert pushed(export(tmp_path / "b", b"others"), models).path == models / "1"
    other.communicate("\n", timeout=60)
    assert other.returncode == 0
    assert sorted(path.name for path in models.iterdir()) == ["1", "2"]
    assert contents(models / "2")["variables/data"] == b"weights"


@pytest.fixture
def small_disk(tmp_path):
    """A file system with 1 MiB of room for 100 names; skipped where none may be mounted."""
    where = tmp_path / "disk"
    where.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=100", "tmpfs", str(where)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a tmpfs cannot be mounted here: it takes root")
    yield where
    subprocess.run(["umount", str(where)], check=True)


def command(model: pathlib.Path, models: pathlib.Path, *more: str) -> list[str]:
    """`ganimation push` of a model with both blessings beside it."""
    for about in (EVALUATION, INFRASTRUCTURE):
        blessing(model, about).write(model.with_name(f"{about}.json"))
    arguments = ["push", str(model), "--to", str(models), *more]
    arguments += ["--evaluation", str(model.with_name("evaluation.json"))]
    return [*arguments, "--infra", str(model.with_name("infrastructure.json"))]


def fill(disk: pathlib.Path, pages: int | None, names: int | None) -> None:
    """Leaves room for so much; None: for all that there is."""
    (filler := disk / "filler").mkdir()
    if pages is not None:
        free = os.statvfs(disk).f_bavail - pages
        (filler / "room").write_bytes(bytes(free * os.statvfs(disk).f_bsize))
    if names is not None:
        for number in range(os.statvfs(disk).f_favail - names):
            (filler / str(number)).touch()


@pytest.mark.parametrize(
    ("what", "needed"),
    [
        # graph, 3 of weights, and the note of what was pushed
        ("pages", 1 + 3 + 1),
        # three files, their two folders, and the version itself
        ("names", 3 + 2 + 1),
    ],
)
def test_a_disk_that_fills_at_any_write(tmp_path, small_disk, capsys, what, needed):
    models, model = small_disk / "models", export(tmp_path / "a")
    pushed(model, models)
    before = contents(models)
    larger = export(tmp_path / "b", bytes(3 * os.statvfs(small_disk).f_bsize))
    for room in range(needed):
        fill(small_disk, **{"pages": None, "names": None, what: room})
        assert cli.main(command(larger, models)) == 2
        error = capsys.readouterr().err
        assert error == (
            f"ganimation push: {models}: the push was not done: No space left on device\n"
        )
        assert contents(models) == before and [path.name for path in models.iterdir()] == ["1"]
        shutil.rmtree(small_disk / "filler")
    fill(small_disk, **{"pages": None, "names": None, what: needed})
    assert cli.main(command(larger, models)) == 0
    assert sorted(path.name for path in models.iterdir()) == ["1", "2"]
    found = contents(models / "2")
    assert json.loads(found.pop(PUSHED))["digest"] == files.tree_digest(larger)
    assert found == contents(larger)


def test_a_disk_that_has_no_room_for_the_note_of_a_push(tmp_path, small_disk, capsys):
    """The version is there, whole; run again, the command says so and notes it."""
    models, model, note = small_disk / "models", export(tmp_path / "a"), small_disk / "note.json"
    fill(small_disk, 3, None)  # graph, weights, and what is noted in the version
    assert cli.main(command(model, models, "-o", str(note))) == 2
    out, error = capsys.readouterr()
    assert out == f"pushed {model} as {models / '1'}\n"
    assert error == f"ganimation push: {note}: cannot be written: No space left on device\n"
    assert not note.exists()
    shutil.rmtree(small_disk / "filler")
    assert cli.main(command(model, models, "-o", str(note))) == 0
    assert "is this very model already" in capsys.readouterr().out
    assert json.loads(note.read_text())["version"] == 1
    assert [path.name for path in models.iterdir()] == ["1"]


def test_the_command_tells_what_it_did_and_notes_it(tmp_path, capsys):
    models, model, note = tmp_path / "models", export(tmp_path / "a"), tmp_path / "pushed.json"
    assert cli.main(command(model, models, "-o", str(note))) == 0
    assert json.loads(note.read_text())["version"] == 1
    wrong = [*command(model, models)[:-1], str(tmp_path / "evaluation.json")]
    assert cli.main(wrong) == 2
    assert "must be about infrastructure, it is about 'evaluation'" in capsys.readouterr().err
    assert next_version(models) == 2
