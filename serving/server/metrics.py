"""What a Prometheus server may read: TensorFlow Serving's names where it has one.

The numbers live in a registry of their own, one for each server.
"""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import prometheus_client
from prometheus_client.core import Metric

MICROSECONDS = tuple(10 * 1.8**power for power in range(33))
"""Bounds of TensorFlow Serving's latency histograms: 10 us to 20 minutes."""

ROWS = tuple(2.0**power for power in range(11))


class _RequestCount:
    """Requests by status. The library's own counter would add `_total` to the name, which
    TensorFlow Serving's has not; hence no type is declared."""

    def __init__(self):
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, *labels: str) -> None:
        with self._lock:
            self._counts[labels] = self._counts.get(labels, 0) + 1

    def collect(self) -> Iterator[Metric]:
        metric = Metric(
            ":tensorflow:serving:request_count", "Requests answered, by status.", "unknown"
        )
        with self._lock:
            counts = dict(self._counts)
        for (model, entrypoint, status), count in counts.items():
            labels = {"model_name": model, "entrypoint": entrypoint, "status": status}
            metric.add_sample(metric.name, labels, count)
        yield metric


class Metrics:
    """The numbers of one server, of one model.

    Args:
        model: its name; the only one that becomes a label, whatever requests ask for.
    """

    def __init__(self, model: str):
        self._model = model
        self._registry = registry = prometheus_client.CollectorRegistry()
        self._requests = _RequestCount()
        registry.register(self._requests)
        self._latency = prometheus_client.Histogram(
            ":tensorflow:serving:request_latency",
            "Microseconds from a request's arrival to its answer.",
            ("model_name", "API", "entrypoint"),
            buckets=MICROSECONDS,
            registry=registry,
        )
        self._runtime = prometheus_client.Histogram(
            ":tensorflow:serving:runtime_latency",
            "Microseconds that TensorFlow ran a batch.",
            ("model_name", "API", "runtime"),
            buckets=MICROSECONDS,
            registry=registry,
        ).labels(model, "Predict", "TF1")
        self._batch_rows = prometheus_client.Histogram(
            "ganimation_batch_rows", "Rows of a batch.", buckets=ROWS, registry=registry
        )
        self._padding = prometheus_client.Counter(
            "ganimation_padding_rows", "Rows that only filled a batch up.", registry=registry
        )
        self._queue = prometheus_client.Gauge(
            "ganimation_queued_rows", "Rows that wait for a batch.", registry=registry
        )
        self._version = prometheus_client.Gauge(
            "ganimation_model_version",
            "The version that is served; 0 if there is none.",
            ("model_name",),
            registry=registry,
        ).labels(model)

    def register(self, collector: Any) -> None:
        """Adds numbers of another object to those that are told."""
        self._registry.register(collector)

    def answered(self, api: str, entrypoint: str, status: str, seconds: float) -> None:
        """A request has its answer.

        Args:
            api: such as Predict.
            entrypoint: GRPC or REST.
            status: name of the gRPC status code.
        """
        self._requests.add(self._model, entrypoint, status)
        self._latency.labels(self._model, api, entrypoint).observe(seconds * 1e6)

    def refused(self, entrypoint: str, status: str) -> None:
        """A request was answered before it was known what it asks; as `answered`."""
        self._requests.add(self._model, entrypoint, status)

    def queued(self, rows: int) -> None:
        """Rows that wait now."""
        self._queue.set(rows)

    def batch(self, rows: int, padded: int, seconds: float) -> None:
        """A batch has run."""
        self._batch_rows.observe(rows)
        self._padding.inc(padded - rows)
        self._runtime.observe(seconds * 1e6)

    def serving(self, versions: Sequence[int]) -> None:
        """What is served from now on, highest last."""
        self._version.set(versions[-1] if versions else 0)

    def text(self) -> bytes:
        """All of them, in Prometheus's text format."""
        return prometheus_client.generate_latest(self._registry)
