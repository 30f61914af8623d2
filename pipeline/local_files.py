"""Listing a directory of this machine: nothing is left out in silence, and nothing blocks."""

import dataclasses
import os
import re
import stat
import warnings
from collections.abc import Iterator

from ganimation_tf.inputs import FileError


@dataclasses.dataclass(frozen=True)
class ListedFile:
    """What a listing came upon.

    Attributes:
        path: where to open it.
        file: its name relative to the root of its source.
        problem: why it cannot be read; None for a file.
        size: in bytes, of a file.
        modified: when its content last changed, in a unit of the filesystem; 0 if unknown.
    """

    path: str
    file: str
    problem: FileError | None = None
    size: int = 0
    modified: float = 0


def list_local(directory: str, pattern: str) -> Iterator[ListedFile]:
    """What is under a directory and matches a regular expression, also what cannot be opened.

    A link to a directory elsewhere is followed. One into what is listed anyway, or to what contains
    it, is not: a photo that is listed twice could be trained on and evaluated on.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of Beam's pattern for a name with [
        matches = re.compile(pattern).match
    seen: list[str] = []
    waiting = [directory]
    while waiting:
        links: list[str] = []
        # Sorted, because the order of a directory is no property of the data.
        for place in sorted(waiting):
            target = os.path.realpath(place)
            if any(os.path.commonpath([root, target]) in (root, target) for root in seen):
                continue
            seen.append(target)
            for listed in _walk(place, len(directory), links):
                unknown = listed.problem and listed.problem.code == "unreadable_directory"
                if unknown or matches(listed.path):
                    yield listed
        waiting = links


def _walk(directory: str, root: int, links: list[str]) -> Iterator[ListedFile]:
    """Everything under a local directory, in no order.

    Args:
        directory: is searched recursively, but links to directories are not followed.
        root: length of the path that names are relative to.
        links: gets the links to directories.
    """
    try:
        entries = os.scandir(directory)
    except OSError as error:
        message = f"the directory cannot be listed: {error.strerror}"
        file = directory[root:].lstrip("/")
        yield ListedFile(directory, file, FileError("unreadable_directory", message))
        return
    with entries:
        for entry in entries:
            file = entry.path[root:].lstrip("/")
            try:
                status = entry.stat()
            except OSError as error:
                message = f"leads to nothing that can be opened: {error.strerror}"
                yield ListedFile(entry.path, file, FileError("broken_link", message))
                continue
            mode = status.st_mode
            if stat.S_ISREG(mode):
                yield ListedFile(entry.path, file, None, status.st_size, status.st_mtime_ns)
                continue
            kind = "directory" if stat.S_ISDIR(mode) else "device, pipe or socket"
            yield ListedFile(entry.path, file, FileError("not_a_file", f"is a {kind}"))
            if stat.S_ISDIR(mode) and entry.is_symlink():
                links.append(entry.path)
            elif stat.S_ISDIR(mode):
                yield from _walk(entry.path, root, links)
