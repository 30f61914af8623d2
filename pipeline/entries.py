"""What the listing hands to the workers that write shards: names, never pixels."""

import itertools
import pickle
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam

from ganimation_tf import inputs
from ganimation_tf.annotations.reader import LookedAt, Reader
from ganimation_tf.annotations.rejections import Rejection
from pipeline import files

REJECTED = "rejected"
"""Kind of an entry that nothing can come of; its reference is (reason code, message)."""

LOOKED_AT = "looked_at"
"""Kind of an entry for a file by which an annotator says that it has seen the image. It is no
input: it only tells whether an image without annotation has no face."""


TO_INDEX = "to_index"
"""Kind of an entry for an annotation file of which it is not known yet what it speaks of."""


class Entry(NamedTuple):
    """One input file, or one image's part of an annotation file.

    Attributes:
        key: what image and annotation have in common.
        kind: `files.IMAGE`, `files.ANNOTATION`, `REJECTED` or `LOOKED_AT`.
        file: name relative to the directory it was found in.
        reference: the image's path, or what the annotation reader needs to find its faces.
        number: row at which an annotation file begins to speak of the image, where that is known.
        subject: who the image shows, where its annotation says it.
        split: where its annotation puts the image, if anywhere.
        block: which part of what is made of the image, where that is many faces.
    """

    key: str
    kind: str
    file: str
    reference: Any
    number: int = 0
    subject: str | None = None
    split: str | None = None
    block: int = 0


class Entries:
    """Entries on their way to a worker: 10 to 20 bytes for a file, where Beam takes 700.

    A runner on one machine holds those of all inputs in memory at once, so they are unpacked only
    when they are gone through.
    """

    __slots__ = ("packed",)

    def __init__(self, entries: Iterable[Entry] = (), *, packed: bytes | None = None):
        """Packs `entries`, or takes over what an `EntriesCoder` wrote."""
        if packed is None:
            data = pickle.dumps([tuple(entry) for entry in entries], protocol=5)
            packed = zlib.compress(data, level=1)
        self.packed = packed

    def __iter__(self) -> Iterator[Entry]:
        # Comes from the runner only: a pickle can run code.
        return itertools.starmap(Entry, pickle.loads(zlib.decompress(self.packed)))


class EntriesCoder(beam.coders.Coder):
    """How `Entries` cross the runner: as they are packed."""

    def encode(self, value: Entries) -> bytes:
        return value.packed

    def decode(self, encoded: bytes) -> Entries:
        return Entries(packed=encoded)

    def is_deterministic(self) -> bool:
        return False  # equal entries may be pickled in different ways

    def to_type_hint(self) -> type:
        return Entries


beam.coders.registry.register_coder(Entries, EntriesCoder)


def entry_of_image(listed: files.ListedFile, key: str, drawing: bool = False) -> Entry:
    """The entry of one listed image or video; a `drawing` is nothing to train on."""
    if drawing:
        message = f"{listed.file}: OpenFace drew it of the picture of its name, one directory up"
        return Entry(key, REJECTED, listed.file, ("drawing", message))
    return _refused(listed, key) or Entry(key, files.IMAGE, listed.file, listed.path)


def entry_of_annotation(listed: files.ListedFile) -> Entry:
    """The entry of one listed annotation file, which `indexed` makes those of its images of."""
    key = inputs.key_of(listed.file)
    return _refused(listed, key) or Entry(key, TO_INDEX, listed.file, listed.path)


def indexed(entry: Entry, reader: Reader) -> Iterator[Entry]:
    """The entries of the images that an annotation file speaks of; any other entry as it is."""
    if entry.kind != TO_INDEX:
        yield entry
        return
    for part in reader.index(entry.reference, entry.file):
        if isinstance(part, Rejection):
            yield Entry(part.key, REJECTED, entry.file, (part.code, part.message))
        elif isinstance(part, LookedAt):
            yield Entry(part.key, LOOKED_AT, entry.file, None)
        else:
            yield Entry(part.key, files.ANNOTATION, entry.file, *part[1:])


def _refused(listed: files.ListedFile, key: str) -> Entry | None:
    """The entry of a file that nothing can come of."""
    try:
        listed.path.encode()
    except UnicodeEncodeError:  # the name would not survive the way to a worker
        name = listed.file.encode("utf-8", "backslashreplace").decode()
        reason = ("bad_name", f"{name}: the name is not valid UTF-8")
        return Entry(inputs.key_of(name), REJECTED, name, reason)
    if not listed.problem:
        return None
    return Entry(
        key, REJECTED, listed.file, (listed.problem.code, f"{listed.file}: {listed.problem}")
    )
