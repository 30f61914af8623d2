"""Shards that an earlier job, or an earlier attempt of this one, has finished.

Beside each finished shard stands a small file with what its records do not tell. It is trusted if
it speaks of the same entries and if the shard still has its digest; `output` deletes it unless
options and inputs, down to size and time of each file, are those of the earlier job. What comes of
a reused shard is what came of it the first time, so the dataset has the same bytes.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence

from apache_beam.io.filesystems import FileSystems

from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.data import tfrecord
from pipeline import files
from pipeline.entries import Entry
from pipeline.progress import TEMPORARY

FACTS = f"{TEMPORARY}facts-"
"""How the names of these files begin; the shard's name and `.json` follow."""

_MAX_BYTES = 4 << 30


@dataclasses.dataclass
class Finished:
    """What came of a finished shard, apart from its records.

    Attributes:
        entries: `digest_of` the entries that it was made from.
        sha256: of the TFRecord file.
        records: in that file.
        images: images and frames that were looked at.
        inputs: inputs among the entries.
        clipped: AU values outside the source's scale, by AU.
        poses: head poses of the records that have one: pitch, yaw and roll in degrees.
        rejections: the inputs that did not become records.
    """

    entries: str
    sha256: str
    records: int
    images: int
    inputs: int
    clipped: dict[str, int]
    poses: list[list[float]]
    rejections: list[Rejection]

    def save(self, output: str, shard: str) -> None:
        """Notes that `shard` is finished; to be called when it has its name."""
        files.write_text(_path(output, shard), json.dumps(dataclasses.asdict(self)))


def load(output: str, shard: str, entries: Sequence[Entry]) -> Finished | None:
    """What is known of `shard`, if it is finished, whole, and made from these very entries."""
    path, records = _path(output, shard), FileSystems.join(output, shard)
    if not FileSystems.exists(path) or not FileSystems.exists(records):
        return None
    try:
        facts = json.loads(files.read(path, _MAX_BYTES))
        facts["rejections"] = [Rejection(**rejection) for rejection in facts["rejections"]]
        finished = Finished(**facts)
    except (ValueError, TypeError, KeyError):  # cut short when the job was killed
        return None
    whole = finished.entries == digest_of(entries) and finished.sha256 == files.sha256(records)
    return finished if whole else None


def digest_of(entries: Sequence[Entry]) -> str:
    """SHA-256 of what entries are called, by which they were sorted."""
    digest = hashlib.sha256()
    for entry in entries:
        part = [*entry[:3], entry.block] if entry.block else entry[:3]
        digest.update(json.dumps(part).encode())
    return digest.hexdigest()


def read_records(output: str, shard: str) -> Iterator[bytes]:
    """The serialized records of a shard, one after the other."""
    with files.opened(FileSystems.join(output, shard)) as file:
        yield from tfrecord.read(file)


def _path(output: str, shard: str) -> str:
    return FileSystems.join(output, f"{FACTS}{shard}.json")
