"""Watches a model directory: new versions are loaded, warmed up and put in place.

The policy is TensorFlow Serving's default, the latest version. A new one is loaded and warmed up
beside the old one, which serves until then. A version that is deleted makes room for the next
lower one; when two looks in a row find none, requests are answered NOT_FOUND.

A directory counts once it holds `saved_model.pb` and two looks in a row, one poll apart, find the
same files in it: a copy under way is left alone. One that does not load, or fails its warm-up, is
reported and not tried again until its files change.
"""

import gc
import logging
import os
import pathlib
import threading
import time
from collections.abc import Iterator

from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus

from ganimation_tf.errors import UserError, as_user_error, reason
from serving.server.models import SAVED_MODEL, ModelVersions, load_version
from serving.server.warmup import warm_up

_log = logging.getLogger(__name__)

Look = frozenset[tuple[str, int, int]] | str
"""Name, size and time of change of each file of a version; or why they cannot be told."""

MAX_VERSION = 2**63 - 1
MAX_DIGITS = 20  # a number as long as its name may be takes long to read


class Watcher:
    """Keeps the served version in step with a directory.

    Args:
        model: where loaded versions are published.
        poll_seconds: time between two looks; 0: the directory is looked at once.
    """

    def __init__(self, model_dir: pathlib.Path, model: ModelVersions, poll_seconds: float):
        self._root = model_dir
        self._model = model
        self._poll_seconds = poll_seconds
        self._seen: dict[int, Look] = {}
        self._failed: dict[int, tuple[Look, str]] = {}
        self._unreadable = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def load_first(self) -> None:
        """Serves the highest version that works, at once.

        Raises:
            UserError: if there is none.
        """
        versions = find_versions(self._root)
        if not versions:
            names = " ".join(sorted(path.name for path in self._root.iterdir())[:8]) or "nothing"
            raise UserError(
                f"{self._root}: a model directory holds numbered versions such as "
                f"1/{SAVED_MODEL}; found {names}"
            )
        self._seen = {number: _look(path, self._root) for number, path in versions.items()}
        self._poll(versions)
        if self._model.versions:
            return
        if not self._failed:
            raise UserError(f"{self._root}: version {max(versions)} is still being written")
        raise UserError(self._failed[max(self._failed)][1])

    def start(self) -> None:
        """Begins to watch."""
        if self._poll_seconds:
            self._thread.start()

    def stop(self) -> None:
        """Looks no more; a load under way goes on."""
        self._stop.set()

    def join(self) -> None:
        """Waits for a load under way, after `stop`."""
        if self._thread.ident:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(self._poll_seconds):
            try:
                self.poll()
            except Exception:  # a bug, which must not end what is served
                _log.exception("looking at %s failed", self._root)

    def poll(self) -> None:
        """One look: loads and publishes what is due. Where the directory cannot be looked at, as
        when a network drive is away, that is said once, and what is served goes on."""
        why = ""
        try:
            self._poll(find_versions(self._root))
        except (UserError, OSError) as error:
            why = reason(error)
        if why != self._unreadable:
            _log.warning("%s", why or f"{self._root} can be read again")
        self._unreadable = why

    def _poll(self, versions: dict[int, pathlib.Path]) -> None:
        # Those below the served one too: one of them may be next.
        before, self._seen = (
            self._seen,
            {n: _look(path, self._root) for n, path in versions.items()},
        )
        self._failed = {number: why for number, why in self._failed.items() if number in versions}
        served = self._model.versions
        for number, path in versions.items():
            if number in served:
                return
            if before.get(number) == self._seen[number] and self._take_over(number, path):
                return
        # What is in memory goes on until it is known that no other version works, and that it is
        # gone for longer than a network drive that drops.
        gone = not before.keys() & set(served)
        if served and gone and all(self._has_failed(number) for number in versions):
            _log.warning("no version is left in %s", self._root)
            self._publish()

    def _has_failed(self, number: int) -> bool:
        """Whether the version, as its files are now, is known not to work."""
        return number in self._failed and self._failed[number][0] == self._seen[number]

    def _take_over(self, number: int, path: pathlib.Path) -> bool:
        """Loads and publishes a version whose files are whole; says whether it did."""
        look = self._seen[number]
        if self._has_failed(number):
            return False
        if isinstance(look, str):
            self._fail(number, look)
            return False
        self._model.set_state(number, ModelVersionStatus.LOADING)
        started = time.monotonic()
        try:
            version = load_version(number, path)
            count = warm_up(version, path)
        except UserError as error:
            self._fail(number, str(error))
            return False
        except Exception as error:  # a hostile export may fail in any way; it is not tried again
            self._fail(number, f"{path}: {type(error).__name__}: {error}")
            return False
        if _look(path, self._root) != look:  # a copy that had paused: half of each may be loaded
            self._fail(number, f"{path}: its files changed while it was loaded")
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
        gc.collect()  # graphs are full of cycles; without it the old one would stay for long

    def _fail(self, number: int, reason: str) -> None:
        # A file's name may be no UTF-8, which neither a log nor an answer can carry.
        reason = reason.encode("utf-8", "replace").decode()
        failure = (self._seen[number], reason)
        if self._failed.get(number) != failure:
            _log.warning("version %d is not served: %s", number, reason)
            self._model.set_state(number, ModelVersionStatus.END, reason)
        self._failed[number] = failure


def find_versions(model_dir: pathlib.Path) -> dict[int, pathlib.Path]:
    """The numbered directories that hold a SavedModel, highest first; also those that cannot be
    looked into, so that it is said of them.

    Raises:
        UserError: if there is no such directory, or it cannot be read.
    """
    if not model_dir.is_dir():
        raise UserError(f"{model_dir}: no such model directory")
    with as_user_error(f"{model_dir}: cannot be read as a model directory"):
        paths = list(model_dir.iterdir())
    numbered = {
        int(path.name): path
        for path in paths
        if path.name.isascii() and path.name.isdecimal() and len(path.name) <= MAX_DIGITS
    }
    return {
        number: numbered[number]
        for number in sorted(numbered, reverse=True)
        if number <= MAX_VERSION and _holds_model(numbered[number])
    }


def _holds_model(path: pathlib.Path) -> bool:
    try:
        return (path / SAVED_MODEL).is_file()
    except OSError:  # not allowed to look
        return True


def _look(path: pathlib.Path, root: pathlib.Path) -> Look:
    """What the version's directory holds; a reason if that cannot be told or must not be read."""
    try:
        return frozenset(_files(path, root.resolve()))
    except UserError as error:  # a link leads elsewhere
        return str(error)
    except (OSError, RuntimeError) as error:  # a file vanished, links go round in a circle
        return f"{path}: cannot be read: {reason(error)}"


def _files(path: pathlib.Path, inside: pathlib.Path) -> Iterator[tuple[str, int, int]]:
    """Each file and directory of a version; linked directories are entered.

    Raises:
        UserError: if one lies outside of the model directory.
        OSError: if one vanishes while it is looked at.
    """
    entered = set()
    for directory, names, files in os.walk(path, onerror=_raise, followlinks=True):
        real = os.path.realpath(directory)
        if real in entered:  # by another link
            names.clear()
            continue
        entered.add(real)
        for file in (pathlib.Path(directory, name) for name in (".", *names, *files)):
            if file.is_symlink() and not file.resolve().is_relative_to(inside):
                raise UserError(f"{file}: a link that leaves the model directory is not followed")
            stat = file.stat()
            yield str(file.relative_to(path)), stat.st_size, stat.st_mtime_ns


def _raise(error: OSError) -> None:
    raise error
