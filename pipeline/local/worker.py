"""The process from which local workers are forked: what they need is imported once, for all.

Started by `local.workers.LocalWorkers`. Importing Beam and OpenCV takes 3 CPU seconds and 150 MiB;
a fork takes milliseconds, and shares that memory. Forking is safe here and only here: this process
never opens a gRPC channel and never starts a thread of Python's.

Standard input brings a line of JSON for each worker to start: `worker`, its name, and
`environment`, what Beam's worker expects in its environment variables. Standard output tells of
each worker that ended: `worker` and `status`, negative for a signal. The end of standard input,
which the death of the submitting process brings about, ends all workers.
"""

import contextlib
import gc
import importlib
import json
import logging
import os
import selectors
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

_GRACE = 2.0  # seconds

_NEEDED = ("pipeline.preprocess", "apache_beam.runners.worker.sdk_worker_main")


def main() -> None:
    """Starts workers until standard input ends."""
    # Ctrl-C reaches the whole process group; the submitting process answers it and ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reports = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no report
    logging.disable(logging.WARNING)  # Beam warns, on import, of libraries it can do without
    for name in _NEEDED:
        importlib.import_module(name)
    logging.disable(logging.NOTSET)
    gc.freeze()  # or the first collection in a worker would copy every shared page
    supervise(0, reports, _work)


def supervise(requests: int, reports: int, work: Callable[[Mapping[str, str]], None]) -> None:
    """Starts a process for each request and reports the end of each.

    No signal handler does any work: a second signal may enter it while the first is at it. A
    handler only wakes the one loop that both starts processes and waits for them.

    Args:
        requests: file descriptor of the lines to read; when it ends, so do all processes.
        reports: file descriptor of the lines to write.
        work: is called in each new process with the environment of its request.
    """
    woken, waking = os.pipe()
    for end in (woken, waking):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(waking, warn_on_full_buffer=False)  # a full pipe wakes as well
    signal.signal(signal.SIGCHLD, lambda *_: None)  # for the default none would wake
    workers: dict[int, str] = {}
    waiting = b""

    def started(request: Mapping[str, Any]) -> int:
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            for end in (reports, woken, waking):
                os.close(end)
            _run(work, request["environment"])
        return pid

    with selectors.DefaultSelector() as selector:
        for end in (requests, woken):
            selector.register(end, selectors.EVENT_READ)
        while True:
            ready = {key.fd for key, _ in selector.select()}
            if woken in ready:
                os.read(woken, 1 << 16)
                _report_ended(workers, reports)
            if requests not in ready:
                continue
            received = os.read(requests, 1 << 16)
            if not received:
                break
            *lines, waiting = (waiting + received).split(b"\n")
            for request in map(json.loads, lines):
                workers[started(request)] = request["worker"]
        selector.unregister(requests)
        _let_end(selector, woken, workers, reports)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)


def _let_end(
    selector: selectors.BaseSelector, woken: int, workers: dict[int, str], reports: int
) -> None:
    """Waits a while for processes whose connection is closing.

    They end by themselves; killed meanwhile, they would leave an exception in a thread of the
    runner's.
    """
    end = time.monotonic() + _GRACE
    while workers and (left := end - time.monotonic()) > 0:
        if selector.select(left):
            os.read(woken, 1 << 16)
            _report_ended(workers, reports)


def _report_ended(workers: dict[int, str], reports: int) -> None:
    """Reports those that have ended, and forgets them."""
    for pid in list(workers):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            facts = {"worker": workers.pop(pid), "status": os.waitstatus_to_exitcode(status)}
            with contextlib.suppress(BrokenPipeError):  # the submitting process has died
                os.write(reports, f"{json.dumps(facts)}\n".encode())


def _run(work: Callable[[Mapping[str, str]], None], environment: Mapping[str, str]) -> None:
    """Does the work of a new process and ends it; never returns."""
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        work(environment)
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        # Not through the interpreter's end: the lines after the fork are not for this process.
        sys.stderr.flush()
        os._exit(status)


def _work(environment: Mapping[str, str]) -> None:
    """Serves the runner whose address is in `environment` until that closes."""
    from apache_beam.runners.worker import sdk_worker_main

    from pipeline import disk

    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    logging.getLogger(sdk_worker_main.__name__).setLevel(logging.ERROR)
    disk.quieten()
    sys.stderr = disk.WorkerErrors(sys.stderr)
    os.environ.update(environment)
    sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
