"""Files and directories that appear whole or not at all."""

import contextlib
import importlib.metadata
import os
import pathlib
import shutil
from collections.abc import Iterator

from ganimation_tf.errors import UserError

PARTIAL = ".*.partial*"
"""What a killed process may leave behind, as a pattern."""


@contextlib.contextmanager
def whole(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A name to write a file or directory under, which becomes `path` if all goes well.

    It lies beside `path`, on the same disk, and ends as `path` does: some writers go by that.
    Nothing is left of an attempt that fails. A directory cannot take the place of another.
    """
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    _remove(partial)
    try:
        yield partial
        partial.replace(path)
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
    try:
        with whole(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error


def installed_file(distribution: str, pattern: str) -> pathlib.Path | None:
    """A file of an installed distribution, whose code is not imported; None if it is not there.

    Args:
        distribution: its name on the index.
        pattern: of the file's name, such as `*.pth`.
    """
    try:
        listed = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    paths = (pathlib.Path(str(file.locate())) for file in listed if file.match(pattern))
    return next((path for path in paths if path.is_file()), None)
