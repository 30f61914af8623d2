"""A model directory: numbered versions, of which a server takes the highest.

`versions` writes exports into one; `push` copies an export that has been judged into the one that
is served. Nothing here needs TensorFlow.
"""

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
import pathlib
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from ganimation_tf import files
from ganimation_tf.blessing import EVALUATION, INFRASTRUCTURE, Blessing
from ganimation_tf.errors import UserError, reason

SAVED_MODEL_FILE = "saved_model.pb"

PUSHED = "assets.extra/pushed.json"
"""In a version that `push` put there: its number, its model's digest, and both blessings."""

_PUSH = "push-"
"""What the name of a copy on its way begins with, behind a dot."""

_ATTEMPTS = 20
"""Numbers that are tried where others push at the same time."""


def version_directories(model_dir: pathlib.Path) -> list[pathlib.Path]:
    """The numbered directories, in no order; none where there is no such directory.

    Raises:
        UserError: if it cannot be read.
    """
    try:
        return [path for path in model_dir.iterdir() if path.name.isdecimal()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(
            f"{model_dir}: cannot be read as a model directory: {reason(error)}"
        ) from error


def newest_version(model_dir: pathlib.Path) -> pathlib.Path | None:
    """The highest numbered directory; None if there is none."""
    return max(version_directories(model_dir), key=lambda path: int(path.name), default=None)


def next_version(model_dir: pathlib.Path) -> int:
    """One more than the highest numbered directory; 1 if there is none."""
    newest = newest_version(model_dir)
    return 1 + int(newest.name) if newest else 1


@dataclasses.dataclass(frozen=True)
class Pushed:
    """A version of a model directory. `new`: it was not the newest one already."""

    path: pathlib.Path
    new: bool


def push(
    model: pathlib.Path, model_dir: pathlib.Path, evaluation: Blessing, infrastructure: Blessing
) -> Pushed:
    """Copies a SavedModel to the next free number of a model directory, whole or not at all.

    A model that is the directory's newest version already stays as it is.

    Args:
        model: directory of the export.
        evaluation, infrastructure: what the evaluation and a server found of it.

    Raises:
        UserError: if it is no export, a blessing is missing or of another model, or it cannot be
            written.
    """
    if not (model / SAVED_MODEL_FILE).is_file():
        raise UserError(f"{model} is no SavedModel: it has no {SAVED_MODEL_FILE}")
    digest = files.tree_digest(model)
    for blessing in (evaluation, infrastructure):
        require_blessed(blessing, model, digest)
    newest = newest_version(model_dir)
    if newest and _digest_of_pushed(newest) == digest:
        return Pushed(newest, new=False)
    facts = {
        "digest": digest,
        EVALUATION: dataclasses.asdict(evaluation),
        INFRASTRUCTURE: dataclasses.asdict(infrastructure),
    }
    return Pushed(_copy(model, model_dir, facts), new=True)


def require_blessed(blessing: Blessing, model: pathlib.Path, digest: str) -> None:
    """Raises `UserError` unless the blessing lets the model of this digest through."""
    if blessing.model != digest:
        raise UserError(
            f"{model} is not the model that the {blessing.about} saw, or has changed since: its "
            f"digest is {digest[:12]}, that one's {(blessing.model or 'unknown')[:12]}"
        )
    if not blessing.blessed:
        raise UserError(f"{model} is not blessed by the {blessing.about}: {blessing.failures[0]}")
    if not blessing.conditions:
        raise UserError(f"the {blessing.about} of {model} asked for nothing: give it a --gate")


def _digest_of_pushed(version: pathlib.Path) -> str | None:
    """The digest of what was pushed as this version, as its files are now; None of another."""
    if not (version / PUSHED).is_file():
        return None
    return files.tree_digest(version, leave_out=(PUSHED,))


def _copy(model: pathlib.Path, model_dir: pathlib.Path, facts: Mapping[str, Any]) -> pathlib.Path:
    try:
        model_dir.mkdir(parents=True, exist_ok=True)
        _sweep(model_dir)
        scratch = files.scratch(model_dir / f"{_PUSH}{facts['digest'][:12]}")
        with scratch as partial, _at_work(partial):
            shutil.copytree(model, partial, dirs_exist_ok=True)
            note = partial / PUSHED
            note.parent.mkdir(exist_ok=True)
            note.write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n")
            _flush(partial)
            return _rename_to_next(partial, model_dir)
    except OSError as error:
        # copytree's own error has (source, target, why) of each file: the model could be read.
        first = ValueError(error.args[0][0][2]) if isinstance(error, shutil.Error) else error
        why, _, _ = reason(first).partition(": ")  # the names are of what is gone by now
        raise UserError(f"{model_dir}: the push was not done: {why}") from error


@contextlib.contextmanager
def _at_work(partial: pathlib.Path) -> Iterator[None]:
    """Makes the directory and holds a lock on it, which a kill gives up."""
    partial.mkdir()
    descriptor = os.open(partial, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a filesystem that locks no directories
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sweep(model_dir: pathlib.Path) -> None:
    """Removes what pushes that were killed have left, and nothing that is locked."""
    for left in model_dir.glob(f".{_PUSH}*.partial"):
        with contextlib.suppress(OSError):  # it is locked, or gone
            descriptor = os.open(left, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left)
            finally:
                os.close(descriptor)


def _flush(directory: pathlib.Path) -> None:
    """Has the disk take all files: after a power cut a version must not be there in name only."""
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _rename_to_next(partial: pathlib.Path, model_dir: pathlib.Path) -> pathlib.Path:
    for _ in range(_ATTEMPTS):
        final = model_dir / str(next_version(model_dir))
        try:
            os.rename(partial, final)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            continue  # another process has taken the number
        return final
    raise UserError(f"{model_dir}: others took {_ATTEMPTS} numbers in a row; try again")
