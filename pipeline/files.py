"""Input files on any Beam filesystem: what a directory or glob holds, and their bytes."""

import contextlib
import dataclasses
import glob
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from ganimation_tf.errors import UserError

IMAGE = "image"
ANNOTATION = "annotation"


class FileError(ValueError):
    """A file whose bytes cannot be had.

    Attributes:
        code: a key of `annotations.REASONS`.
    """

    def __init__(self, code: str, message: str):
        super().__init__(code, message)  # both, so that it can be pickled
        self.code = code

    def __str__(self) -> str:
        return self.args[1]


@dataclasses.dataclass(frozen=True)
class Found:
    """What a listing came upon.

    Attributes:
        path: where to open it.
        file: its name relative to the root of its source.
        problem: why it cannot be read; None for a file.
    """

    path: str
    file: str
    problem: FileError | None = None


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

    def listing(self) -> Iterator[Found]:
        """Each file, and each thing that is called like a file and is none.

        Raises:
            OSError: if the place itself cannot be listed.
        """
        for found in _local(self) if is_local(self.root) else _remote(self):
            counts = not self.suffixes or found.path.lower().endswith(tuple(self.suffixes))
            if counts or (found.problem and found.problem.code == "unreadable_directory"):
                yield found

    def files(self) -> Iterator[tuple[str, str]]:
        """(path, name relative to the root) of each file."""
        return ((found.path, found.file) for found in self.listing() if not found.problem)


def _remote(source: Source) -> Iterator[Found]:
    for found in FileSystems.match([source.pattern])[0].metadata_list:
        yield Found(found.path, found.path[len(source.root) :].lstrip("/"))


def _local(source: Source) -> Iterator[Found]:
    """Lists a local directory without Beam, which drops in silence what it cannot open."""
    matches = re.compile(FileSystems.get_filesystem("/").translate_pattern(source.pattern)).match
    root = os.path.realpath(source.root)
    for found in _walk(source.root, root):
        if matches(found.path) or (found.problem and found.problem.code == "unreadable_directory"):
            yield dataclasses.replace(found, file=found.path[len(source.root) :].lstrip("/"))


def _walk(directory: str, root: str) -> Iterator[Found]:
    """Everything under a local directory, in no order; `Found.file` is left empty.

    A link to a directory elsewhere is followed; one into `root`, loops among them, is not: what it
    leads to is listed anyway, and a photo listed twice could be trained on and evaluated on.
    """
    try:
        entries = os.scandir(directory)
    except OSError as error:
        message = f"the directory cannot be listed: {error.strerror}"
        yield Found(directory, "", FileError("unreadable_directory", message))
        return
    with entries:
        for entry in entries:
            try:
                mode = entry.stat().st_mode
            except OSError as error:
                message = f"leads to nothing that can be opened: {error.strerror}"
                yield Found(entry.path, "", FileError("broken_link", message))
                continue
            if stat.S_ISREG(mode):
                yield Found(entry.path, "")
                continue
            kind = "directory" if stat.S_ISDIR(mode) else "device, pipe or socket"
            yield Found(entry.path, "", FileError("not_a_file", f"is a {kind}"))
            if stat.S_ISDIR(mode):
                target = os.path.realpath(entry.path)
                elsewhere = os.path.commonpath([root, target]) != root
                inside_out = os.path.commonpath([root, target]) == target  # `root` is within it
                if not entry.is_symlink() or (elsewhere and not inside_out):
                    yield from _walk(entry.path, root if not entry.is_symlink() else target)


def is_local(where: str) -> bool:
    """Whether a path is one of this machine's own file system.

    Raises:
        ValueError: if it is of a filesystem that is not installed.
    """
    return FileSystems.get_filesystem(where).scheme() is None


def source(kind: str, where: str, suffixes: Sequence[str]) -> Source:
    """The source for a directory (searched recursively), a glob or one file.

    Raises:
        UserError: if `where` is a local path without wildcards and nothing is there, or of a
            filesystem that is not installed.
    """
    try:
        local = is_local(where)
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


@contextlib.contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """The file, open for reading.

    Raises:
        FileError: if the filesystem refuses, also while it is being read.
    """
    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            yield file
    except OSError as error:  # BeamIOError is one
        raise FileError("unreadable_file", f"cannot be read: {error.strerror or error}") from error


def read(path: str, max_bytes: int) -> bytes:
    """The bytes of a file.

    Raises:
        FileError: if the filesystem refuses, or it has more than `max_bytes`.
    """
    with opened(path) as file:
        if is_local(path) and (size := os.path.getsize(path)) > max_bytes:
            raise FileError("file_too_large", f"has {size} bytes, more than {max_bytes}")
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise FileError("file_too_large", f"has more than {max_bytes} bytes")
    return data


def size(path: str) -> int:
    """Bytes in a file; 0 if that cannot be known."""
    try:
        found = FileSystems.match([glob.escape(path)])[0].metadata_list
    except OSError:
        return 0
    return found[0].size_in_bytes if found else 0


@contextlib.contextmanager
def local_copy(path: str) -> Iterator[str]:
    """A path by which libraries that know no Beam can open the file: its own if it is local.

    Raises:
        FileError: if the filesystem refuses.
    """
    if is_local(path):
        yield path
        return
    with tempfile.NamedTemporaryFile(suffix=os.path.splitext(path)[1]) as copy:
        with opened(path) as file:
            shutil.copyfileobj(file, copy, 1 << 20)
        copy.flush()
        yield copy.name


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
