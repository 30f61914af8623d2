"""Watches a model directory: new versions are loaded, warmed up and put in place.

The policy is TensorFlow Serving's default, the latest version. A new one is loaded and warmed up
beside the old one, which serves until then. A version that is deleted makes room for the next
lower one; when none is left, requests are answered NOT_FOUND.

A directory counts once it holds `saved_model.pb` and two looks in a row, one poll apart, find the
same files in it: a copy under way is left alone. One that does not load, or fails its warm-up, is
reported and not tried again until its files change.
"""

import gc
import logging
import pathlib
import threading
import time

from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus

from ganimation_tf.errors import UserError
from serving.metrics import Metrics
from serving.models import SAVED_MODEL, ModelVersions, load_version
from serving.warmup import warm_up

_log = logging.getLogger(__name__)

Snapshot = frozenset[tuple[str, int, int]]
"""Name, size and time of change of each file of a version."""

MAX_VERSION = 2**63 - 1


class Watcher:
    """Keeps the served version in step with a directory.

    Args:
        model: where loaded versions are published.
        poll_seconds: time between two looks; 0: the directory is looked at once.
    """

    def __init__(
        self,
        model_dir: pathlib.Path,
        model: ModelVersions,
        metrics: Metrics,
        poll_seconds: float,
    ):
        self._root = model_dir
        self._model = model
        self._metrics = metrics
        self._poll_seconds = poll_seconds
        self._seen: dict[int, Snapshot] = {}
        self._failed: dict[int, tuple[Snapshot, str]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def load_first(self) -> None:
        """Serves the highest version that works, at once.

        Raises:
            UserError: if there is none.
        """
        found = find_versions(self._root)
        if not found:
            names = " ".join(sorted(path.name for path in self._root.iterdir())[:8]) or "nothing"
            raise UserError(
                f"{self._root}: a model directory holds numbered versions such as "
                f"1/{SAVED_MODEL}; found {names}"
            )
        for number, path in found.items():
            self._seen[number] = _snapshot_or_none(path)
        self.poll()
        if not self._model.versions:
            raise UserError(self._failed[max(self._failed)][1])

    def start(self) -> None:
        """Begins to watch."""
        if self._poll_seconds:
            self._thread.start()

    def stop(self) -> None:
        """Looks no more; a load under way is waited for."""
        self._stop.set()
        if self._thread.ident:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(self._poll_seconds):
            try:
                self.poll()
            except Exception:  # a file system may fail in any way; what is served goes on
                _log.exception("looking at %s failed", self._root)

    def poll(self) -> None:
        """One look: loads and publishes what is due."""
        found = find_versions(self._root)
        served = self._model.versions
        self._seen = {number: seen for number, seen in self._seen.items() if number in found}
        self._failed = {number: why for number, why in self._failed.items() if number in found}
        for number, path in found.items():
            if number in served or self._take_over(number, path):
                break
        else:
            if served:
                _log.warning("no version is left in %s", self._root)
                self._publish()

    def _take_over(self, number: int, path: pathlib.Path) -> bool:
        """Loads and publishes a version if its files are whole; says whether it did."""
        try:
            snapshot = _snapshot(path, self._root)
        except (OSError, UserError) as error:  # a file vanished, or a link leads elsewhere
            self._fail(number, frozenset(), str(error))
            return False
        if self._failed.get(number, (None,))[0] == snapshot:
            return False
        if self._seen.get(number) != snapshot:
            self._seen[number] = snapshot
            return False
        self._model.set_state(number, ModelVersionStatus.LOADING)
        started = time.monotonic()
        try:
            version = load_version(number, path)
            count = warm_up(version, path)
        except UserError as error:
            self._fail(number, snapshot, str(error))
            return False
        _log.info(
            "loaded version %d in %.1f s, %d warm-up requests",
            number,
            time.monotonic() - started,
            count,
        )
        self._publish(version)
        return True

    def _publish(self, *versions) -> None:
        self._model.publish(*versions)
        self._metrics.serving(versions[0].number if versions else 0)
        gc.collect()  # graphs are full of cycles; without it the old one would stay for long

    def _fail(self, number: int, snapshot: Snapshot, reason: str) -> None:
        if self._failed.get(number) != (snapshot, reason):
            _log.warning("version %d is not served: %s", number, reason)
            self._model.set_state(number, ModelVersionStatus.END, reason)
        self._failed[number] = (snapshot, reason)


def find_versions(model_dir: pathlib.Path) -> dict[int, pathlib.Path]:
    """The numbered directories that hold a SavedModel, highest first.

    Raises:
        UserError: if there is no such directory.
    """
    if not model_dir.is_dir():
        raise UserError(f"{model_dir}: no such model directory")
    numbered = {
        int(path.name): path
        for path in model_dir.iterdir()
        if path.name.isascii() and path.name.isdecimal() and int(path.name[:20]) <= MAX_VERSION
    }
    return {
        number: numbered[number]
        for number in sorted(numbered, reverse=True)
        if (numbered[number] / SAVED_MODEL).is_file()
    }


def _snapshot(path: pathlib.Path, root: pathlib.Path) -> Snapshot:
    """What the version's directory holds.

    Raises:
        UserError: if it is or holds a link that leaves the model directory.
        OSError: if a file vanishes while it is looked at.
    """
    inside = root.resolve()
    found = set()
    for file in (path, *path.rglob("*")):
        if file.is_symlink() and not file.resolve().is_relative_to(inside):
            raise UserError(f"{file}: a link that leaves the model directory is not followed")
        stat = file.stat()
        found.add((str(file.relative_to(path)), stat.st_size, stat.st_mtime_ns))
    return frozenset(found)


def _snapshot_or_none(path: pathlib.Path) -> Snapshot | None:
    try:
        return _snapshot(path, path.parent)
    except (OSError, UserError):  # `poll` says so
        return None
