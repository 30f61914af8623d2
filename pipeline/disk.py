"""A disk that takes no more is told in one line, on this machine's runner and from its workers."""

import contextlib
import errno
import logging
import os
from collections.abc import Iterator
from typing import Any, TextIO

from ganimation_tf.errors import UserError

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO, errno.EACCES, errno.EPERM)
"""What a disk says that takes no more."""


@contextlib.contextmanager
def written(where: str) -> Iterator[None]:
    """What a disk refuses while the job writes becomes one line.

    Raises:
        UserError: naming `where`, if a write failed in this process or a worker.
    """
    quieten()
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        refused = _refused(error)
        if refused is None:
            raise
        raise UserError(
            f"--output {where} cannot be written: {refused}; run again when that is mended, the "
            "job goes on from there"
        ) from error


def _refused(error: BaseException | None) -> str | None:
    """What the disk said, if that is what an error comes from; Beam wraps and quotes them."""
    codes = {os.strerror(code): code for code in _DISK}
    while error is not None:
        if isinstance(error, OSError) and error.errno in _DISK:
            return os.strerror(error.errno)
        for said in codes:  # of another process there is only the text
            if isinstance(error, RuntimeError | OSError) and f"] {said}" in str(error):
                return said
        error = error.__cause__ or error.__context__
    return None


def _is_of_the_disk(text: str) -> bool:
    return any(f"] {os.strerror(code)}" in text for code in _DISK)


class _NotOfTheDisk(logging.Filter):
    """Keeps Beam from logging, with a traceback for each layer, what becomes one line."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _is_of_the_disk(record.getMessage())


def quieten() -> None:
    """To be called in each process that runs the job's steps."""
    for name in ("common", "worker.sdk_worker"):
        logger = logging.getLogger(f"apache_beam.runners.{name}")
        if not any(isinstance(known, _NotOfTheDisk) for known in logger.filters):
            logger.addFilter(_NotOfTheDisk())


class WorkerErrors:
    """Standard error of a worker, to which Beam prints every traceback beside logging it."""

    def __init__(self, stream: TextIO):
        """Hands on to `stream` what is not of the disk."""
        self._stream = stream
        self._dropped = False

    def write(self, text: str) -> int:
        """Writes the text, unless it is of the disk, and the line end that follows it."""
        ends_dropped = self._dropped and text == "\n"
        self._dropped = _is_of_the_disk(text)
        return len(text) if self._dropped or ends_dropped else self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
