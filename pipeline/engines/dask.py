"""Shards written by the workers of a Dask scheduler.

Beam runs here, in the submitting process: it lists, groups, hands the entries of each shard out in
a file of the output directory, and finishes. Between the two it waits in one `DoFn`, which gives
the scheduler a task for each shard and takes in what came of each. A task is a name and a few
kilobytes: what a shard is made of goes through neither the scheduler nor a message of this process.
"""

import concurrent.futures
import contextlib
import dataclasses
import hashlib
import logging
import pathlib
import pickle
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NoReturn

import apache_beam as beam
import distributed

from ganimation_tf.errors import UserError
from pipeline.engines import dask_worker, shard, staging, versions
from pipeline.entries import Entries
from pipeline.job import Job

_CONNECT = 10.0  # seconds to reach a scheduler that is there
_POLL = 0.1  # seconds between looks for finished shards
_LOOK = 2.0  # seconds between looks for workers

_HAS_PROJECT = "__import__('importlib.util').util.find_spec('ganimation_tf') is not None"
"""What a worker is asked before it can be asked by functions of this project."""

AGAIN = "run again, the job goes on from there"

_OPEN: dict[str, "Cluster"] = {}
"""Open clusters: a `DoFn` is pickled even in its own process, and a connection cannot be."""


class _Ended(BaseException):
    """Carries an error through Beam, which prints an `Exception` with a traceback for each of its
    layers and makes another one of it."""

    def __init__(self, error: Exception):
        super().__init__(error)
        self.error = error


@contextlib.contextmanager
def connected(engine: str, wait: float, beam_args: Sequence[str]) -> Iterator["Cluster"]:
    """The workers of a scheduler.

    Args:
        engine: `dask://HOST:PORT`.
        wait: seconds in which a first worker must come, and one again after the last has gone.
        beam_args: Beam's options, of which workers need those of file systems.

    Raises:
        UserError: if there is no scheduler, no worker, or one that cannot do this job.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is said in one line
    address = engine.replace("dask://", "tcp://", 1)
    try:
        with warnings.catch_warnings(action="ignore"):  # of versions, which are compared below
            client = distributed.Client(address, timeout=_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"--engine {engine}: no Dask scheduler answers there ({_one_line(error)}); start one "
            "with: dask scheduler --host HOST --port PORT"
        ) from None
    with client:
        cluster = Cluster(client, engine, wait, beam_args)
        cluster.check()
        _OPEN[cluster.token] = cluster
        try:
            yield cluster
        finally:
            del _OPEN[cluster.token]


class Cluster:
    """An `engines.Engine`.

    Attributes:
        token: names this submission; in no other one's tasks or files.
    """

    def __init__(
        self, client: distributed.Client, engine: str, wait: float, beam_args: Sequence[str]
    ):
        self.token = uuid.uuid4().hex[:12]
        self._client = client
        self._engine = engine
        self._wait = wait
        self._beam_args = tuple(beam_args)
        self._seen = time.monotonic()  # a worker
        self._looked = 0.0

    def write(self, job: Job) -> beam.PTransform:
        """As `Engine.write`."""
        return _OnWorkers(job, self.token)

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """As `Engine.explained`."""
        try:
            yield
        except _Ended as ended:
            raise ended.error from None

    def check(self) -> None:
        """Waits for a first worker, and makes sure that all can do the job.

        Raises:
            UserError: if none comes, or one differs in what the bytes of a dataset hang on.
        """
        while not self._client.nthreads():
            if time.monotonic() - self._seen > self._wait:
                raise UserError(
                    f"--engine {self._engine}: no worker has come within {self._wait:g} seconds; "
                    f"start one with: dask worker {self._address} --nthreads 1"
                )
            time.sleep(_POLL)
        has = self._client.run(eval, _HAS_PROJECT)
        self._compare([worker for worker in has if has[worker]])
        lacking = [worker for worker in has if not has[worker]]
        if lacking:
            with tempfile.TemporaryDirectory() as folder:
                self._client.upload_file(str(staging.write_zip(pathlib.Path(folder))))
            self._compare(lacking)

    def _compare(self, workers: Sequence[str]) -> None:
        if not workers:  # which `run` would take for all of them
            return
        found: Mapping[str, Mapping[str, str]] = self._client.run(versions.here, workers=workers)
        for worker, there in sorted(found.items()):
            differs = versions.difference(there, versions.here())
            if differs:
                raise UserError(
                    f"--engine {self._engine}: the worker {worker} has {differs}; install the same "
                    "there and start it again, or the same inputs would not give the same bytes"
                )

    def run(self, job: Job, names: Sequence[str]) -> Iterator[shard.Written]:
        """Has the shards written; their order is that in which they are finished.

        Raises:
            _Ended: with what stopped it; tasks that have not begun are taken back.
        """
        pickled = pickle.dumps(job, protocol=5)
        order = dask_worker.Order(versions.here(), self.token, self._beam_args, pickled)
        # Both, so that neither another job of this output nor another try of this one can join.
        prefix = f"ganimation-{hashlib.sha256(pickled).hexdigest()[:12]}-{self.token}"
        futures = {
            self._client.submit(
                dask_worker.write, order, name, key=f"{prefix}-{name}", pure=False
            ): name
            for name in names
        }
        self._seen = time.monotonic()
        waiting = distributed.as_completed(list(futures), loop=self._client.loop)
        try:
            while not waiting.is_empty():
                finished = waiting.next_batch(block=False)
                for future in finished:
                    yield self._result(future, futures.pop(future))
                if not finished:
                    self._look()
                    time.sleep(_POLL)
        finally:
            with contextlib.suppress(Exception):  # the scheduler may be gone
                self._client.cancel(list(futures))

    def _result(self, future: distributed.Future, name: str) -> shard.Written:
        try:
            return future.result()
        except distributed.KilledWorker as error:
            tries = error.allowed_failures + 1
            self._end(
                f"{name} ended each of the {tries} workers that tried it, the last at "
                f"{error.last_worker.address}, perhaps for want of memory; {AGAIN}"
            )
        except concurrent.futures.CancelledError:
            self._end(f"the scheduler has gone or was restarted; {AGAIN}")
        except UserError as error:
            self._end(str(error))
        except Exception as error:
            raise _Ended(error) from None

    def _look(self) -> None:
        """Ends the work if there has been no worker for too long."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        try:
            present = bool(self._client.nthreads())
        except (OSError, concurrent.futures.CancelledError):
            self._end(f"the scheduler has gone; {AGAIN}")
        if present:
            self._seen = now
        elif now - self._seen > self._wait:
            self._end(f"no worker is left and none has come for {self._wait:g} seconds; {AGAIN}")

    def _end(self, why: str) -> NoReturn:
        raise _Ended(UserError(f"--engine {self._engine}: {why}"))

    @property
    def _address(self) -> str:
        return self._engine.replace("dask://", "tcp://", 1)


class _HandOut(beam.DoFn):
    """(shard name, its `Entries`) -> the name, when the entries lie where a worker finds them."""

    def __init__(self, output: str, token: str):
        self.output = output
        self.token = token

    def process(self, element: tuple[str, Iterable[Entries]]) -> Iterator[str]:
        name, batches = element
        dask_worker.hand_out(self.output, self.token, name, batches)
        yield name


class _Submit(beam.DoFn):
    """The token of an open cluster -> what came of the shards."""

    def __init__(self, job: Job):
        self.job = job

    def process(self, token: str, names: Sequence[str]) -> Iterator[shard.Output]:
        for found in _OPEN[token].run(self.job, sorted(names)):
            yield from shard.outputs(found)


@dataclasses.dataclass
class _OnWorkers(beam.PTransform):
    """(shard name, its `Entries`) -> `shard.OUTPUTS`."""

    job: Job
    token: str

    def expand(self, grouped: beam.PCollection):  # Beam warns of hints for several outputs
        names = grouped | "HandOut" >> beam.ParDo(_HandOut(self.job.output, self.token))
        submitting = beam.ParDo(_Submit(self.job), beam.pvalue.AsList(names))
        tags = (shard.REJECTED, shard.STATISTICS)
        return (
            grouped.pipeline
            | "Cluster" >> beam.Create([self.token], reshuffle=False)
            | "Submit" >> submitting.with_outputs(*tags, main=shard.FACTS)
        )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")[:200]
