"""A Dask scheduler and workers as processes of their own, on loopback."""

import contextlib
import os
import pathlib
import site
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

BARE = """
import sys
sys.path += {site!r}
from distributed.cli.dask_{what} import main
main()
"""
"""Run with -S, which leaves editable installs out: this project cannot be imported."""


class Cluster:
    """A scheduler and the workers that were started.

    Attributes:
        engine: `dask://HOST:PORT`, as the command line takes it.
        workers: their processes.
    """

    def __init__(self, folder: pathlib.Path, **settings: str):
        """With `settings` of Dask's in the scheduler's environment."""
        self._folder = folder
        self._settings = settings
        port = free_port()
        self._address = f"tcp://127.0.0.1:{port}"
        self.engine = f"dask://127.0.0.1:{port}"
        arguments = ("--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
        self._scheduler = self._started("scheduler", *arguments)
        self.workers: list[subprocess.Popen] = []
        wait_for(lambda: reached(port), "no scheduler")

    def add_worker(self) -> subprocess.Popen:
        """One more worker of one thread, which ends when it is killed."""
        arguments = (self._address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
        self.workers.append(self._started("worker", *arguments))
        return self.workers[-1]

    def close(self) -> None:
        """Ends all of it."""
        for process in (*self.workers, self._scheduler):
            process.kill()
            process.wait()

    def _started(self, what: str, *arguments: str) -> subprocess.Popen:
        program = BARE.format(site=site.getsitepackages(), what=what)
        log = self._folder / f"{what}-{time.monotonic_ns()}.log"
        with log.open("w") as out:
            return subprocess.Popen(
                [sys.executable, "-S", "-P", "-c", program, *arguments],
                cwd=self._folder,
                env={**os.environ, **self._settings, "OMP_NUM_THREADS": "1"},
                stdout=out,
                stderr=subprocess.STDOUT,
            )


@contextlib.contextmanager
def running(folder: pathlib.Path, workers: int, **settings: str) -> Iterator[Cluster]:
    """A cluster with so many workers."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(folder, **settings)
    try:
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        cluster.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def reached(port: int) -> bool:
    """Whether somebody listens there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def wait_for(condition, what: str, seconds: float = 240.0):
    """What `condition` returns once that is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return found
