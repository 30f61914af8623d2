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
import pickle
import time
import uuid
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import NoReturn

import apache_beam as beam
import distributed

from ganimation_tf.errors import UserError
from pipeline.engines import dask_worker, shard, versions
from pipeline.engines.dask_check import check
from pipeline.entries import Entries
from pipeline.job import Job
from pipeline.shards import Written

_CONNECT = 10.0  # seconds to reach a scheduler that is there
_FETCH = 5.0  # seconds in which a result must come from its worker
_POLL = 0.1  # seconds between looks for finished shards
_LOOK = 2.0  # seconds between looks for workers

AGAIN = "run again, the job goes on from there"

_OPEN: dict[str, "Cluster"] = {}
"""Open clusters: a `DoFn` is pickled even in its own process, and a connection cannot be."""


@contextlib.contextmanager
def connected(
    engine: str, wait: float, detector: str, beam_args: Sequence[str]
) -> Iterator["Cluster"]:
    """The workers of a scheduler.

    Args:
        engine: `dask://HOST:PORT`.
        wait: seconds in which a first worker must come, and one again after the last has gone.
        detector: of the job.
        beam_args: Beam's options, of which workers need those of file systems.

    Raises:
        UserError: if there is no scheduler, no worker, or one that cannot do this job.
    """
    with _quiet("distributed", "distributed.client", "asyncio"), _client(engine) as client:
        check(client, engine, wait, detector)
        cluster = Cluster(client, engine, wait, beam_args)
        _OPEN[cluster.token] = cluster
        try:
            yield cluster
        finally:
            del _OPEN[cluster.token]


@contextlib.contextmanager
def _quiet(*loggers: str) -> Iterator[None]:
    """What these would log is said in one line, or is of no use to a person."""
    levels = [(logger, logger.level) for logger in map(logging.getLogger, loggers)]
    for logger, _ in levels:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in levels:
            logger.setLevel(level)


def _client(engine: str) -> distributed.Client:
    address = engine.replace("dask://", "tcp://", 1)
    try:
        with warnings.catch_warnings(action="ignore"):  # of versions, which `check` compares
            return distributed.Client(address, timeout=_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UserError(
            f"--engine {engine}: no Dask scheduler answers there ({reason:.200}); start one "
            "with: dask scheduler --host HOST --port PORT"
        ) from None


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
        self._failure: Exception | None = None

    def write(self, job: Job) -> beam.PTransform:
        """As `Engine.write`."""
        return _OnWorkers(job, self.token)

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """As `Engine.explained`."""
        try:
            yield
        except Exception:  # which Beam has made of it
            if self._failure:
                raise self._failure from None
            raise

    def run(self, job: Job, names: Sequence[str]) -> Iterator[Written]:
        """Has the shards written; their order is that in which they are finished.

        Raises:
            Exception: what stopped it; tasks that have not begun are taken back.
        """
        pickled = pickle.dumps(job, protocol=5)
        expected = versions.of_worker(job.detector)
        order = dask_worker.Order(expected, self.token, self._beam_args, pickled)
        # Both, so that neither another job of this output nor another try of this one can join.
        prefix = f"ganimation-{hashlib.sha256(pickled).hexdigest()[:12]}-{self.token}"
        futures = {
            self._client.submit(
                dask_worker.write, order, name, key=f"{prefix}-{name}", pure=False
            ): name
            for name in names
        }
        self._seen = time.monotonic()
        try:
            while futures:
                finished = [future for future in futures if future.done()]
                for future in finished:
                    outcome = self._result(future, futures[future])
                    if outcome is not None:
                        del futures[future]
                        yield outcome
                self._look()
                if not finished:
                    time.sleep(_POLL)
        finally:
            # The scheduler may be gone.
            with contextlib.suppress(OSError, TimeoutError, concurrent.futures.CancelledError):
                self._client.cancel(list(futures))

    def _result(self, future: distributed.Future, name: str) -> Written | None:
        """What came of a task; None if that was lost with its worker, so that it is done again."""
        try:
            return future.result(timeout=_FETCH)
        except distributed.KilledWorker as error:
            tries = error.allowed_failures + 1
            self._end(
                f"{name} ended each of the {tries} workers that tried it, the last at "
                f"{error.last_worker.address}, perhaps for want of memory; {AGAIN}"
            )
        except concurrent.futures.CancelledError:
            self._end(f"the scheduler has gone or was restarted; {AGAIN}")
        except Exception as error:
            if isinstance(error, TimeoutError) and future.status != "error":
                return None
            self._end(error)

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

    def _end(self, why: str | Exception) -> NoReturn:
        """Raises the error, or one that says why, through Beam for `explained`."""
        if isinstance(why, str | UserError):
            why = UserError(f"--engine {self._engine}: {why}")
        self._failure = why
        # It would log a traceback for each of its layers.
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
        raise why


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
        for outcome in _OPEN[token].run(self.job, sorted(names)):
            yield from shard.outputs(outcome)


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
