"""Shards written by the workers of Beam's own runner."""

import contextlib
from collections.abc import Iterable, Iterator

import apache_beam as beam

from ganimation_tf.threads import single_threaded
from pipeline.engines import shard
from pipeline.entries import Entries
from pipeline.job import Job
from pipeline.shards import write_shard


class _WriteShard(beam.DoFn):
    def __init__(self, job: Job):
        self.job = job

    def setup(self):
        single_threaded()  # the runner's workers are the parallelism
        self.job.geometry.load()

    def process(self, element: tuple[str, Iterable[Entries]]) -> Iterator[shard.Output]:
        name, batches = element
        entries = [entry for batch in batches for entry in batch]
        yield from shard.outputs(write_shard(name, entries, self.job))


class Local:
    """An `engines.Engine`."""

    def write(self, job: Job) -> beam.PTransform:
        """As `Engine.write`."""
        tags = (shard.REJECTED, shard.STATISTICS)
        return beam.ParDo(_WriteShard(job)).with_outputs(*tags, main=shard.FACTS)

    def explained(self) -> contextlib.AbstractContextManager[None]:
        """As `Engine.explained`: Beam tells what happened itself."""
        return contextlib.nullcontext()
