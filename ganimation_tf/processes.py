"""Processes that run a module of this project, also where it is not installed."""

import os
import pathlib
import sys


def command(module: str, *arguments: str) -> list[str]:
    """What runs a module, wherever it is called: the current directory is not searched."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """That of such a process: this one's, and where this very package lies."""
    root = str(pathlib.Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return os.environ | {"PYTHONPATH": path}
