"""A request that waits for its batch."""

import threading
import time
from collections.abc import Mapping

import grpc
import numpy as np

from serving.server.status import StatusError

Arrays = Mapping[str, np.ndarray]
"""Tensors by name, all with the same number of rows."""


class Task:
    """One request in the queue, and the answer to it.

    Args:
        inputs: arrays by name, `rows` long in their first dimension.
        deadline: `time.monotonic()` after which nobody waits for the answer.
    """

    def __init__(self, inputs: Arrays, rows: int, deadline: float):
        self.inputs = inputs
        self.rows = rows
        self.deadline = deadline
        self.enqueued = time.monotonic()
        self.done = threading.Event()
        self.outputs: Arrays = {}
        self.error: Exception | None = None

    def finish(self, outputs: Arrays) -> None:
        """The answer is there; a task that is done stays as it is."""
        if self.done.is_set():
            return
        self.outputs = outputs
        self.done.set()

    def fail(self, error: Exception) -> None:
        """There will be none; a task that is done stays as it is."""
        if self.done.is_set():
            return
        self.error = error
        self.done.set()


def too_late() -> StatusError:
    """The error of a request whose deadline has passed."""
    return StatusError(
        grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline passed before the answer was ready"
    )


def cancelled() -> StatusError:
    """The error of a request whose caller has gone."""
    return StatusError(grpc.StatusCode.CANCELLED, "the caller is no longer waiting")
