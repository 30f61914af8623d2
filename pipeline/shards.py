"""From the names of images and annotations to one TFRecord file: the work of one Beam element.

Everything between reading a file's bytes and writing the record happens here in one process, one
image at a time: pixels never pass through the runner, and memory does not grow with the shard.
"""

import dataclasses
import hashlib
import itertools
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from ganimation_tf import manifest, records, tfrecord
from ganimation_tf.dataset_statistics import DatasetStatistics
from pipeline.annotations import Rejection
from pipeline.entries import Entry
from pipeline.job import Job
from pipeline.outcomes import RecordMaker
from pipeline.progress import TEMPORARY, ShardProgress
from pipeline.statistics import ShardStatistics


@dataclasses.dataclass
class ShardFacts:
    """What came of one shard.

    Attributes:
        shard: the written file.
        entries: input files and annotated images that were assigned to it.
        inputs: inputs found in them, as `annotations` defines the word.
        rejected: how many of the inputs were rejected.
        clipped: AU values outside the source's scale, by AU.
    """

    shard: manifest.Shard
    entries: int
    inputs: int
    rejected: int
    clipped: dict[str, int]


def write_shard(
    name: str, entries: Sequence[Entry], job: Job
) -> tuple[ShardFacts, list[Rejection], DatasetStatistics]:
    """Writes the TFRecord file `name`, keys in sorted order.

    The file appears under its name only when it is complete. A second run of the same work, as
    runners do after a lost worker, writes the same bytes.
    """
    entries = sorted(entries, key=lambda entry: entry[:3])
    maker = RecordMaker(job)
    statistics = ShardStatistics(name, job.reader.action_units)
    rejections: list[Rejection] = []
    path = FileSystems.join(job.output, f"{TEMPORARY}{uuid.uuid4().hex}-{name}")
    digest, count, seen = hashlib.sha256(), 0, 0
    progress = ShardProgress(job.output, name)
    with FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        sink = _Digesting(file.write, digest.update)
        for key, group in itertools.groupby(entries, key=lambda entry: entry.key):
            for outcome in maker.outcomes(key, list(group)):
                if isinstance(outcome, Rejection):
                    rejections.append(outcome)
                    statistics.add_rejection(outcome)
                else:
                    encoded = records.encode(outcome)
                    tfrecord.write(sink, encoded)
                    statistics.add(outcome, len(encoded))
                    count += 1
                progress.add(maker.images - seen, len(rejections))
                seen = maker.images
    FileSystems.rename([path], [FileSystems.join(job.output, name)])
    progress.write()
    shard = manifest.Shard(name, count, digest.hexdigest())
    facts = ShardFacts(shard, len(entries), maker.inputs, len(rejections), maker.clipped)
    return facts, rejections, statistics.finish(maker.clipped, maker.poses)


class _Digesting:
    """The write method of a file, with a digest of what passes."""

    def __init__(self, write: Callable[[bytes], Any], update: Callable[[bytes], None]):
        self._write = write
        self._update = update

    def write(self, data: bytes) -> None:
        self._write(data)
        self._update(data)
