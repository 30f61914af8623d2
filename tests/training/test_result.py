"""`train --result`: what comes next has a finished run under a name that stays."""

import json
import shutil

import pytest

from ganimation_tf import cli
from ganimation_tf.errors import UserError
from ganimation_tf.files import tree_digest
from ganimation_tf.training import result, runs, saved_networks


@pytest.fixture(scope="module")
def copied(drawn, tmp_path_factory):
    directory = tmp_path_factory.mktemp("result") / "trainer" / "run"
    result.write(drawn.run, directory)
    return directory


def test_it_is_a_run_without_logs_and_with_one_state(drawn, copied):
    assert runs.read_facts(copied) == runs.read_facts(drawn.run)
    assert runs.saved_step(copied) == runs.saved_step(drawn.run) == 1
    assert [path.name for path in runs.saved_states(copied)] == ["step-0000001"]
    saved_networks.require_networks(copied)
    names = {path.name for path in copied.iterdir()}
    assert not names & {"logs", runs.LOCK}
    assert (copied / "generator.keras").read_bytes() == (drawn.run / "generator.keras").read_bytes()


def test_metrics_are_those_of_the_log_without_its_times(drawn, copied):
    lines = [json.loads(line) for line in (drawn.run / runs.METRICS).read_text().splitlines()]
    history = json.loads((copied / result.HISTORY).read_text())
    assert [line["loss"] for line in history] == [line["loss"] for line in lines]
    assert not any("seconds" in line for line in history)
    metrics = json.loads((copied / result.METRICS).read_text())
    assert metrics["step"] == 1 and metrics["loss"] == lines[-1]["loss"]


def test_an_earlier_result_is_replaced(drawn, tmp_path):
    result.write(drawn.run, tmp_path / "run")
    (tmp_path / "run" / "stale").touch()
    result.write(drawn.run, tmp_path / "run")
    assert not (tmp_path / "run" / "stale").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_other_files_are_not_replaced_and_that_is_told_before_training(drawn, tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("years of work")
    command = ["train", "--data", str(drawn.data), "--output", str(tmp_path / "runs")]
    assert cli.main([*command, "--result", str(tmp_path)]) == 2
    assert "--result" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_run_is_never_replaced(drawn, tmp_path, capsys):
    run = tmp_path / "runs" / "00000-mine"
    shutil.copytree(drawn.run, run)
    (tmp_path / "holds" / result.HISTORY).parent.mkdir()
    (tmp_path / "holds" / result.HISTORY).touch()  # as an earlier result has one
    with pytest.raises(UserError, match="must be new or empty, but it holds other files"):
        result.write(drawn.run, run)
    (tmp_path / runs.CONFIG).write_text("{}")  # of another program
    with pytest.raises(UserError, match="lies in the run"):
        result.write(drawn.run, run / "copy")
    report = tmp_path / "report"  # of `evaluate --report`, which has a file of that name, too
    report.mkdir()
    (report / result.METRICS).touch()
    with pytest.raises(UserError, match="must be new or empty"):
        result.write(drawn.run, report)
    with pytest.raises(UserError, match="is replaced as a whole"):
        result.write(tmp_path / "holds" / "runs" / "00000-mine", tmp_path / "holds")
    command = ["train", "--data", str(drawn.data), "--output", str(tmp_path / "new" / "runs")]
    assert cli.main([*command, "--result", str(tmp_path / "new")]) == 2
    assert "is replaced as a whole" in capsys.readouterr().err
    assert cli.main([*command, "--result", str(run)]) == 2
    assert "must be new or empty" in capsys.readouterr().err
    assert tree_digest(run) == tree_digest(drawn.run)


@pytest.mark.parametrize("flag", ["--output", "--result"])
def test_a_file_in_the_way_is_told_before_training(flag, drawn, tmp_path, capsys):
    (tmp_path / "file").touch()
    places = {"--output": tmp_path / "runs", "--result": tmp_path / "result"}
    places[flag] = tmp_path / "file" / "below"
    command = ["train", "--data", str(drawn.data)]
    assert cli.main([*command, *(str(part) for pair in places.items() for part in pair)]) == 2
    assert f"{tmp_path / 'file'} is a file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_place_that_cannot_be_written(drawn, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        result.write(drawn.run, tmp_path / "file" / "run")
