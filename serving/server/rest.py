"""The REST side: TensorFlow Serving's HTTP API and its Prometheus page, as an ASGI application.

uvicorn reads HTTP; an ASGI framework on top would add a dependency for three paths.
"""

import asyncio
import functools
import logging
import re
import threading
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
from google.protobuf import json_format
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
)

from ganimation_tf.errors import CodedError
from serving.server import json_answers, json_tensors, rest_paths
from serving.server.predict import DEFAULT_SIGNATURE
from serving.server.service import SIGNATURE_DEF, Caller, Service
from serving.server.status import StatusError, invalid, left_to_tensorflow_serving

_log = logging.getLogger(__name__)

MAX_BODY_BYTES = 16 * 2**20
"""Largest request; as Python objects it may take 20 times as much."""

MAX_CONCURRENT_REQUESTS = 64
"""What is beyond is answered 429 at once."""

TIMEOUT_SECONDS = 30.0
"""From the end of a request's headers to its answer, as TensorFlow Serving's flag has it."""

METRICS_PATH = "/monitoring/prometheus/metrics"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

HTTP_STATUS = {
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.UNAUTHENTICATED: 401,
}
"""TensorFlow Serving's table (model_servers/http_server.cc); every other code is 500."""

_REFUSED = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    499: grpc.StatusCode.CANCELLED,
}
"""How the metrics call what is answered before any method of the API is reached."""

JSON = "application/json"
_TOO_LARGE = f"the body must have at most {MAX_BODY_BYTES} bytes"


class _HttpError(CodedError):
    """An answer that no gRPC status stands for; its code is the HTTP status."""


class RestApplication:
    """The ASGI application of one service."""

    def __init__(self, service: Service):
        self._service = service
        self._running = 0
        self._threads = futures.ThreadPoolExecutor(
            MAX_CONCURRENT_REQUESTS, thread_name_prefix="rest"
        )

    async def __call__(self, scope, receive, send) -> None:
        """Answers one request."""
        if scope["method"] == "GET" and scope["raw_path"] == METRICS_PATH.encode():
            # Not behind the others: it is wanted most when there are too many.
            status, body, kind = 200, self._service.metrics.text(), METRICS_TYPE
        elif self._running >= MAX_CONCURRENT_REQUESTS:
            status, body, kind = self._refuse(429, "too many requests at once")
        else:
            self._running += 1
            try:
                status, body, kind = await self._answer(scope, receive)
            finally:
                self._running -= 1
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
        if status in (408, 413, 429):  # the body has not been read
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _refuse(self, status: int, message: str) -> tuple[int, bytes, str]:
        self._service.metrics.refused("REST", _REFUSED[status].name)
        return status, json_answers.error(message), JSON

    async def _answer(self, scope, receive) -> tuple[int, bytes, str]:
        cancels: list = []
        has_gone = threading.Event()

        def on_cancel(cancel):
            cancels.append(cancel)
            if has_gone.is_set():  # before there was anything to cancel
                cancel()

        caller = Caller(time.monotonic() + TIMEOUT_SECONDS, on_cancel)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                body = await _read_body(scope, receive)
        except TimeoutError:
            return self._refuse(408, "the body did not arrive in time")
        except _HttpError as error:
            return self._refuse(error.code, str(error))
        path = scope["raw_path"].decode("ascii", "replace")
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(
            self._threads, self._process, scope["method"], path, body, caller
        )
        gone = asyncio.ensure_future(_disconnected(receive))
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            has_gone.set()
            for cancel in list(cancels):
                cancel()
        gone.cancel()
        return await work

    def _process(self, method: str, path: str, body: bytes, caller: Caller):
        """Status, body and content type of the answer."""
        if not path.lower().startswith("/v1/"):
            return self._refuse(404, f"no such path: {path}")
        match = rest_paths.match(method, path)
        if not match:
            return self._refuse(400, f"Malformed request: {method} {path}")
        try:
            return 200, self._call(method, match, body, caller), JSON
        except StatusError as error:
            return HTTP_STATUS.get(error.code, 500), json_answers.error(error.message), JSON
        except Exception:  # a bug, which must not cost the caller the form of the answer
            _log.exception("%s %s failed", method, path)
            return 500, json_answers.error("internal error; the server's log says more"), JSON

    def _call(self, method: str, match: re.Match, body: bytes, caller: Caller) -> bytes:
        call: Callable[[Any], bytes]
        if method == "POST":
            api = match["method"].capitalize()
            call = functools.partial(self._predict, body=body, caller=caller)
        elif match["metadata"]:
            api, call = "GetModelMetadata", self._metadata
        else:
            api, call = "GetModelStatus", self._status
        with self._service.answering(api, "REST"):
            if api in ("Classify", "Regress"):
                raise left_to_tensorflow_serving(api)
            return call(rest_paths.model_spec(match))

    def _predict(self, spec: model_pb2.ModelSpec, body: bytes, caller: Caller) -> bytes:
        request = predict_pb2.PredictRequest(model_spec=spec)

        def find_signature(name: str) -> meta_graph_pb2.SignatureDef:
            version = self._service.model.find(spec)
            name = name or DEFAULT_SIGNATURE
            if name not in version.functions:
                raise invalid(f'Serving signature name: "{name}" not found in signature def')
            return version.signature_defs[name]

        in_rows = json_tensors.fill_request(body, find_signature, request)
        return json_answers.answer(self._service.predict(request, caller), in_rows)

    def _status(self, spec: model_pb2.ModelSpec) -> bytes:
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=spec)
        return _to_json(self._service.status(request)).encode()

    def _metadata(self, spec: model_pb2.ModelSpec) -> bytes:
        response = self._service.metadata(
            get_model_metadata_pb2.GetModelMetadataRequest(
                model_spec=spec, metadata_field=[SIGNATURE_DEF]
            )
        )
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata[SIGNATURE_DEF].Unpack(signatures)
        return (
            f'{{"model_spec": {_to_json(response.model_spec)}, '
            f'"metadata": {{"signature_def": {_to_json(signatures)}}}}}'
        ).encode()


async def _read_body(scope, receive) -> bytes:
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    if int(declared) > MAX_BODY_BYTES:
        raise _HttpError(413, _TOO_LARGE)
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _HttpError(499, "the caller has gone")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY_BYTES:
            raise _HttpError(413, _TOO_LARGE)
        more = message.get("more_body", False)
    return b"".join(parts)


async def _disconnected(receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _to_json(message) -> str:
    return json_format.MessageToJson(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
