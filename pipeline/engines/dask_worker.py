"""What a Dask worker runs: one shard at a time, with what the submitting machine has handed out."""

import functools
import pickle
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from ganimation_tf.errors import UserError
from ganimation_tf.threads import single_threaded
from pipeline import files
from pipeline.engines import versions
from pipeline.entries import Entries, Entry
from pipeline.job import Job
from pipeline.progress import TEMPORARY
from pipeline.shards import Written, write_shard

MAX_BYTES = 1 << 30

_AT_WORK = threading.Lock()
"""A worker with several threads writes one shard after the other: networks and caches are one
thread's. Processes are the parallelism."""


class Order(NamedTuple):
    """What all shards of a job have in common.

    Attributes:
        versions: of the submitting machine, those that must agree.
        token: of the submission.
        beam_args: Beam's options, of which those of file systems count.
        job: a pickled `Job`, read when versions are known to agree.
    """

    versions: Mapping[str, str]
    token: str
    beam_args: tuple[str, ...]
    job: bytes


def hand_out(output: str, token: str, name: str, batches: Iterable[Entries]) -> None:
    """Writes the entries of a shard where its worker finds them, packed as they are."""
    packed = pickle.dumps([batch.packed for batch in batches], protocol=5)
    path = _path(output, token, name)
    with files.created(path) as file:
        file.write(packed)


def handed_out(output: str, token: str, name: str) -> Iterator[Entry]:
    """The entries that `hand_out` wrote."""
    for packed in pickle.loads(files.read(_path(output, token, name), MAX_BYTES)):
        yield from Entries(packed=packed)


def write(order: Order, name: str) -> Written:
    """Writes the shard `name`.

    Raises:
        UserError: if this worker differs from the submitting machine in what bytes hang on.
    """
    differs = versions.difference(versions.here(), order.versions)
    if differs:  # it may have joined after the others were asked
        raise UserError(f"a worker has {differs}; install the same there")
    with _AT_WORK:
        _prepare(order.beam_args)
        job: Job = pickle.loads(order.job)
        job.geometry.load()
        return write_shard(name, list(handed_out(job.output, order.token, name)), job)


@functools.lru_cache(maxsize=1)
def _prepare(beam_args: tuple[str, ...]) -> None:
    single_threaded()
    FileSystems.set_options(PipelineOptions(list(beam_args)))


def _path(output: str, token: str, name: str) -> str:
    return FileSystems.join(output, f"{TEMPORARY}entries-{token}-{name}.pickle")
