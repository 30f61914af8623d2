"""A folder for the line: `dvc.yaml`, `params.yaml`, and DVC set up to keep to itself."""

import configparser
import importlib.resources
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Sequence

from ganimation_tf import files
from ganimation_tf.errors import UserError, as_user_error

PIPELINE, PARAMS = "dvc.yaml", "params.yaml"
IGNORED = ("/runs/", "/models/", "/dvc_plots/")
"""What lies beside the steps' outputs and is nobody's version: states of training, and the model
directory, which numbers its own versions."""

SETTINGS = {
    "core": {
        "analytics": "false",  # DVC sends usage reports otherwise
        "check_update": "false",  # and asks the network for newer versions
    },
    "parsing": {"list": "append"},  # a list in params.yaml is a flag given several times
}


def write(directory: pathlib.Path, images: str, annotations: str, small: bool) -> list[str]:
    """Makes a folder for the line.

    Args:
        directory: new, or without a line.
        images, annotations: inputs of `ganimation preprocess`; relative ones to `directory`.
        small: parameters for drawn faces and minutes.

    Returns:
        The names of the files that it wrote.

    Raises:
        UserError: if there is a line already, or it cannot be written.
    """
    for name in (PIPELINE, PARAMS):
        if (directory / name).exists():
            raise UserError(f"{directory} has a line already: {name} is there")
    with as_user_error(f"{directory}: cannot be written"):
        directory.mkdir(parents=True, exist_ok=True)
        _set_up_dvc(directory)
        with (directory / ".gitignore").open("a", encoding="utf-8") as file:
            file.writelines(f"{name}\n" for name in IGNORED)
    params = template("params-small.yaml" if small else PARAMS)
    params = params.replace("{images}", json.dumps(images))  # a JSON string is a YAML one
    params = params.replace("{annotations}", json.dumps(annotations))
    files.write_whole(directory / PARAMS, params.encode())
    files.write_whole(directory / PIPELINE, template(PIPELINE).encode())
    return [PIPELINE, PARAMS]


def template(name: str) -> str:
    """The text of a file of `templates/`."""
    place = importlib.resources.files("ganimation_tf.line") / "templates" / name
    return place.read_text(encoding="utf-8")


def dvc(
    directory: pathlib.Path, arguments: Sequence[str], **options
) -> subprocess.CompletedProcess:
    """Runs DVC in a folder; it finds this very program, and sends nothing anywhere.

    Args:
        options: of `subprocess.run`.
    """
    command = [sys.executable, "-P", "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=directory, env=environment(), **options)


def environment() -> dict[str, str]:
    """That of DVC's process."""
    programs = str(pathlib.Path(sys.executable).parent)
    path = os.pathsep.join(filter(None, (programs, os.environ.get("PATH"))))
    return os.environ | {"PATH": path, "DVC_NO_ANALYTICS": "1"}


def _set_up_dvc(directory: pathlib.Path) -> None:
    """A repository of DVC's of its own; with git where the folder is in a git repository that does
    not ignore it, which is what `dvc metrics diff` and the like need."""
    if not (directory / ".dvc").is_dir():
        how = {None: ["--no-scm"], "": [], "inside": ["--subdir"]}[_git(directory)]
        done = dvc(directory, ["init", "--quiet", *how], capture_output=True, text=True)
        if done.returncode:
            raise UserError(f"{directory}: DVC cannot be set up: {done.stderr.strip()}")
    path = directory / ".dvc" / "config"
    config = configparser.ConfigParser()
    config.read(path, encoding="utf-8")
    config.read_dict(SETTINGS)
    with path.open("w", encoding="utf-8") as file:
        config.write(file)


def _git(directory: pathlib.Path) -> str | None:
    """None: no git repository has the folder; "": it is the top of one; else it is inside."""

    def ask(*arguments: str) -> str | None:
        command = ["git", "-C", str(directory), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except OSError:  # no git here
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    prefix = ask("rev-parse", "--show-prefix")
    if prefix is None or ask("check-ignore", "--quiet", ".dvc") is not None:
        return None
    return "inside" if prefix else ""
