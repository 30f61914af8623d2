"""The commands of this package, as processes of their own."""

import os
import pathlib
import subprocess
import sys

import ganimation_tf
from ganimation_tf.errors import UserError

USER_ERROR = 2


def ganimation(*arguments: str) -> subprocess.CompletedProcess:
    """Runs one command to its end; its output is kept as text."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "ganimation_tf", *arguments],
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def _environment() -> dict[str, str]:
    """This package is found also where it is not installed."""
    root = str(pathlib.Path(ganimation_tf.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return os.environ | {"PYTHONPATH": path}


def judged(*arguments: str) -> str:
    """What a command prints that judges a model, and exits with 1 where it fails.

    Raises:
        UserError: if the command refuses what it was asked.
        RuntimeError: if it ends otherwise, with its last lines.
    """
    done = ganimation(*arguments)
    if done.returncode not in (0, 1):
        kind = UserError if done.returncode == USER_ERROR else RuntimeError
        raise kind(done.stderr.strip()[-2000:])
    return done.stdout
