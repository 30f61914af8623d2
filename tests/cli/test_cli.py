"""What all commands share: errors on one line, interruptions, odd terminals, small commands."""

import errno
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
from waiting import wait_for

import interrupts
from ganimation_tf import __version__, cli, errors, origin
from ganimation_tf.action_units import APPEARANCES, DESCRIPTIONS
from ganimation_tf.cli import version

ROOT = pathlib.Path(__file__).parents[2]

COMMAND = [sys.executable, "-m", "ganimation_tf"]


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version_is_one_line(flag, capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main([flag])
    assert capsys.readouterr().out == f"ganimation {__version__}\n"


def test_version_names_what_a_report_needs(capsys):
    assert cli.main(["version"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"ganimation {__version__}")
    assert [line.split()[0] for line in lines[2:]] == [*origin.LIBRARIES, "processor"]


def test_every_action_unit_is_described(capsys):
    assert cli.main(["action-units"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == list(DESCRIPTIONS)
    assert APPEARANCES.keys() == DESCRIPTIONS.keys()


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_every_command(shell, capsys):
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(command in script for command in cli.COMMANDS)
    assert "--preset" in script


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_flag_says_what_it_is(command):
    parser = cli.build_parser()
    (commands,) = (a for a in parser._actions if hasattr(a, "choices") and a.choices)
    undescribed = [a.option_strings for a in commands.choices[command]._actions if not a.help]
    assert undescribed == []


def fail_with(monkeypatch, error):
    def run(*_):
        raise error

    monkeypatch.setattr(version, "run", run)
    return cli.main(["version"])


def test_a_state_of_the_machine_is_one_line(monkeypatch, capsys):
    full = OSError(errno.ENOSPC, "No space left on device", "a.jpg")
    assert fail_with(monkeypatch, full) == 2
    expected = "ganimation version: No space left on device: 'a.jpg'\n"
    assert capsys.readouterr().err == expected


def test_a_bug_keeps_its_traceback(monkeypatch):
    with pytest.raises(FileNotFoundError):
        fail_with(monkeypatch, FileNotFoundError(errno.ENOENT, "No such file", "a.jpg"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[Errno 28] No space left on device: 'a'", "No space left on device: 'a'"),
        ("{{function_node __wrapped__X}} corrupted record [Op:IteratorNext]", "corrupted record"),
        ("first line\nsecond", "first line"),
        ("", "ValueError"),
    ],
)
def test_messages_say_what_a_person_can_read(text, shown):
    assert errors.reason(ValueError(text)) == shown


def test_a_name_that_the_terminal_lacks_ends_no_command(tmp_path):
    missing = tmp_path / "\u4eba" / "dataset"
    done = subprocess.run(
        [*COMMAND, "inspect", str(missing)],
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
        capture_output=True,
    )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr and b"\\u4eba" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_tensorflow_loads_is_one_line(number):
    program = "from ganimation_tf import quiet; print('at it', flush=True); "
    program += "quiet.import_tensorflow()"
    with interrupts.heard():
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert process.stdout.readline() == "at it\n"
    time.sleep(0.3)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr == "ganimation: interrupted\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_half_written_stays_of_a_command_that_is_told_to_end(tmp_path, number):
    photo = ROOT / "examples" / "portraits" / "faker_male_91.jpg"
    options = ["--au=AU12=1", "--frames=900", "--crop=whole"]
    with interrupts.heard():
        process = subprocess.Popen(
            [*COMMAND, "animate", str(photo), "-o", f"{tmp_path}/frames/", *options],
            stderr=subprocess.PIPE,
            text=True,
        )
    wait_for(lambda: list(tmp_path.glob(".*.partial/*.png")), "no frame is written")
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in stderr, stderr
    assert stderr.splitlines()[-1] == "ganimation animate: interrupted"
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_while_a_class_is_being_made_has_the_same_exit_code(tmp_path):
    """Dataclasses are made by `exec`, during imports; Python does not forget a Ctrl-C in one."""
    program = """
import ganimation_tf.cli
def main():
    try:
        exec("raise KeyboardInterrupt")
    except KeyboardInterrupt:
        return 130
ganimation_tf.cli.main = main
"""
    (tmp_path / "sitecustomize.py").write_text(program)
    path = f"{tmp_path}{os.pathsep}{pathlib.Path(cli.__file__).parents[2]}"
    done = subprocess.run(COMMAND, env=os.environ | {"PYTHONPATH": path}, timeout=60)
    assert done.returncode == 130


def test_a_command_whose_output_nobody_reads_says_nothing():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*COMMAND, "action-units"], stdout=write, stderr=subprocess.PIPE, text=True, timeout=60
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, "action-units"]
    done = subprocess.run(closed, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, capsys):
    (link := tmp_path / "link").symlink_to(tmp_path / "gone" / "away")
    assert cli.main(["synthesize", "--count=1", str(link)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"ganimation synthesize: {link}: cannot be written: File exists"


def test_a_command_gives_sigterm_back():
    before = signal.getsignal(signal.SIGTERM)
    assert cli.main(["expressions"]) == 0
    assert signal.getsignal(signal.SIGTERM) == before


def test_keras_is_set_up_for_these_networks_whatever_others_need(tmp_path):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(
        '{"floatx": "float16", "backend": "torch", "image_data_format": "channels_first"}'
    )
    program = "from ganimation_tf import quiet; quiet.import_tensorflow(); import keras; "
    program += "print(*(getattr(keras.config, n)() for n in ('backend', 'floatx', "
    program += "'image_data_format')), keras.config.dtype_policy().name)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"HOME": str(tmp_path), "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "tensorflow float32 channels_last float32\n"


@pytest.mark.parametrize(
    ("record", "command"),
    [
        (None, "pip install 'ganimation-tf[train]'"),
        (
            '{"url": "file:///home/me/gan", "dir_info": {"editable": true}}',
            "pip install -e '/home/me/gan[train]'",
        ),
        (
            '{"url": "file:///tmp/g-0.1-py3-none-any.whl", "archive_info": {}}',
            "pip install 'ganimation-tf[train] @ file:///tmp/g-0.1-py3-none-any.whl'",
        ),
        (
            '{"url": "https://a.b/c", "vcs_info": {"vcs": "git", "commit_id": "12"}}',
            "pip install 'ganimation-tf[train] @ git+https://a.b/c@12'",
        ),
    ],
)
def test_the_advised_command_installs_from_where_the_package_came(monkeypatch, record, command):
    class Distribution:
        read_text = staticmethod(lambda name: record)

    monkeypatch.setattr("importlib.metadata.distribution", lambda name: Distribution)
    assert errors.install_command("train") == command


@pytest.mark.parametrize(
    ("former", "current"),
    [
        ("synthesize photos --size 64", "synthesize --output photos --image-size 64"),
        ("train --data d --runs r", "train --data d --output r"),
        ("export --run r --model-dir m", "export --run r --output m"),
    ],
)
def test_a_former_name_means_the_same_and_is_in_no_help(former, current, capsys):
    parser = cli.build_parser()
    before, now = (vars(parser.parse_args(text.split())) for text in (former, current))
    before["output"] = before.get("output") or before.pop("out", None)
    assert {k: str(v) for k, v in before.items()} == {k: str(v) for k, v in now.items()}
    with pytest.raises(SystemExit):
        parser.parse_args([former.split()[0], "--help"])
    assert (
        not set(former.split())
        & {"--size", "--runs", "--model-dir"}
        & set(capsys.readouterr().out.replace("[", " ").split())
    )


@pytest.mark.parametrize("command", ["synthesize", "demo", "export --run r"])
def test_an_output_is_required(command, capsys):
    assert cli.main(command.split()) == 2
    assert capsys.readouterr().err == f"ganimation {command.split()[0]}: --output DIR is required\n"


def test_help_loads_nothing_that_is_slow():
    """What keeps `ganimation --help` under 0.4 s; numpy alone takes half of that."""
    code = (
        "import sys, ganimation_tf.cli as cli; cli.build_parser();"
        "print({'numpy', 'cv2', 'google', 'grpc', 'rich'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def error_of(capsys, *words: str) -> str:
    with pytest.raises(SystemExit, match="2"):
        cli.main(words)
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_an_unknown_flag_is_named_by_its_command(capsys):
    line = error_of(capsys, "inspect", "dataset", "--sheets", "a.png")
    assert line.startswith("ganimation inspect: unrecognized arguments: --sheets a.png")
    line = error_of(capsys, "animate", "a.jpg", "--expresion", "fear")
    assert "did you mean --expression?" in line


def test_a_file_whose_name_is_like_a_flag(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-a.jpg").touch()
    line = error_of(capsys, "animate", "-a.jpg", "-o", "b.png")
    assert "for the file of that name write ./-a.jpg" in line
