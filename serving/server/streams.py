"""Health and reflection, whose calls may stay open for as long as the caller likes.

Such streams are counted by themselves, so that idle ones leave room for requests, and a stop ends
them, where it waits for requests.
"""

import threading
from collections.abc import Callable, Iterator

import grpc
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection

MAX_STREAMS = 32
"""Open at the same time; each has one of the threads of all calls. What is beyond is answered
RESOURCE_EXHAUSTED at once."""


class Streams:
    """Those that are open, of both services."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[grpc.ServicerContext, Callable[[], object]] = {}
        self._closed = False

    def add(self, context: grpc.ServicerContext, end: Callable[[], object]) -> None:
        """Counts a stream until its call is over.

        Args:
            end: makes it end; called at once if all have been ended.

        Raises:
            Exception: that of `abort`, if there are too many.
        """
        with self._lock:
            full, closed = len(self._ends) >= MAX_STREAMS, self._closed
            if not full:
                self._ends[context] = end
        if full:
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many streams at once")
        if not context.add_callback(lambda: self._remove(context)):  # it has gone already
            self._remove(context)
        if closed:
            end()

    def _remove(self, context: grpc.ServicerContext) -> None:
        with self._lock:
            self._ends.pop(context, None)

    def end(self) -> None:
        """Ends all that are open, and those that come from now on."""
        with self._lock:
            self._closed, ends = True, list(self._ends.values())
        for end in ends:
            end()


class Health(health.HealthServicer):
    """The library's, with threads of their own for those who watch: what is sent to one that does
    not read must not hold up the others."""

    def __init__(self, streams: Streams):
        super().__init__(experimental_non_blocking=False)
        self._streams = streams

    def Watch(self, request, context, send_response_callback=None) -> Iterator:
        """What is known of a service, and each change of it."""
        states = super().Watch(request, context)
        self._streams.add(context, states.close)  # what has been said already still goes out
        return states


class Reflection(reflection.ReflectionServicer):
    """The library's."""

    def __init__(self, streams: Streams, service_names):
        super().__init__(service_names)
        self._streams = streams

    def ServerReflectionInfo(self, request_iterator, context) -> Iterator:
        """An answer to each request."""
        self._streams.add(context, context.cancel)
        return super().ServerReflectionInfo(request_iterator, context)
