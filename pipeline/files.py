"""Input files on any Beam filesystem: what a directory or glob holds, and their bytes."""

import contextlib
import dataclasses
import functools
import glob
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from typing import BinaryIO

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from ganimation_tf import inputs
from ganimation_tf.errors import UserError
from ganimation_tf.inputs import FileError, open_local, refusals
from pipeline.local_files import ListedFile, list_local

IMAGE = "image"
ANNOTATION = "annotation"


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

    def listing(self) -> Iterator[ListedFile]:
        """Each file, and each thing that is called like a file and is none.

        Raises:
            OSError: if the place itself cannot be listed.
        """
        suffixes = tuple(self.suffixes)
        for listed in self._matching():
            counts = not suffixes or listed.path.lower().endswith(suffixes)
            if counts and not listed.problem and inputs.is_sidecar(listed.file):
                problem = FileError("sidecar", "holds what macOS notes of the file of its name")
                listed = dataclasses.replace(listed, problem=problem)
            if counts or (listed.problem and listed.problem.code == "unreadable_directory"):
                yield listed

    def _matching(self) -> Iterator[ListedFile]:
        if is_local(self.root):
            # Not by Beam, which drops in silence what it cannot open.
            translate = FileSystems.get_filesystem(self.root).translate_pattern
            yield from list_local(self.root, translate(self.pattern))
            return
        for metadata in FileSystems.match([self.pattern])[0].metadata_list:
            file = metadata.path[len(self.root) :].lstrip("/")
            yield ListedFile(
                metadata.path, file, None, metadata.size_in_bytes, metadata.last_updated_in_seconds
            )

    def files(self) -> Iterator[tuple[str, str]]:
        """(path, name relative to the root) of each file."""
        return ((listed.path, listed.file) for listed in self.listing() if not listed.problem)


def beside(annotation: ListedFile, names: Sequence[str]) -> Iterator[ListedFile]:
    """The files of these names in the directory of `annotation`, of those that are there."""
    for name in names:
        path, file = (
            whole[: len(whole) - len(os.path.basename(whole))] + name
            for whole in (annotation.path, annotation.file)
        )
        for other in FileSystems.match([glob.escape(path)])[0].metadata_list:
            yield ListedFile(path, file, None, other.size_in_bytes, other.last_updated_in_seconds)


def is_local(where: str) -> bool:
    """Whether a path is one of this machine's own file system.

    Raises:
        ValueError: if it is of a filesystem that is not installed.
    """
    return _is_local(FileSystems.get_scheme(where))


@functools.cache
def _is_local(scheme: str | None) -> bool:
    """Cached: Beam looks through all its filesystems each time."""
    return FileSystems.get_filesystem(f"{scheme}://" if scheme else "").scheme() is None


def source(kind: str, where: str, suffixes: Sequence[str]) -> Source:
    """The source for a directory (searched recursively), a glob or one file.

    Raises:
        UserError: if `where` is a local path without wildcards and nothing is there.
        ValueError: as `is_local`.
    """
    local = is_local(where)
    # Absolute, because a worker may have another working directory.
    trimmed = os.path.abspath(where) if local else where.rstrip("/")
    if local and os.path.isfile(trimmed):
        return Source(kind, glob.escape(trimmed), os.path.dirname(trimmed), ())
    if (local and os.path.isdir(trimmed)) or not glob.has_magic(trimmed):
        if local and not os.path.isdir(trimmed):
            raise UserError(f"--{kind}s {where}: there is no such file or directory")
        return Source(kind, f"{glob.escape(trimmed)}/**", trimmed, suffixes)
    # Keys of a glob are relative to the last directory before its first wildcard.
    root = re.split(r"[*?[]", trimmed, maxsplit=1)[0].rpartition("/")[0]
    return Source(kind, trimmed, root, ())


@contextlib.contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """The file, open for reading; an `inputs.Opener` for every filesystem that Beam knows.

    Raises:
        FileError: if the filesystem refuses, also while it is being read.
    """
    if is_local(path):  # Beam opens local files just so, at five times the price
        with open_local(path) as file:
            yield file
        return
    with refusals():  # BeamIOError is an OSError
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            yield file


def read(path: str, max_bytes: int) -> bytes:
    """The bytes of a file; see `inputs.read`."""
    return inputs.read(path, max_bytes, opened)


def sha256(path: str) -> str:
    """The hexadecimal digest of a file's bytes.

    Raises:
        FileError: if the filesystem refuses.
    """
    digest = hashlib.sha256()
    with opened(path) as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


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


def replace(temporary: str, path: str) -> None:
    """Gives the file `temporary` the name `path`.

    Local files and object stores put it in place of a file of that name; HDFS refuses to, so there
    the older one is deleted first. Retried work gives the same bytes, so which of two stays does
    not matter.
    """
    try:
        FileSystems.rename([temporary], [path])
    except OSError:  # BeamIOError is one
        if not FileSystems.exists(path) or not FileSystems.exists(temporary):
            raise
        FileSystems.delete([glob.escape(path)])
        FileSystems.rename([temporary], [path])


@contextlib.contextmanager
def created(path: str) -> Iterator[BinaryIO]:
    """A new file on whatever filesystem, open for writing; it may stay empty.

    Beam 2.77 writes to S3 in parts, and an upload of no part is refused: an empty file is made of
    one empty part.
    """
    with FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        yield file
        uploader = getattr(getattr(file, "raw", None), "_uploader", None)
        if uploader is not None and hasattr(uploader, "upload_id") and not file.tell():
            uploader._write_to_s3(b"")


def write_text(path: str, text: str) -> None:
    """Writes a small text file in UTF-8."""
    with created(path) as file:
        file.write(text.encode("utf-8"))


def delete_matching(directory: str, pattern: str, spared: Collection[str] = ()) -> None:
    """Deletes those files directly in `directory` whose names match the regular expression.

    Args:
        directory: not searched recursively.
        pattern: a regular expression of whole names.
        spared: names that stay.
    """
    matched = FileSystems.match([f"{glob.escape(directory)}/*"])[0].metadata_list
    for metadata in matched:
        name = metadata.path.rpartition("/")[2]
        if re.fullmatch(pattern, name) and name not in spared:
            FileSystems.delete([glob.escape(metadata.path)])
