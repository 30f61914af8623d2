"""The commands of this package, as processes of their own."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

import ganimation_tf

START_SECONDS = 600


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-P", "-m", "ganimation_tf", *arguments]


def _environment() -> dict[str, str]:
    """This package is found also where it is not installed."""
    root = str(pathlib.Path(ganimation_tf.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return os.environ | {"PYTHONPATH": path}


def ganimation(*arguments: str) -> subprocess.CompletedProcess:
    """Runs one command to its end; its output is kept as text."""
    return subprocess.run(
        _command(arguments), env=_environment(), capture_output=True, text=True, check=False
    )


@contextlib.contextmanager
def server(model_dir: pathlib.Path) -> Iterator[str]:
    """`ganimation serve` on a free port; ended at the end.

    Yields:
        HOST:PORT.

    Raises:
        RuntimeError: with its last lines, if it does not start to serve.
    """
    with tempfile.NamedTemporaryFile("r+", suffix=".log") as log:
        command = _command(["serve", "--model-dir", str(model_dir), "--port", "0"])
        process = subprocess.Popen(command, stdout=log, stderr=log, env=_environment())
        try:
            yield _address(process, pathlib.Path(log.name))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _address(process: subprocess.Popen, log: pathlib.Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if said := re.search(r"^serving .* at (\S+:\d+)", log.read_text(), re.MULTILINE):
            return said[1]
        time.sleep(0.2)
    raise RuntimeError(f"the server did not start: {log.read_text().strip()[-2000:]}")
