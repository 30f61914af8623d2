"""From the names of images and annotations to one TFRecord file: the work of one Beam element.

Everything between reading a file's bytes and writing the record happens here in one process, one
image at a time: pixels never pass through the runner, and memory does not grow with the shard.
"""

import dataclasses
import hashlib
import itertools
import uuid
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from apache_beam.io.filesystems import FileSystems

from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.data import manifest, records, tfrecord
from ganimation_tf.data.statistics.dataset import DatasetStatistics
from pipeline import files, resume
from pipeline.entries import Entry
from pipeline.job import Job
from pipeline.outcomes import RecordMaker
from pipeline.progress import TEMPORARY, ShardProgress
from pipeline.rejected import Run, write_run
from pipeline.statistics import ShardStatistics


@dataclasses.dataclass
class ShardFacts:
    """The numbers of one shard, by which it is known that a runner has lost nothing.

    Attributes:
        shard: the written file.
        entries: input files and annotated images that were assigned to it.
        inputs: inputs found in them, as `annotations` defines the word.
        rejected: how many of the inputs were rejected.
    """

    shard: manifest.Shard
    entries: int
    inputs: int
    rejected: int


class Written(NamedTuple):
    """What came of one shard; `rejected` is None where nothing was."""

    facts: ShardFacts
    rejected: Run | None
    statistics: DatasetStatistics


def write_shard(name: str, entries: Sequence[Entry], job: Job) -> Written:
    """Writes the TFRecord file `name`, keys in sorted order, and the list of its rejections.

    The file appears under its name only when it is complete. A second run of the same work, as
    runners do after a lost worker, finds it finished or writes the same bytes.
    """
    entries = sorted(entries, key=lambda entry: (entry.key, entry.block, entry.kind, entry.file))
    statistics = ShardStatistics(name, job.action_units, job.crop.margin)
    progress = ShardProgress(job.output, name)
    finished = resume.load(job.output, name, entries)
    if finished:
        for serialized in resume.read_records(job.output, name):
            statistics.add(records.decode(serialized), len(serialized))
        progress.add(finished.images, len(finished.rejections))
    else:
        finished = _make(name, entries, job, statistics, progress)
        finished.save(job.output, name)
    progress.write()
    for rejection in finished.rejections:
        statistics.add_rejection(rejection)
    shard = manifest.Shard(name, finished.records, finished.sha256)
    facts = ShardFacts(shard, len(entries), finished.inputs, len(finished.rejections))
    run = write_run(job.output, name, finished.rejections) if finished.rejections else None
    return Written(facts, run, statistics.finish(finished.clipped, finished.poses))


def _make(
    name: str,
    entries: Sequence[Entry],
    job: Job,
    statistics: ShardStatistics,
    progress: ShardProgress,
) -> resume.Finished:
    """Reads, crops and writes; `statistics` and `progress` hear of each record."""
    maker = RecordMaker(job)
    rejections: list[Rejection] = []
    path = FileSystems.join(job.output, f"{TEMPORARY}{uuid.uuid4().hex}-{name}")
    digest, count, seen = hashlib.sha256(), 0, 0
    with files.created(path) as file:
        sink = _Digesting(file.write, digest.update)
        for (key, _), group in itertools.groupby(entries, lambda entry: (entry.key, entry.block)):
            for outcome in maker.outcomes(key, list(group)):
                if isinstance(outcome, Rejection):
                    rejections.append(outcome)
                else:
                    encoded = records.encode(outcome)
                    tfrecord.write(sink, encoded)
                    statistics.add(outcome, len(encoded))
                    count += 1
                progress.add(maker.images - seen, len(rejections))
                seen = maker.images
    files.replace(path, FileSystems.join(job.output, name))
    return resume.Finished(
        entries=resume.digest_of(entries),
        sha256=digest.hexdigest(),
        records=count,
        images=maker.images,
        inputs=maker.inputs,
        clipped=maker.clipped,
        poses=[pose.tolist() for pose in maker.poses],
        rejections=rejections,
    )


class _Digesting:
    """The write method of a file, with a digest of what passes."""

    def __init__(self, write: Callable[[bytes], Any], update: Callable[[bytes], None]):
        self._write = write
        self._update = update

    def write(self, data: bytes) -> None:
        self._write(data)
        self._update(data)
