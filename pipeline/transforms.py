"""The Beam transforms of the preprocessing job.

    ListEntries -> GroupByKey (shard) -> WriteShards -> merge statistics -> Finish

`listing` has the first of them. No pixels are elements, only names and rows of annotations.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.io.filesystems import FileSystems

from ganimation_tf.data import manifest
from ganimation_tf.data.statistics.dataset import DatasetStatistics
from pipeline import files
from pipeline.engines import Engine
from pipeline.job import Job
from pipeline.progress import TEMPORARY
from pipeline.rejected import Run, merge_runs
from pipeline.sharding import SHARD_PATTERN
from pipeline.shards import ShardFacts
from pipeline.statistics import MergeStatistics, write_statistics


@dataclasses.dataclass
class WriteShards(beam.PTransform):
    """(shard name, `Entries`) -> three collections.

    `facts`: `ShardFacts`; `rejected`: `rejected.Run`s of the shards' rejections; `statistics`: one
    element, the `DatasetStatistics` of all shards.
    """

    job: Job
    engine: Engine

    def expand(self, entries: beam.PCollection):  # Beam warns of hints for several outputs
        grouped = entries | "GroupByShard" >> beam.GroupByKey()
        outputs = grouped | "Write" >> self.engine.write(self.job)
        merge = MergeStatistics(len(self.job.action_units))
        statistics = outputs.statistics | "MergeStatistics" >> beam.CombineGlobally(merge)
        return outputs.facts, outputs.rejected, statistics


def finish(
    job: Job,
    options: Mapping[str, Any],
    facts: Iterable[ShardFacts],
    runs: Iterable[Run],
    listed: int,
    statistics: DatasetStatistics,
) -> int:
    """Checks the sums and writes `rejected.jsonl`; then, if there is a record, statistics, report
    and, last, `dataset.json`.

    Args:
        job: what was to be done.
        options: those to be kept in `dataset.json`.
        facts: what came of each shard.
        runs: where the shards' rejections are.
        listed: number of entries that were handed out.
        statistics: of all shards.

    Returns:
        The number of records.

    Raises:
        RuntimeError: if anything was lost on the way.
    """
    facts = sorted(facts, key=lambda done: done.shard.file)
    runs = sorted(runs)
    rejected = sum(run.lines for run in runs)
    _check_sums(job, facts, rejected, listed)
    records = sum(done.shard.records for done in facts)
    counted = sum(split.records for split in statistics.splits.values())
    if (counted, sum(statistics.rejections.values())) != (records, rejected):
        raise RuntimeError(f"the runner lost statistics: {counted} of {records} records are there")
    merge_runs([run.path for run in runs], FileSystems.join(job.output, manifest.REJECTED))
    temporaries = rf"{re.escape(TEMPORARY)}.*"
    if not records:
        names = "|".join(map(re.escape, (manifest.FINGERPRINT, manifest.SOURCES)))
        unfinished = f"{temporaries}|{SHARD_PATTERN}|{names}"
        files.delete_matching(job.output, unfinished)
        return 0
    made = _manifest(job, options, facts, statistics)
    write_statistics(job.output, made, statistics, job.notes)
    files.delete_matching(job.output, temporaries)  # as late as can be: they help to resume
    temporary = FileSystems.join(job.output, f"{TEMPORARY}{manifest.FILE}")
    files.write_text(temporary, made.to_json())
    files.replace(temporary, FileSystems.join(job.output, manifest.FILE))
    return records


def _manifest(
    job: Job,
    options: Mapping[str, Any],
    facts: Sequence[ShardFacts],
    statistics: DatasetStatistics,
) -> manifest.Manifest:
    clipped = np.sum([split.clipped for split in statistics.splits.values()], axis=0)
    return manifest.Manifest(
        action_units=tuple(job.action_units),
        action_units_maximum=job.action_units_maximum,
        crop=job.crop,
        splits={
            split: [done.shard for done in facts if done.shard.file.startswith(f"{split}-")]
            for split in (manifest.TRAIN, manifest.EVAL)
        },
        inputs=sum(done.inputs for done in facts),
        rejections=statistics.rejections,
        clipped={
            unit: int(count) for unit, count in zip(job.action_units, clipped, strict=True) if count
        },
        options=options,
        sources=job.sources,
    )


def _check_sums(job: Job, facts: Sequence[ShardFacts], rejected: int, listed: int) -> None:
    """Raises `RuntimeError` unless every file was seen and every input accounted for."""
    names = [done.shard.file for done in facts]
    if names != sorted(job.sharding.names()):
        raise RuntimeError(
            f"shards must be {sorted(job.sharding.names())}, the runner gave {names}"
        )
    seen = sum(done.entries for done in facts)
    if seen != listed:
        raise RuntimeError(f"the runner lost files: {listed} were listed, {seen} were handled")
    made = sum(done.rejected for done in facts)
    if rejected != made:
        raise RuntimeError(f"the runner lost rejections: {rejected} arrived, {made} were made")
    inputs = sum(done.inputs for done in facts)
    written = sum(done.shard.records for done in facts)
    if inputs != written + rejected:
        raise RuntimeError(f"{inputs} inputs, but {written} records + {rejected} rejections")


@dataclasses.dataclass
class Finish(beam.PTransform):
    """`ShardFacts` -> the number of records, once `rejected.jsonl` and `dataset.json` are there."""

    job: Job
    options: Mapping[str, Any]
    rejected: beam.PCollection
    listed: beam.PCollection
    statistics: beam.PCollection

    def expand(self, facts: beam.PCollection) -> beam.PCollection:
        listed = self.listed | "Listed" >> beam.CombineGlobally(sum)
        return (
            facts.pipeline
            | "Once" >> beam.Create([self.job], reshuffle=False)
            | "WriteManifest"
            >> beam.Map(
                finish,
                self.options,
                beam.pvalue.AsList(facts),
                beam.pvalue.AsList(self.rejected),
                beam.pvalue.AsSingleton(listed),
                beam.pvalue.AsSingleton(self.statistics),
            ).with_output_types(int)
        )
