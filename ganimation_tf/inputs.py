"""Input files: what their keys are, and their bytes from whatever file system they lie on.

What reads annotations, photos and videos takes an `Opener`, so that the same code serves a command
on this machine and a Beam worker whose files are in an object store.
"""

import contextlib
import io
import os
import stat
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO

from ganimation_tf.errors import InputError

Opener = Callable[[str], AbstractContextManager[BinaryIO]]
"""Opens a file by its path, for reading; raises FileError, also while the file is being read."""


class FileError(InputError):
    """A file whose bytes cannot be had."""


def key_of(file: str) -> str:
    """The key of a file: its relative name without suffix, `/` between directories.

    Accents are composed (NFC): names that came by way of a Mac may have them apart.
    """
    return unicodedata.normalize("NFC", os.path.splitext(file)[0].replace(os.sep, "/"))


def is_sidecar(file: str) -> bool:
    """Whether macOS left a file beside another on a foreign disk: called `._` and its name."""
    return os.path.basename(file).startswith("._")


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """What a file system refuses becomes a `FileError`."""
    try:
        yield
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
        raise FileError("unreadable_file", message) from error


@contextlib.contextmanager
def open_local(path: str) -> Iterator[BinaryIO]:
    """A file of this machine, open for reading.

    Raises:
        FileError: if the file system refuses, also while it is being read.
    """
    with refusals(), open(path, "rb") as file:
        yield file


def read(path: str, max_bytes: int, opener: Opener = open_local) -> bytes:
    """The bytes of a file.

    Raises:
        FileError: if the file system refuses, or it has more than `max_bytes`.
    """
    with opener(path) as file:
        most = max_bytes
        with contextlib.suppress(AttributeError, io.UnsupportedOperation):  # not of this machine
            status = os.fstat(file.fileno())
            most = status.st_size if stat.S_ISREG(status.st_mode) else max_bytes
        if most > max_bytes:
            raise FileError("file_too_large", f"has {most} bytes, more than {max_bytes}")
        # So many are allocated before they are read, so no more than there can be.
        data = file.read(most + 1)
    if len(data) > max_bytes:
        raise FileError("file_too_large", f"has more than {max_bytes} bytes")
    return data
