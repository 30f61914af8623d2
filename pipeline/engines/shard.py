"""What every engine does with a shard, and how Beam is told of it."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput

from ganimation_tf.data.statistics.dataset import DatasetStatistics
from pipeline.entries import Entry
from pipeline.job import Job
from pipeline.listing import COUNTERS
from pipeline.rejected import Run, write_run
from pipeline.shards import ShardFacts, write_shard

REJECTED, STATISTICS, FACTS = "rejected", "statistics", "facts"
"""The collections that come of shards: `Run`s, `DatasetStatistics` and, of each, `ShardFacts`."""

Output: TypeAlias = (
    ShardFacts
    | TaggedOutput[Literal["rejected"], Run]
    | TaggedOutput[Literal["statistics"], DatasetStatistics]
)


class Written(NamedTuple):
    """What came of one shard; `rejected` is None where nothing was."""

    facts: ShardFacts
    rejected: Run | None
    statistics: DatasetStatistics


def written(name: str, entries: Sequence[Entry], job: Job) -> Written:
    """Writes the shard `name` and the list of its rejections."""
    facts, rejections, statistics = write_shard(name, entries, job)
    run = write_run(job.output, name, rejections) if rejections else None
    return Written(facts, run, statistics)


def outputs(written: Written) -> Iterator[Output]:
    """The elements that a `DoFn` yields for a shard; its counters count them."""
    Metrics.counter(COUNTERS, "records").inc(written.facts.shard.records)
    for code, count in written.statistics.rejections.items():
        Metrics.counter(COUNTERS, code).inc(count)
    if written.rejected:
        yield TaggedOutput(REJECTED, written.rejected)
    yield TaggedOutput(STATISTICS, written.statistics)
    yield written.facts
