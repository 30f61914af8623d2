"""Who calls `write_shard` for each shard: Beam's runner, or the workers of another engine.

Whatever the engine, Beam lists, groups, checks and finishes. An engine is a module here with a
class that is an `Engine`, and a line in `opened`; how Beam is told of a shard is in `shard`.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from ganimation_tf.errors import UserError, require
from pipeline.options import LOCAL_ENGINE, PreprocessOptions

if TYPE_CHECKING:
    import apache_beam as beam

    from pipeline.job import Job


class Engine(Protocol):
    """Who writes the shards."""

    def write(self, job: "Job") -> "beam.PTransform":
        """(shard name, all its `Entries`) -> `shard.OUTPUTS`."""

    def explained(self) -> contextlib.AbstractContextManager[None]:
        """Within it what ended the engine's work is raised as the error that it was.

        Raises:
            UserError: in a sentence, if the engine itself could not go on.
        """


@contextlib.contextmanager
def opened(options: PreprocessOptions, beam_args: Sequence[str]) -> Iterator[Engine]:
    """The engine that the options name, ready for work; left, it is given back.

    Args:
        options: of the job.
        beam_args: Beam's options, of which workers need those of file systems.

    Raises:
        UserError: if it cannot be reached, or its workers cannot do this job.
    """
    if options.engine == LOCAL_ENGINE:
        from pipeline.engines.local import Local

        yield Local()
        return
    if options.workers > 1:
        raise UserError(
            f"--workers is for {LOCAL_ENGINE}; the workers of {options.engine} are started with it"
        )
    require("distributed", "dask")
    from pipeline.engines.dask import connected

    with connected(options.engine, options.engine_wait, options.detector, beam_args) as cluster:
        yield cluster
