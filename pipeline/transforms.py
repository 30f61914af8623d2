"""The Beam transforms of the preprocessing job.

    ListFiles -> GroupByKey (shard) -> WriteShards -> Finish

Beam's price per element is several times that of cropping a face if pixels are elements, so the
elements are batches of names and the only shuffle is that of names.
"""

import dataclasses
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import cv2
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import Metrics

from ganimation_tf import manifest
from pipeline import files
from pipeline.progress import TEMPORARY
from pipeline.sharding import SHARD_PATTERN
from pipeline.shards import BAD_NAME, Entry, Job, ShardFacts, write_shard

COUNTERS = "preprocess"
"""Namespace of the job's Beam counters: images, annotations, records and the reason codes."""

_BATCH = 1000  # entries in one element


def entries_of(source: files.Source, job: Job) -> Iterator[Entry]:
    """The entries of all files of a source."""
    for path, file in source.files():
        try:
            path.encode()
        except UnicodeEncodeError:  # the name would not survive the way to a worker
            name = file.encode("utf-8", "backslashreplace").decode()
            yield Entry(files.key_of(name), BAD_NAME, name, None)
            continue
        if source.kind == files.IMAGE:
            yield Entry(files.key_of(file), files.IMAGE, file, path)
        else:
            for key, reference in job.reader.index(path, file):
                yield Entry(key, files.ANNOTATION, file, reference)


class _ListFiles(beam.DoFn):
    LISTED = "listed"

    def __init__(self, job: Job):
        self.job = job

    def process(self, source: files.Source) -> Iterator[Any]:
        if source.kind == files.IMAGE:
            # Each shard is written, also one that no key fell into.
            yield from ((name, []) for name in self.job.sharding.names())
        batches: dict[str, list[Entry]] = defaultdict(list)
        listed = 0
        for entry in entries_of(source, self.job):
            listed += 1
            name = self.job.sharding.shard(entry.key)
            batches[name].append(entry)
            if len(batches[name]) == _BATCH:
                yield name, batches.pop(name)
        yield from batches.items()
        yield beam.pvalue.TaggedOutput(self.LISTED, listed)
        Metrics.counter(COUNTERS, f"{source.kind}s").inc(listed)


@dataclasses.dataclass
class ListFiles(beam.PTransform):
    """`files.Source` -> `entries`: (shard name, batch of `Entry`), `listed`: number of entries."""

    job: Job

    def expand(self, sources):
        listing = beam.ParDo(_ListFiles(self.job)).with_output_types(tuple[str, Any])
        outputs = sources | "List" >> listing.with_outputs(_ListFiles.LISTED, main="entries")
        return outputs.entries, outputs.listed


class _WriteShard(beam.DoFn):
    REJECTED = "rejected"

    def __init__(self, job: Job):
        self.job = job

    def setup(self):
        # The runner's workers are the parallelism; OpenCV's threads would fight them.
        cv2.setNumThreads(1)

    def process(self, element: tuple[str, Iterable[Sequence[Entry]]]) -> Iterator[Any]:
        name, batches = element
        entries = [Entry(*entry) for entry in itertools.chain.from_iterable(batches)]
        facts, rejections = write_shard(name, entries, self.job)
        Metrics.counter(COUNTERS, "records").inc(facts.shard.records)
        for rejection in rejections:
            Metrics.counter(COUNTERS, rejection.code).inc()
            yield beam.pvalue.TaggedOutput(self.REJECTED, (rejection.code, rejection.to_json()))
        yield facts


@dataclasses.dataclass
class WriteShards(beam.PTransform):
    """(shard name, batch) -> `facts`: `ShardFacts`, `rejected`: (code, line of rejected.jsonl)."""

    job: Job

    def expand(self, entries):
        outputs = (
            entries
            | "GroupByShard" >> beam.GroupByKey()
            | "Write"
            >> beam.ParDo(_WriteShard(self.job)).with_outputs(_WriteShard.REJECTED, main="facts")
        )
        return outputs.facts, outputs.rejected


def finish(
    job: Job,
    options: Mapping[str, Any],
    facts: Iterable[ShardFacts],
    rejected: Iterable[tuple[str, str]],
    listed: Iterable[int],
) -> int:
    """Checks the sums, writes `rejected.jsonl` and, if there is a record, `dataset.json` last.

    Returns:
        The number of records.

    Raises:
        RuntimeError: if anything was lost on the way.
    """
    facts = sorted(facts, key=lambda found: found.shard.file)
    rejected = sorted(rejected, key=lambda pair: pair[1])
    count = sum(found.shard.records for found in facts)
    _check_sums(job, facts, len(rejected), sum(listed))
    lines = "".join(f"{line}\n" for _, line in rejected)
    files.write_text(FileSystems.join(job.output, manifest.REJECTED), lines)
    files.delete_matching(job.output, rf"{re.escape(TEMPORARY)}.*")
    if not count:
        files.delete_matching(job.output, SHARD_PATTERN)
        return 0
    text = _manifest(job, options, facts, Counter(code for code, _ in rejected)).to_json()
    temporary = FileSystems.join(job.output, f"{TEMPORARY}{manifest.FILE}")
    files.write_text(temporary, text)
    FileSystems.rename([temporary], [FileSystems.join(job.output, manifest.FILE)])
    return count


def _manifest(
    job: Job,
    options: Mapping[str, Any],
    facts: Sequence[ShardFacts],
    rejections: Mapping[str, int],
) -> manifest.Manifest:
    clipped: Counter[str] = Counter()
    for found in facts:
        clipped.update(found.clipped)
    return manifest.Manifest(
        action_units=tuple(job.reader.action_units),
        action_units_maximum=job.reader.maximum,
        crop=job.crop,
        splits={
            split: [found.shard for found in facts if found.shard.file.startswith(f"{split}-")]
            for split in (manifest.TRAIN, manifest.EVAL)
        },
        inputs=sum(found.inputs for found in facts),
        rejections=dict(rejections),
        clipped=dict(clipped),
        options=options,
    )


def _check_sums(job: Job, facts: Sequence[ShardFacts], rejected: int, listed: int) -> None:
    """Raises `RuntimeError` unless every file was seen and every input accounted for."""
    names = [found.shard.file for found in facts]
    if names != sorted(job.sharding.names()):
        raise RuntimeError(
            f"shards must be {sorted(job.sharding.names())}, the runner gave {names}"
        )
    seen = sum(found.entries for found in facts)
    if seen != listed:
        raise RuntimeError(f"the runner lost files: {listed} were listed, {seen} were handled")
    made = sum(found.rejected for found in facts)
    if rejected != made:
        raise RuntimeError(f"the runner lost rejections: {rejected} arrived, {made} were made")
    inputs = sum(found.inputs for found in facts)
    written = sum(found.shard.records for found in facts)
    if inputs != written + rejected:
        raise RuntimeError(f"{inputs} inputs, but {written} records + {rejected} rejections")


@dataclasses.dataclass
class Finish(beam.PTransform):
    """`ShardFacts` -> the number of records, once `rejected.jsonl` and `dataset.json` are there."""

    job: Job
    options: Mapping[str, Any]
    rejected: beam.PCollection
    listed: beam.PCollection

    def expand(self, facts):
        return (
            facts.pipeline
            | "Once" >> beam.Create([self.job])
            | "WriteManifest"
            >> beam.Map(
                finish,
                self.options,
                beam.pvalue.AsList(facts),
                beam.pvalue.AsList(self.rejected),
                beam.pvalue.AsList(self.listed),
            )
        )
