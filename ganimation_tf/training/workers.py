"""Several machines in one training: who they are, what they agree on, and which of them writes.

Every worker runs the same program in step. What it decides by its own clock or a signal is agreed
on first, because a worker that saves while another trains waits for it for ever.
"""

import dataclasses
import json
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from ganimation_tf.errors import UserError

VARIABLE = "TF_CONFIG"
"""The environment variable by which TensorFlow is told of the machines."""


LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
"""What collective operations raise where a machine is gone."""


class Task(NamedTuple):
    """This process among those of a training.

    Attributes:
        number: 0 is the chief, which writes the run.
        workers: how many there are.
        address: HOST:PORT at which the others reach it.
    """

    number: int
    workers: int
    address: str


@dataclasses.dataclass(frozen=True)
class Share:
    """Which rows of each batch a worker of several makes: the same images as on one machine.

    Attributes:
        worker: its number, from 0.
        workers: how many there are.
        replicas: of all workers; a worker's dataset is batched for each of its replicas.
    """

    worker: int = 0
    workers: int = 1
    replicas: int = 1

    def has_row(self, row: tf.Tensor, batch_size: int) -> tf.Tensor:
        """Whether a row, counted from the first batch on, is this worker's."""
        rows = batch_size // self.workers
        return row % batch_size // rows == self.worker


WHOLE = Share()


def task_of_environment() -> Task | None:
    """What `TF_CONFIG` says; None without it, or if it names one worker.

    Raises:
        UserError: if it is none, or names tasks that take no part in synchronous training.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    try:
        facts = json.loads(text)
        task = _task(facts["cluster"], facts["task"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise UserError(
            f"{VARIABLE} must be JSON such as "
            '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, '
            f'"task": {{"type": "worker", "index": 0}}}}; got {text[:200]!r}: {error}'
        ) from error
    return task if task.workers > 1 else None


def _task(cluster: Mapping[str, Any], task: Mapping[str, Any]) -> Task:
    others = sorted(set(cluster) - {"chief", "worker"})
    if others:
        raise ValueError(f"only chief and worker take part in training, not {others[0]}")
    addresses = [*cluster.get("chief", ()), *cluster.get("worker", ())]
    chiefs = len(cluster.get("chief", ()))
    kind, index = task["type"], int(task["index"])
    if kind not in ("chief", "worker"):
        raise ValueError(f"a task is a chief or a worker, not {kind!r}")
    number = index + (chiefs if kind == "worker" else 0)
    if not 0 <= index < len(cluster[kind]):
        raise ValueError(f"there is no {kind} {index}: the cluster has {len(cluster[kind])}")
    return Task(number, len(addresses), addresses[number])


def are_several(strategy: tf.distribute.Strategy) -> bool:
    """Whether the replicas of a strategy are on more than one machine."""
    return count_of(strategy) > 1


def count_of(strategy: tf.distribute.Strategy) -> int:
    """Workers of a strategy; 1 for every strategy of one machine."""
    if strategy.num_replicas_in_sync == 1:
        return 1
    return strategy.num_replicas_in_sync // _local_replicas(strategy)


def index_of(strategy: tf.distribute.Strategy) -> int:
    """This worker's number; 0 is the chief."""
    task = task_of_environment() if are_several(strategy) else None
    return task.number if task else 0


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this is the worker that writes the run."""
    return index_of(strategy) == 0


def share_of(strategy: tf.distribute.Strategy) -> Share:
    """The rows of each batch that this worker makes."""
    if not are_several(strategy):
        return WHOLE
    return Share(index_of(strategy), count_of(strategy), strategy.num_replicas_in_sync)


def distributed(strategy: tf.distribute.Strategy, batches: tf.data.Dataset):
    """A dataset of this worker's share, for `fit`, which would share it out once more."""
    if not are_several(strategy):
        return batches
    return strategy.distribute_datasets_from_function(lambda _: batches)


def any_of(strategy: tf.distribute.Strategy, *flags: bool) -> list[bool]:
    """Of each flag whether it holds on any worker; all must ask at the same time."""
    return [total > 0 for total in _sums(strategy, [float(flag) for flag in flags])]


def of_chief(strategy: tf.distribute.Strategy, number: int) -> int:
    """The chief's number, on every worker; each must ask at the same time."""
    (total,) = _sums(strategy, [float(number) if is_chief(strategy) else 0.0])
    return round(total)


def _sums(strategy: tf.distribute.Strategy, numbers: Sequence[float]) -> list[float]:
    """The sums of some numbers over the workers."""
    if not are_several(strategy):
        return list(numbers)
    shares = [number / _local_replicas(strategy) for number in numbers]  # a replica adds one each
    # float64: it holds any step, and NCCL's operations have it.
    return _add(strategy, tf.constant(shares, tf.float64)).numpy().tolist()


@tf.function
def _add(strategy: tf.distribute.Strategy, shares: tf.Tensor) -> tf.Tensor:
    each = strategy.run(tf.identity, args=(shares,))
    return strategy.reduce(tf.distribute.ReduceOp.SUM, each, axis=None)


def _local_replicas(strategy: tf.distribute.Strategy) -> int:
    return len(strategy.extended.worker_devices)


def require_shared(strategy: tf.distribute.Strategy, run: pathlib.Path, step: int) -> None:
    """Refuses to train where a worker has read another state than the chief.

    Raises:
        UserError: on every worker.
    """
    expected = of_chief(strategy, step)
    if any_of(strategy, step != expected)[0]:
        raise UserError(
            f"{run}: the chief goes on from step {expected} and this worker, "
            f"{index_of(strategy)}, from step {step}: --output must be a folder that all machines "
            "share"
        )
