"""The folder of a line: what is written, that DVC reads it, and what is refused before any work."""

import contextlib
import fcntl
import subprocess

import pytest
from ruamel.yaml import YAML

from ganimation_tf import cli
from ganimation_tf.line import project, running

TFX = (
    *("examples", "statistics", "schema", "validator", "trainer", "evaluator"),
    *("infra_validator", "pusher"),
)


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    directory = tmp_path_factory.mktemp("line") / "work"
    assert cli.main(["line", "init", str(directory), "--small"]) == 0
    return directory


def dvc(directory, *arguments):
    done = project.dvc(directory, arguments, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_dvc_reads_it_and_has_tfxs_components_in_order(line):
    listed = [text.split()[0] for text in dvc(line, "stage", "list").splitlines()]
    assert listed == list(TFX)
    arrows = {
        tuple(part.strip().strip('"') for part in text.rstrip(";").split("->"))
        for text in dvc(line, "dag", "--dot").splitlines()
        if "->" in text
    }
    # Nothing is pushed before both have looked at it, nothing trained before the data is valid.
    assert {("evaluator", "pusher"), ("infra_validator", "pusher")} <= arrows
    assert {("validator", "trainer"), ("schema", "validator"), ("statistics", "schema")} <= arrows


@pytest.mark.parametrize("small", [False, True], ids=["full", "small"])
def test_every_command_of_every_step_is_one_of_the_program(tmp_path, small):
    """The parser takes them, so each flag of params.yaml exists and has a value it may have."""
    project.write(tmp_path, "my photos/imgs", "csv", small)
    commands = list(running.commands(tmp_path))
    assert len(commands) == len(TFX) + 1  # training is followed by an export
    for arguments in commands:
        args = cli.build_parser().parse_args(arguments)
        assert callable(args.run)
    examples = cli.build_parser().parse_args(commands[0])
    assert (examples.command, examples.images) == ("preprocess", "my photos/imgs")


def test_dvc_reports_nothing_and_asks_nobody(line):
    config = (line / ".dvc" / "config").read_text()
    assert "analytics = false" in config and "check_update = false" in config
    assert project.environment()["DVC_NO_ANALYTICS"] == "1"


def test_git_is_used_where_the_folder_is_in_a_repository(tmp_path, line):
    assert "no_scm = True" in (line / ".dvc" / "config").read_text()
    for directory in (tmp_path / "top", tmp_path / "above" / "below"):
        repository = tmp_path / directory.relative_to(tmp_path).parts[0]
        subprocess.run(["git", "init", "-q", str(repository)], check=True)
        project.write(directory, "a", "b", small=True)
        assert "no_scm" not in (directory / ".dvc" / "config").read_text()


def test_a_folder_that_git_ignores_gets_along_without_it(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("build/\n")
    project.write(tmp_path / "build" / "line", "a", "b", small=True)
    assert "no_scm = True" in (tmp_path / "build" / "line" / ".dvc" / "config").read_text()


def test_photos_are_named_as_seen_from_the_lines_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["line", "init", "work", "--images", "my/photos", "--annotations", "/abs/csv"]
    assert cli.main(command) == 0
    params = YAML(typ="safe").load((tmp_path / "work" / "params.yaml").read_text())
    assert params["examples"]["images"] == "../my/photos"
    assert params["examples"]["annotations"] == "/abs/csv"


def test_a_line_is_not_written_over(line, capsys):
    before = (line / "params.yaml").read_bytes()
    assert cli.main(["line", "init", str(line)]) == 2
    assert "has a line already: dvc.yaml is there" in capsys.readouterr().err
    assert (line / "params.yaml").read_bytes() == before


def test_no_line(tmp_path, capsys):
    assert cli.main(["line", "run", str(tmp_path)]) == 2
    assert f"has no line: ganimation line init {tmp_path} makes one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("[]", "must list at least one condition: nothing is pushed without one"),
        ("[truth_eror<=1]", "no evaluation measures 'truth_eror'; did you mean truth_error?"),
        ("[truth_error]", "a gate is METRIC<=NUMBER"),
    ],
)
def test_a_gate_that_cannot_be_right_is_told_before_any_work(tmp_path, gate, message, capsys):
    project.write(tmp_path, "a", "b", small=True)
    params = tmp_path / "params.yaml"
    begin, _, _ = params.read_text().partition("  gate:")
    params.write_text(f"{begin}  gate: {gate}\n")
    assert cli.main(["line", "run", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("section", "replaced", "message"),
    [
        ("  seed: 0", "  seeed: 0", "ganimation train: unrecognized arguments: --seeed 0; did you"),
        ("  seed: 0", "  seed: none", "ganimation train: argument --seed: "),
        ("pusher:", "push:", "dvc.yaml: failed to parse 'stages.pusher.cmd'"),
    ],
)
def test_a_flag_that_cannot_be_is_told_before_any_work(
    tmp_path, section, replaced, message, capsys
):
    project.write(tmp_path, "a", "b", small=True)
    params = tmp_path / "params.yaml"
    assert section in params.read_text()
    params.write_text(params.read_text().replace(section, replaced))
    with pytest.raises(SystemExit) if "seed" in section else contextlib.nullcontext() as ended:
        assert cli.main(["line", "run", str(tmp_path)]) == 2
    assert ended is None or ended.value.code == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_parameters_that_are_no_yaml(tmp_path, capsys):
    project.write(tmp_path, "a", "b", small=True)
    (tmp_path / "params.yaml").write_text("a: [")
    assert cli.main(["line", "run", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "params.yaml: cannot be read" in error and error.count("\n") == 1


def test_two_at_once(line, capsys):
    lock = line / running._LOCK
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert cli.main(["line", "run", str(line)]) == 2
    assert capsys.readouterr().err == (
        f"ganimation line: {line}: the line is being run by another process\n"
    )


def test_a_step_that_fails_is_dvcs_to_tell_and_the_exit_code_is_1(line):
    assert cli.main(["line", "run", str(line)]) == 1  # there are no photos
