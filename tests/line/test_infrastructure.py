"""An export is served by a process of its own; what cannot be served is not blessed."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest
from waiting import wait_for

from ganimation_tf import cli, files
from ganimation_tf.blessing import INFRASTRUCTURE, Blessing


def test_a_model_that_serves_is_blessed(model_dir, tmp_path, capsys):
    export, note = model_dir / "2", tmp_path / "infra.json"
    assert cli.main(["infra-validate", str(export), "-o", str(note)]) == 0
    blessing = Blessing.load(note, INFRASTRUCTURE)
    assert blessing.blessed and blessing.model == files.tree_digest(export)
    assert blessing.facts["milliseconds_per_face"] > 0
    assert f"{export} is blessed" in capsys.readouterr().out


def test_a_damaged_model_is_not_and_the_servers_words_say_why(model_dir, tmp_path, capsys):
    export, note = tmp_path / "1", tmp_path / "infra.json"
    shutil.copytree(model_dir / "2", export)
    (export / "saved_model.pb").write_bytes(b"damaged")
    assert cli.main(["infra-validate", str(export), "-o", str(note)]) == 1
    out = capsys.readouterr().out
    assert "failed     the server ended: " in out and "cannot be loaded as a SavedModel" in out
    assert f"{export} is not blessed" in out
    assert json.loads(note.read_text())["blessed"] is False


def test_the_server_does_not_outlive_a_validation_that_is_killed(model_dir, tmp_path):
    command = [sys.executable, "-m", "ganimation_tf", "infra-validate", str(model_dir / "2")]
    temporary = {"TMPDIR": str(tmp_path)}
    validation = subprocess.Popen(command, env=os.environ | temporary, stdout=subprocess.DEVNULL)
    try:
        (server,) = wait_for(lambda: children(validation.pid), "no server")
    finally:
        validation.send_signal(signal.SIGKILL)
        validation.wait()
    assert wait_for(lambda: not pathlib.Path(f"/proc/{server}").exists(), "left behind")


def children(pid: int) -> list[str]:
    """Processes that this one has started."""
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "is no SavedModel"), (["--seconds", "0"], "--seconds must be above 0, got 0")],
)
def test_bad_arguments(tmp_path, arguments, message, capsys):
    assert cli.main(["infra-validate", str(tmp_path), *arguments]) == 2
    assert message in capsys.readouterr().err
