"""How far a job is, told by small files that workers leave beside their shards.

Files work alike on every runner and filesystem; Beam's own counters cannot be read while its
local runner runs.
"""

import glob
import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import TextIO

from apache_beam.io.filesystems import FileSystems

from ganimation_tf.inputs import FileError
from ganimation_tf.progress import Display
from pipeline import files

TEMPORARY = ".tmp-"
"""How the names of a running job's files begin; a finished dataset has none."""

_PREFIX = f"{TEMPORARY}progress-"
_WORKER_SECONDS = 2.0  # between a worker's notes; object stores allow about one write a second
_POLL_SECONDS = 0.5


class ShardProgress:
    """What a worker says about the shard it is writing."""

    def __init__(self, output: str, shard: str):
        self._path = FileSystems.join(output, f"{_PREFIX}{shard}.json")
        self._images = 0
        self._rejected = 0
        self._next = time.monotonic() + _WORKER_SECONDS

    def add(self, images: int, rejected: int) -> None:
        """Notes `images` more images, and that `rejected` inputs are rejected so far."""
        self._images += images
        self._rejected = rejected
        if time.monotonic() > self._next:
            self.write()

    def write(self) -> None:
        """Tells the watcher at once."""
        facts = {"images": self._images, "rejected": self._rejected}
        files.write_text(self._path, json.dumps(facts))
        self._next = time.monotonic() + _WORKER_SECONDS


class Watcher:
    """Runs a job and shows how far it is: a bar on a terminal, elsewhere a line now and then."""

    def __init__(self, output: str, total: int, stream: TextIO | None = None):
        """Watches the directory `output` of a job over `total` images."""
        self._pattern = f"{glob.escape(output)}/{_PREFIX}*"
        self._total = total
        self._stream = stream or sys.stderr
        self._shards: dict[str, tuple[float, Mapping[str, int]]] = {}
        self._interrupted = False

    def run(self, job: Callable[[], object]) -> None:
        """Runs the job to its end, while a thread shows progress.

        Raises:
            KeyboardInterrupt: on Ctrl-C and SIGTERM, also if Beam makes another exception of it.
        """
        done = threading.Event()
        thread = threading.Thread(target=self._watch, args=(done,), name="progress", daemon=True)
        in_main = threading.current_thread() is threading.main_thread()
        numbers = (signal.SIGINT, signal.SIGTERM) if in_main else ()
        before = {number: signal.signal(number, self._interrupt) for number in numbers}
        thread.start()
        try:
            job()
        except Exception:
            if self._interrupted:
                raise KeyboardInterrupt from None
            raise
        finally:
            done.set()
            thread.join()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupt(self, *_) -> None:
        self._interrupted = True
        # The interrupted step would be logged as a failure, with its traceback.
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
        raise KeyboardInterrupt

    def _watch(self, done: threading.Event) -> None:
        started = time.monotonic()
        with Display(self._total, "images", self._stream) as display:
            while not done.wait(_POLL_SECONDS):
                self._collect()
                display.show(*self._state(time.monotonic() - started))

    def _collect(self) -> None:
        try:
            notes = FileSystems.match([self._pattern])[0].metadata_list
        except OSError:  # BeamIOError is one; a store that is out of reach for a moment
            return
        for note in notes:
            changed = note.last_updated_in_seconds
            if self._shards.get(note.path, (None,))[0] == changed:
                continue
            try:
                self._shards[note.path] = changed, json.loads(files.read(note.path, 1000))
            except (FileError, ValueError):
                pass  # being written at this moment: the next look finds it

    def _state(self, seconds: float) -> tuple[int, str]:
        """Images that are done, and what else there is to say."""
        done = sum(facts["images"] for _, facts in self._shards.values())
        rejected = sum(facts["rejected"] for _, facts in self._shards.values())
        remaining = max(0, self._total - done)
        return done, f"{done / seconds:.0f} images/s, {rejected} rejected, {remaining} remaining"
