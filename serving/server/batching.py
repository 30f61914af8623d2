"""Dynamic batching: requests that wait for the same signature run together.

A queue for each signature of each version; `num_batch_threads` threads take from the one whose
first request has waited longest. With the default timeout of 0 a request never waits for company:
what has gathered while a batch ran makes the next batch.
"""

import collections
import threading
import time
from collections.abc import Callable
from typing import Protocol

import grpc
import numpy as np
import tensorflow as tf

from serving.server.config import BatchingParameters
from serving.server.models import LoadedVersion
from serving.server.status import StatusError, from_graph
from serving.server.task import Arrays, Task, cancelled, too_late


class Observer(Protocol):
    """What is told of queues and batches; `metrics.Metrics` is one."""

    def queued(self, rows: int) -> None:
        """Rows that wait now, in all queues."""

    def batch(self, rows: int, padded: int, seconds: float) -> None:
        """A batch has run: rows of requests, rows with padding, time in TensorFlow."""


class Batcher:
    """The queues and the threads that empty them.

    Args:
        observer: told of each batch.
    """

    def __init__(self, parameters: BatchingParameters, observer: Observer):
        self.parameters = parameters
        self._observer = observer
        self._condition = threading.Condition()
        self._queues: dict[tuple[LoadedVersion, str], collections.deque[Task]] = {}
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"batch-{number}", daemon=True)
            for number in range(parameters.num_batch_threads)
        ]

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Runs what is queued, then ends the threads."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        for thread in self._threads:
            thread.join()

    def run(
        self,
        version: LoadedVersion,
        name: str,
        inputs: Arrays,
        rows: int,
        deadline: float,
        on_cancel: Callable[[Callable[[], None]], object] = lambda cancel: None,
    ) -> Arrays:
        """The outputs of one signature for `inputs`; waits for them.

        Args:
            deadline: `time.monotonic()` until which the caller waits.
            on_cancel: is handed a function to call when the caller goes away; the request then
                leaves the queue.

        Raises:
            StatusError: UNAVAILABLE at once if the queue is full, DEADLINE_EXCEEDED, CANCELLED,
                or what the graph says of these inputs; never of those of another request.
        """
        task, key = Task(inputs, rows, deadline), (version, name)
        self._enqueue(key, task)
        on_cancel(lambda: self._withdraw(key, task, cancelled()))
        remaining = min(deadline - time.monotonic(), threading.TIMEOUT_MAX)  # may be infinite
        if not task.done.wait(max(0.0, remaining)):
            self._withdraw(key, task, too_late())
        if task.error is None:
            return task.outputs
        error, task.error = task.error, None
        try:
            raise error
        finally:
            del error  # else it, its traceback and this frame would hold each other

    def _enqueue(self, key: tuple[LoadedVersion, str], task: Task) -> None:
        limit = self.parameters.max_enqueued_batches * self.parameters.max_batch_size
        with self._condition:
            queue = self._queues.get(key, ())
            if sum(waiting.rows for waiting in queue) + task.rows > limit:
                raise StatusError(
                    grpc.StatusCode.UNAVAILABLE,
                    "The batch scheduling queue to which this task was submitted is full",
                )
            self._queues.setdefault(key, collections.deque()).append(task)
            self._report()
            self._condition.notify()

    def _withdraw(self, key: tuple[LoadedVersion, str], task: Task, error: StatusError) -> None:
        """Takes a task out of its queue; one that has its answer or is running keeps it."""
        with self._condition:
            queue = self._queues.get(key)
            if queue and task in queue:
                queue.remove(task)
                if not queue:
                    del self._queues[key]
                self._report()
            if not task.done.is_set():
                task.fail(error)

    def _report(self) -> None:
        self._observer.queued(sum(task.rows for queue in self._queues.values() for task in queue))

    def _work(self) -> None:
        # No local variable outlives the batch: it would keep an old version loaded.
        while self._run_next():
            pass

    def _run_next(self) -> bool:
        taken = self._take()
        if taken is None:
            return False
        (version, name), tasks = taken
        if tasks:
            self._run(version, name, tasks)
        return True

    def _take(self) -> tuple[tuple[LoadedVersion, str], list[Task]] | None:
        """The next batch, as soon as there is one; None when closed and empty."""
        with self._condition:
            while True:
                waits = {key: self._seconds_to_wait(queue) for key, queue in self._queues.items()}
                key = min(waits, key=waits.__getitem__, default=None)
                if key and waits[key] <= 0:
                    return key, self._pop(key)
                if not key and self._closed:
                    return None
                self._condition.wait(waits[key] if key else None)

    def _seconds_to_wait(self, queue: collections.deque[Task]) -> float:
        """Until the queue's next batch may run; the longer overdue, the lower."""
        overdue = time.monotonic() - queue[0].enqueued - self.parameters.batch_timeout_micros / 1e6
        full = sum(task.rows for task in queue) >= self.parameters.rows_together
        return min(-overdue, 0.0) if full or self._closed else -overdue

    def _pop(self, key: tuple[LoadedVersion, str]) -> list[Task]:
        tasks: list[Task] = []
        queue, rows = self._queues[key], 0
        most = self.parameters.rows_together
        while queue and (not tasks or rows + queue[0].rows <= most):
            task = queue.popleft()
            if time.monotonic() > task.deadline:
                task.fail(too_late())
            elif not task.done.is_set():
                tasks.append(task)
                rows += task.rows
        if not queue:
            del self._queues[key]
        self._report()
        return tasks

    def _run(self, version: LoadedVersion, name: str, tasks: list[Task]) -> None:
        try:
            for task, outputs in zip(tasks, self._call(version, name, tasks), strict=True):
                task.finish(outputs)
        except Exception as error:
            if len(tasks) == 1:  # what is no error of the graph's is a bug, and shows as one
                graphs = isinstance(error, tf.errors.OpError)
                tasks[0].fail(from_graph(error) if graphs else error)
                return
            for task in tasks:  # which of them it was shows when each runs by itself
                if not task.done.is_set():
                    self._run(version, name, [task])

    def _call(self, version: LoadedVersion, name: str, tasks: list[Task]) -> list[Arrays]:
        """The outputs of each task; a request of more rows than run together is run in parts."""
        inputs = _joined([task.inputs for task in tasks])
        rows, most = sum(task.rows for task in tasks), self.parameters.rows_together
        parts = []
        for start in range(0, max(rows, 1), most):
            if start and tasks[0].done.is_set():  # nobody waits for it any more
                raise cancelled()
            part = {alias: array[start : start + most] for alias, array in inputs.items()}
            parts.append(self._execute(version, name, part, min(most, rows - start)))
        outputs, start = _joined(parts), 0
        answers: list[Arrays] = []
        for task in tasks:
            own = slice(start, start + task.rows)
            answers.append({alias: array[own] for alias, array in outputs.items()})
            start += task.rows
        return answers

    def _execute(self, version: LoadedVersion, name: str, inputs: Arrays, rows: int) -> Arrays:
        """The outputs of at most as many rows as run together."""
        padded = self.parameters.padded_size(rows)
        inputs = {alias: _padded(array, padded - rows) for alias, array in inputs.items()}
        started = time.monotonic()
        outputs = version.functions[name](inputs)
        self._observer.batch(rows, padded, time.monotonic() - started)
        for array in outputs.values():
            if not array.ndim or len(array) != padded:
                raise StatusError(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    "Batched output tensor's 0th dimension does not equal the sum of the 0th "
                    "dimension sizes of the input tensors",
                )
        return {alias: array[:rows] for alias, array in outputs.items()}


def _joined(parts: list[Arrays]) -> Arrays:
    """Rows of all parts, one below the other."""
    if len(parts) == 1:
        return parts[0]
    return {alias: np.concatenate([arrays[alias] for arrays in parts]) for alias in parts[0]}


def _padded(array: np.ndarray, padding: int) -> np.ndarray:
    """Copies of the last row appended: they cannot fail where it does not."""
    return np.concatenate([array, np.repeat(array[-1:], padding, axis=0)]) if padding else array
