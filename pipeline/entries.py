"""What the listing hands to the workers that write shards: names, never pixels."""

import pickle
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from pipeline import files
from pipeline.annotations import AnnotationReader, Rejection
from pipeline.readers.openface import DETAILS

REJECTED = "rejected"
"""Kind of an entry that nothing can come of; its reference is (reason code, message)."""

LOOKED_AT = "looked_at"
"""Kind of an entry for a file by which an annotator says that it has seen the image. It is no
input: it only tells whether an image without annotation has no face."""


class Entry(NamedTuple):
    """One input file, or one image's part of an annotation file.

    Attributes:
        key: what image and annotation have in common.
        kind: `files.IMAGE`, `files.ANNOTATION`, `REJECTED` or `LOOKED_AT`.
        file: name relative to the directory it was found in.
        reference: the image's path, or what the annotation reader needs to find its faces.
    """

    key: str
    kind: str
    file: str
    reference: Any


def pack(entries: Sequence[Entry]) -> bytes:
    """Entries for the way to a worker: 10 to 20 bytes for a file, where Beam takes 700.

    A runner on one machine holds those of all inputs in memory at once.
    """
    return zlib.compress(pickle.dumps([tuple(entry) for entry in entries], protocol=5), level=1)


def unpack(batches: Iterable[bytes]) -> list[Entry]:
    """The entries of several batches; read from the runner only, since pickles can run code."""
    return [Entry(*entry) for batch in batches for entry in pickle.loads(zlib.decompress(batch))]


def entries_of_file(kind: str, found: files.Found, reader: AnnotationReader) -> Iterator[Entry]:
    """The entries of one listed image or annotation file."""
    path, file = found.path, found.file
    try:
        path.encode()
    except UnicodeEncodeError:  # the name would not survive the way to a worker
        name = file.encode("utf-8", "backslashreplace").decode()
        reason = ("bad_name", f"{name}: the name is not valid UTF-8")
        yield Entry(files.key_of(name), REJECTED, name, reason)
        return
    key = reader.image_key(file) if kind == files.IMAGE else files.key_of(file)
    if found.problem:
        reason = (found.problem.code, f"{file}: {found.problem}")
        yield Entry(key, REJECTED, file, reason)
    elif kind == files.IMAGE:
        yield Entry(key, files.IMAGE, file, path)
    elif file.endswith(DETAILS):
        yield Entry(file.removesuffix(DETAILS), LOOKED_AT, file, None)
    else:
        for indexed in reader.index(path, file):
            if isinstance(indexed, Rejection):
                yield Entry(indexed.key, REJECTED, file, (indexed.code, indexed.message))
            else:
                yield Entry(indexed[0], files.ANNOTATION, file, indexed[1])
