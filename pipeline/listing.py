"""The Beam transforms that find out which names each shard is made of.

    ListFiles -> GroupByKey (shard) -> Assign, where the annotations say what belongs together

The elements are batches of names: Beam's price per element is several times that of cropping a
face.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics

from pipeline import files
from pipeline.entries import Entry, entries_of_file, pack, unpack
from pipeline.job import Job

COUNTERS = "preprocess"
"""Namespace of the job's Beam counters: images, annotations, records and the reason codes."""

_BATCH = 1000  # entries in one element
_WAITING = 100_000  # entries that wait for their batch to fill up

Batch = tuple[str, bytes]
"""Shard name, and entries of that shard as `entries.pack` leaves them."""


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
            yield name, pack(gathered.pop(name))
        elif waiting == _WAITING:
            yield from ((name, pack(found)) for name, found in gathered.items())
            gathered.clear()
            waiting = 0
    yield from ((name, pack(found)) for name, found in gathered.items())


class _List(beam.DoFn):
    """`files.Source` -> batches of its entries; files that must be read go to `READ`."""

    LISTED = "listed"
    READ = "read"

    def __init__(self, job: Job):
        self.job = job

    def process(self, source: files.Source) -> Iterator[Any]:
        if source.kind == files.IMAGE:
            # Each shard is written, also one that no key fell into.
            yield from ((name, pack([])) for name in self.job.sharding.names())
        self.listed = 0
        to_read: list[files.Found] = []
        yield from batches(self._entries(source, to_read), self._shard)
        yield from (beam.pvalue.TaggedOutput(self.READ, found) for found in to_read)
        yield beam.pvalue.TaggedOutput(self.LISTED, self.listed)
        Metrics.counter(COUNTERS, f"{source.kind}s").inc(self.listed)

    def _entries(self, source: files.Source, to_read: list[files.Found]) -> Iterator[Entry]:
        for found in source.listing():
            if source.kind == files.ANNOTATION and self.job.reader.reads_index:
                to_read.append(found)
                continue
            for entry in entries_of_file(source.kind, found, self.job.reader):
                self.listed += 1
                yield entry

    def _shard(self, entry: Entry) -> str:
        return self.job.sharding.shard(entry.key)


class _Index(beam.DoFn):
    """An annotation file that speaks of many images -> batches of its entries."""

    def __init__(self, job: Job):
        self.job = job

    def process(self, found: files.Found) -> Iterator[Any]:
        self.listed = 0
        entries = self._entries(found)
        yield from batches(entries, lambda entry: self.job.sharding.shard(entry.key))
        yield beam.pvalue.TaggedOutput(_List.LISTED, self.listed)
        Metrics.counter(COUNTERS, f"{files.ANNOTATION}s").inc(self.listed)

    def _entries(self, found: files.Found) -> Iterator[Entry]:
        for entry in entries_of_file(files.ANNOTATION, found, self.job.reader):
            self.listed += 1
            yield entry


@dataclasses.dataclass
class ListFiles(beam.PTransform):
    """`files.Source` -> `entries`: (shard name, batch of `Entry`), `listed`: number of entries."""

    job: Job

    def expand(self, sources):
        tags = (_List.LISTED, _List.READ)
        listing = beam.ParDo(_List(self.job)).with_output_types(Batch)
        names = sources | "List" >> listing.with_outputs(*tags, main="entries")
        if not self.job.reader.reads_index:
            return names.entries, names.listed
        indexing = beam.ParDo(_Index(self.job)).with_output_types(Batch)
        rows = (
            names.read
            | "SpreadFiles" >> beam.Reshuffle()  # or one worker would read all tables
            | "Index" >> indexing.with_outputs(_List.LISTED, main="entries")
        )
        entries = (names.entries, rows.entries) | "Entries" >> beam.Flatten()
        listed = (names.listed, rows.listed) | "Listed" >> beam.Flatten()
        if self.job.reader.assigns:
            entries = entries | "Assign" >> Assign(self.job)
        return entries, listed


class _Assign(beam.DoFn):
    """(shard by the keys, batches) -> batches by what the annotations say."""

    def __init__(self, job: Job):
        self.job = job

    def process(self, element: tuple[str, Iterable[bytes]]) -> Iterator[Batch]:
        name, found = element
        entries = unpack(found)
        said = {}
        for entry in sorted(entries, key=lambda entry: entry[:3]):
            if entry.kind == files.ANNOTATION:
                split, subject = said.get(entry.key, (None, None))
                said_split, said_subject = self.job.reader.assignment(entry.reference)
                said[entry.key] = split or said_split, subject or said_subject
        yield name, pack([])

        def shard(entry: Entry) -> str:
            split, subject = said.get(entry.key, (None, None))
            return self.job.sharding.shard(entry.key, subject, split)

        yield from batches(entries, shard)


@dataclasses.dataclass
class Assign(beam.PTransform):
    """Moves batches to the shards of the subjects or splits that annotations name.

    An image does not know its subject: it first meets its annotation by its key.
    """

    job: Job

    def expand(self, entries):
        assigning = beam.ParDo(_Assign(self.job)).with_output_types(Batch)
        return entries | "GroupByKey" >> beam.GroupByKey() | "Move" >> assigning
