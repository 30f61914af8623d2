"""Which code this is and what it runs on: version, commit, lock file, libraries, processor."""

import hashlib
import importlib.metadata
import pathlib
import platform
import subprocess
from typing import Any

from ganimation_tf import __version__, processor

LIBRARIES = (
    *("numpy", "opencv-python-headless", "tensorflow", "keras", "apache-beam"),
    *("tensorflow-serving-api", "grpcio"),
)
"""Distributions whose versions what is made depends on."""

LOCK = pathlib.Path(__file__).parents[1] / "requirements.lock"
"""Of a checkout; an installed copy has none."""


def made_with() -> dict[str, Any]:
    """What is to be known of a process to make the same again; all values are plain.

    `version` and `commit` as `package_origin` has them; `lock`, SHA-256 of the checkout's
    `requirements.lock`, None without one; `python`; `libraries`, name to version, None where it is
    not installed; `cpu`, the `processor.cpu_class()`.
    """
    return {
        **package_origin(),
        "lock": hashlib.sha256(LOCK.read_bytes()).hexdigest() if LOCK.is_file() else None,
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "cpu": processor.cpu_class(),
    }


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def package_origin() -> dict[str, str | None]:
    """`version`, and `commit`: the checkout's, with `-dirty` after it where files were changed.

    The commit is None for an installed copy, also where that lies in somebody else's checkout.
    """
    return {"version": __version__, "commit": _commit(pathlib.Path(__file__))}


def _commit(file: pathlib.Path) -> str | None:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(file.parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", file.name)  # fails unless the checkout is this package's
        return git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") or None
    except (OSError, subprocess.CalledProcessError):
        return None
