"""The Beam transforms that find out which names each shard is made of.

    ReadInputs -> Index -> GroupByKey (shard) -> Assign, where the annotations say what belongs
    together

The elements are batches of names: Beam's price per element is several times that of cropping a
face.
"""

import dataclasses
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput

from pipeline import files
from pipeline.entries import TO_INDEX, Entries, Entry, indexed
from pipeline.job import Job
from pipeline.progress import TEMPORARY

COUNTERS = "preprocess"
"""Namespace of the job's Beam counters: images, annotations, records and the reason codes."""

INPUTS = f"{TEMPORARY}inputs.gz"
"""Where the listed inputs are handed out, in the directory of the dataset."""

_BATCH = 1000  # entries in one element
_WAITING = 100_000  # entries that wait for their batch to fill up

Batch = tuple[str, Entries]
"""Shard name, and entries of that shard."""


def batches(entries: Iterable[Entry], shard: Callable[[Entry], str]) -> Iterator[Batch]:
    """Batches of at most `_BATCH` entries."""
    gathered: dict[str, list[Entry]] = defaultdict(list)
    waiting = 0
    for entry in entries:
        name = shard(entry)
        gathered[name].append(entry)
        waiting += 1
        if len(gathered[name]) == _BATCH:
            waiting -= _BATCH
            yield name, Entries(gathered.pop(name))
        elif waiting == _WAITING:
            yield from ((name, Entries(part)) for name, part in gathered.items())
            gathered.clear()
            waiting = 0
    yield from ((name, Entries(part)) for name, part in gathered.items())


def write_inputs(path: str, entries: Iterable[Entry], one_by_one: bool) -> None:
    """Writes what was listed for the workers to read: lines of JSON, compressed.

    Not part of the pipeline itself, which some runners allow a few megabytes only.

    Args:
        path: ends in `.gz`.
        entries: of images, and of annotation files that are still to be indexed.
        one_by_one: whether annotation files are large, each a worker's task by itself.
    """
    with FileSystems.create(path) as file:
        waiting: list[Entry] = []

        def write(batch: list[Entry]) -> None:
            if batch:
                file.write(f"{json.dumps(batch)}\n".encode())

        for entry in entries:
            if one_by_one and entry.kind == TO_INDEX:
                write([entry])
                continue
            waiting.append(entry)
            if len(waiting) == _BATCH:
                write(waiting)
                waiting.clear()
        write(waiting)


class _ReadInputs(beam.DoFn):
    """Path of what `write_inputs` wrote -> its lines."""

    def process(self, path: str) -> Iterator[bytes]:
        with FileSystems.open(path) as file:
            while line := file.readline():
                yield line


class _Index(beam.DoFn):
    """A line of inputs -> batches of the entries of images and annotations."""

    LISTED = "listed"

    def __init__(self, job: Job):
        self.job = job

    def process(self, line: bytes) -> Iterator[Batch | TaggedOutput[Literal["listed"], int]]:
        counts = {files.IMAGE: 0, files.ANNOTATION: 0}

        def entries() -> Iterator[Entry]:
            for item in json.loads(line):
                listed = Entry(*item)
                kind = files.IMAGE if listed.kind == files.IMAGE else files.ANNOTATION
                for entry in indexed(listed, self.job.reader):
                    for block in self.job.blocks:
                        counts[kind] += 1
                        yield entry._replace(block=block)

        def shard(entry: Entry) -> str:
            return self.job.sharding.shard(entry.key, block=entry.block)

        yield from batches(entries(), shard)
        yield TaggedOutput(self.LISTED, sum(counts.values()))
        for kind, count in counts.items():
            Metrics.counter(COUNTERS, f"{kind}s").inc(count)


@dataclasses.dataclass
class ListEntries(beam.PTransform):
    """Path of the listed inputs -> (shard name, `Entries`); and `listed`: how many in each batch.

    Each shard has an element, also one that no key fell into: it is written, too.
    """

    job: Job

    def expand(self, paths: beam.PCollection):  # Beam warns of hints for several outputs
        indexing = beam.ParDo(_Index(self.job))
        assigned = (
            paths
            | "ReadInputs" >> beam.ParDo(_ReadInputs()).with_output_types(bytes)
            | "Spread" >> beam.Reshuffle()  # or one worker would index all tables
            | "Index" >> indexing.with_outputs(_Index.LISTED, main="entries")
        )
        empty = (
            paths.pipeline
            | "Shards" >> beam.Create(self.job.sharding.names(), reshuffle=False)
            | "Empty" >> beam.Map(lambda name: (name, Entries())).with_output_types(Batch)
        )
        entries = (assigned.entries, empty) | "Entries" >> beam.Flatten()
        if self.job.reader.assigns:
            entries = entries | "Assign" >> Assign(self.job)
        return entries, assigned.listed


class _Assign(beam.DoFn):
    """(shard by the keys, entries) -> batches by what the annotations say."""

    def __init__(self, job: Job):
        self.job = job

    def process(self, element: tuple[str, Iterable[Entries]]) -> Iterator[Batch]:
        name, packed = element
        entries = [entry for batch in packed for entry in batch]
        said: dict[str, tuple[str | None, str | None]] = {}
        for entry in sorted(entries, key=lambda entry: (*entry[:3], entry.number)):
            subject, split = said.get(entry.key, (None, None))
            said[entry.key] = subject or entry.subject, split or entry.split
        yield name, Entries()
        yield from batches(
            entries, lambda entry: self.job.sharding.shard(entry.key, *said[entry.key], entry.block)
        )


@dataclasses.dataclass
class Assign(beam.PTransform):
    """Moves batches to the shards of the subjects or splits that annotations name.

    An image does not know its subject: it first meets its annotation by its key.
    """

    job: Job

    def expand(self, entries: beam.PCollection) -> beam.PCollection:
        assigning = beam.ParDo(_Assign(self.job)).with_output_types(Batch)
        return entries | "GroupByKey" >> beam.GroupByKey() | "Move" >> assigning
