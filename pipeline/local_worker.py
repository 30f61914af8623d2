"""The process from which local workers are forked: what they need is imported once, for all.

Started by `local_workers.LocalWorkers`. Importing Beam and OpenCV takes 3 CPU seconds and 150 MiB;
a fork takes milliseconds, and shares that memory. Forking is safe here and only here: this process
never opens a gRPC channel and never starts a thread of Python's.

Standard input brings a line of JSON for each worker to start: `worker`, its name, and
`environment`, what Beam's worker expects in its environment variables. Standard output tells of
each worker that ended: `worker` and `status`, negative for a signal. The end of standard input,
which the death of the submitting process brings about, ends all workers.
"""

import gc
import importlib
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Mapping

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
    workers: dict[int, str] = {}

    def report(*_) -> None:
        for pid in list(workers):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                facts = {"worker": workers.pop(pid), "status": os.waitstatus_to_exitcode(status)}
                os.write(reports, f"{json.dumps(facts)}\n".encode())

    signal.signal(signal.SIGCHLD, report)
    # Not read while a worker is being noted: its end could come in between.
    for line in sys.stdin.buffer:
        request = json.loads(line)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        pid = os.fork()
        if not pid:
            os.close(reports)
            _work(request["environment"])
        workers[pid] = request["worker"]
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)


def _work(environment: Mapping[str, str]) -> None:
    """Serves the runner whose address is in `environment` until that closes; never returns."""
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        from apache_beam.runners.worker import sdk_worker_main

        logging.getLogger("apache_beam").setLevel(logging.WARNING)
        logging.getLogger(sdk_worker_main.__name__).setLevel(logging.ERROR)
        os.environ.update(environment)
        sdk_worker_main.main(sys.argv)
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        # Not through the interpreter's end: the lines after the fork are not for this process.
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
