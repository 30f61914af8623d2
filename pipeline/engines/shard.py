"""How Beam is told what came of a shard, whatever the engine."""

from collections.abc import Iterator
from typing import Literal, TypeAlias

from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput

from ganimation_tf.data.statistics.dataset import DatasetStatistics
from pipeline.listing import COUNTERS
from pipeline.rejected import Run
from pipeline.shards import ShardFacts, Written

REJECTED, STATISTICS, FACTS = "rejected", "statistics", "facts"
"""The collections that come of shards: `Run`s, `DatasetStatistics` and, of each, `ShardFacts`."""

Output: TypeAlias = (
    ShardFacts
    | TaggedOutput[Literal["rejected"], Run]
    | TaggedOutput[Literal["statistics"], DatasetStatistics]
)


def outputs(written: Written) -> Iterator[Output]:
    """The elements that a `DoFn` yields for a shard; its counters count them."""
    Metrics.counter(COUNTERS, "records").inc(written.facts.shard.records)
    for code, count in written.statistics.rejections.items():
        Metrics.counter(COUNTERS, code).inc(count)
    if written.rejected:
        yield TaggedOutput(REJECTED, written.rejected)
    yield TaggedOutput(STATISTICS, written.statistics)
    yield written.facts
