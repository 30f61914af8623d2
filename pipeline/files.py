"""Input files on any Beam filesystem: what a directory or glob holds, and their bytes."""

import dataclasses
import glob
import os
import re
from collections.abc import Iterator, Sequence

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from ganimation_tf.errors import UserError

IMAGE = "image"
ANNOTATION = "annotation"


class FileError(ValueError):
    """A file whose bytes cannot be had.

    Attributes:
        code: `unreadable_file` or `file_too_large`.
    """

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


@dataclasses.dataclass(frozen=True)
class Source:
    """A place with input files.

    Attributes:
        kind: `IMAGE` or `ANNOTATION`.
        pattern: what Beam's filesystems match; `**` crosses directories.
        root: the directory to which keys are relative.
        suffixes: endings of the files that count, in lower case; none: all that match.
    """

    kind: str
    pattern: str
    root: str
    suffixes: Sequence[str]

    def files(self) -> Iterator[tuple[str, str]]:
        """(path, name relative to the root) of each file."""
        for found in FileSystems.match([self.pattern])[0].metadata_list:
            if not self.suffixes or found.path.lower().endswith(tuple(self.suffixes)):
                yield found.path, found.path[len(self.root) :].lstrip("/")


def source(kind: str, where: str, suffixes: Sequence[str]) -> Source:
    """The source for a directory (searched recursively), a glob or one file.

    Raises:
        UserError: if `where` is a local path without wildcards and nothing is there, or of a
            filesystem that is not installed.
    """
    try:
        local = FileSystems.get_filesystem(where).scheme() is None
    except ValueError as error:
        raise UserError(f"--{kind}s {where}: {error}") from None
    # Absolute, because a worker may have another working directory.
    trimmed = os.path.abspath(where) if local else where.rstrip("/")
    if local and os.path.isfile(trimmed):
        return Source(kind, glob.escape(trimmed), os.path.dirname(trimmed), ())
    if (local and os.path.isdir(trimmed)) or not glob.has_magic(trimmed):
        if local and not os.path.isdir(trimmed):
            raise UserError(f"--{kind}s {where}: there is no such file or directory")
        return Source(kind, f"{glob.escape(trimmed)}/**", trimmed, suffixes)
    # Keys of a glob are relative to the last directory before its first wildcard.
    root = re.match(r"[^*?[]*", trimmed).group().rpartition("/")[0]
    return Source(kind, trimmed, root, ())


def key_of(file: str) -> str:
    """The key of a file: its relative name without suffix, `/` between directories."""
    return os.path.splitext(file)[0].replace(os.sep, "/")


def read(path: str, max_bytes: int) -> bytes:
    """The bytes of a file.

    Raises:
        FileError: if the filesystem refuses, or it has more than `max_bytes`.
    """
    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            data = file.read(max_bytes + 1)
    except OSError as error:  # BeamIOError is one
        raise FileError("unreadable_file", f"cannot be read: {error.strerror or error}") from error
    if len(data) > max_bytes:
        raise FileError("file_too_large", f"has more than {max_bytes} bytes")
    return data


def write_text(path: str, text: str) -> None:
    """Writes a small text file in UTF-8."""
    with FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        file.write(text.encode("utf-8"))


def delete_matching(directory: str, pattern: str) -> None:
    """Deletes those files directly in `directory` whose names match the regular expression."""
    matched = FileSystems.match([f"{glob.escape(directory)}/*"])[0].metadata_list
    for found in matched:
        if re.fullmatch(pattern, found.path.rpartition("/")[2]):
            FileSystems.delete([glob.escape(found.path)])
