"""Worker processes on this machine, as the submitting process sees them. Imports no Beam.

So they can be on their way before it has imported Beam for itself.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Self

from ganimation_tf.errors import UserError
from pipeline import local


class LocalWorkers:
    """A source of worker processes; a context manager, at whose end all of them end.

    Attributes:
        count: number of workers; with 1 the job runs in this process and none is started.
    """

    def __init__(self, count: int):
        self.count = count
        self._abort: dict[str, Callable[[Exception], None]] = {}
        self._process: _Spawner | None = None
        self._closing = False
        self._failure = ""
        self._failed = threading.Event()
        if count > 1 and local.usable():
            self._process = _spawn()
            self._listener = threading.Thread(
                target=self._listen, args=(self._process,), name="workers", daemon=True
            )
            self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self._closing = True
        if self._process:
            if not self._abort:  # no worker was started, so none would be left behind
                self._process.kill()
            with contextlib.suppress(BrokenPipeError):  # it has ended by itself
                self._process.stdin.close()
            self._listener.join()
            self._process.stdout.close()

    def start(
        self, worker: str, environment: Mapping[str, str], abort: Callable[[Exception], None]
    ) -> None:
        """Starts one worker.

        Args:
            worker: its name.
            environment: variables for Beam's `sdk_worker_main`.
            abort: called, from another thread, if the process ends otherwise than well.

        Raises:
            RuntimeError: if no worker can be started.
        """
        if self._process is None:
            raise RuntimeError("worker processes cannot be started on this system")
        self._abort[worker] = abort
        request = json.dumps({"worker": worker, "environment": dict(environment)})
        try:
            self._process.stdin.write(f"{request}\n".encode())
            self._process.stdin.flush()
        except OSError as error:
            raise RuntimeError(f"worker processes cannot be started: {error}") from error

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """What the runner raises because a worker has died becomes an error that says so.

        Raises:
            UserError: if a worker has died.
        """
        try:
            yield
        except Exception as error:
            # What breaks in the runner may come before the report of the process that broke it.
            if self._process and self._failed.wait(0.5):
                raise UserError(self._failure) from error
            raise

    def _listen(self, process: "_Spawner") -> None:
        for line in process.stdout:
            report = json.loads(line)
            if report["status"]:
                self._ended([self._abort[report["worker"]]], report["status"])
        self._ended([*self._abort.values()], process.wait())

    def _ended(self, aborts: Sequence[Callable[[Exception], None]], status: int) -> None:
        """Tells of an end, also where no worker was asked for yet."""
        if self._closing:
            return
        how = f"with status {status}"
        if status < 0:
            how = f"by {signal.Signals(-status).name}"
            how += ", perhaps for want of memory" if status == -signal.SIGKILL else ""
        self._failure = f"a worker process was ended {how}; run again, the job goes on from there"
        self._failed.set()
        for abort in aborts:
            abort(RuntimeError(self._failure))


class _Spawner(subprocess.Popen[bytes]):
    """The process that starts workers; takes requests and reports ends, a line of JSON each."""

    stdin: IO[bytes]
    stdout: IO[bytes]


def _spawn() -> _Spawner:
    # This process's own path instead of `-m`'s, whose first entry is the current directory: a
    # folder there called `pipeline` would run in place of ours.
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    # The workers are the parallelism; a pool of threads in each would fight them.
    single = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    return _Spawner(
        [sys.executable, "-P", "-m", "pipeline.local.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path, **single},
    )
