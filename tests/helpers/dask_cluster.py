"""A Dask scheduler and workers as processes of their own, on loopback or in other namespaces."""

import contextlib
import os
import pathlib
import site
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from waiting import wait_for

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

    def __init__(self, folder: pathlib.Path, host: str = "127.0.0.1", **settings: str):
        """At `host`, with `settings` of Dask's in the scheduler's environment."""
        self._folder = folder
        self._settings = settings
        port = free_port()
        self._address = f"tcp://{host}:{port}"
        self.engine = f"dask://{host}:{port}"
        arguments = ("--host", host, "--port", str(port), "--no-dashboard")
        self._scheduler = self._started("scheduler", *arguments)
        self.workers: list[subprocess.Popen] = []
        wait_for(lambda: reached(port, host), "no scheduler")

    def add_worker(self, within: Sequence[str] = ()) -> subprocess.Popen:
        """One more worker of one thread, which ends when it is killed.

        Args:
            within: a command that runs what follows it somewhere else.
        """
        arguments = (self._address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
        self.workers.append(self._started("worker", *arguments, within=within))
        return self.workers[-1]

    def close(self) -> None:
        """Ends all of it."""
        for process in (*self.workers, self._scheduler):
            process.kill()
            process.wait()

    def _started(self, what: str, *arguments: str, within: Sequence[str] = ()) -> subprocess.Popen:
        program = BARE.format(site=site.getsitepackages(), what=what)
        log = self._folder / f"{what}-{time.monotonic_ns()}.log"
        with log.open("w") as out:
            return subprocess.Popen(
                [*within, sys.executable, "-S", "-P", "-c", program, *arguments],
                cwd=self._folder,
                env={
                    **os.environ,
                    **self._settings,
                    "OMP_NUM_THREADS": "1",
                    # Killed, they leave their scratch space behind.
                    "DASK_TEMPORARY_DIRECTORY": str(self._folder),
                },
                stdout=out,
                stderr=subprocess.STDOUT,
            )


@contextlib.contextmanager
def running(
    folder: pathlib.Path, workers: int, host: str = "127.0.0.1", **settings: str
) -> Iterator[Cluster]:
    """A cluster with so many workers."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(folder, host, **settings)
    try:
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        cluster.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def reached(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody listens there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), 1):
        return True
    return False
