"""The gRPC side: TensorFlow Serving's two services, health and reflection."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc
from tensorflow_serving.apis import model_service_pb2, prediction_service_pb2

from ganimation_tf.errors import as_user_error
from serving.server.service import Caller, Service
from serving.server.status import StatusError, left_to_tensorflow_serving
from serving.server.streams import Health, Reflection, Streams

MAX_MESSAGE_BYTES = 64 * 2**20
"""Largest request and answer; 64 float images of 128 px with their masks are 30 MiB."""

MAX_CONCURRENT_CALLS = 256
"""Each has a thread, which waits for a batch nearly all the time. What is beyond is answered
RESOURCE_EXHAUSTED at once, so that memory stays bounded."""

PREDICTION_SERVICE = prediction_service_pb2.DESCRIPTOR.services_by_name["PredictionService"]
MODEL_SERVICE = model_service_pb2.DESCRIPTOR.services_by_name["ModelService"]

HEALTH_NAMES = (
    "",
    PREDICTION_SERVICE.name,  # short, as TensorFlow Serving registers them
    MODEL_SERVICE.name,
    PREDICTION_SERVICE.full_name,
    MODEL_SERVICE.full_name,
)


Call = Callable[[Any, grpc.ServicerContext], Message]


def _handlers(service: Service, descriptor, calls: Mapping[str, Call]) -> grpc.GenericRpcHandler:
    """All methods of a service; those that have no call are left to TensorFlow Serving.

    They take bytes: grpc's own answer to a message that cannot be read leaks 19 KiB each time.
    """
    handlers = {
        method.name: grpc.unary_unary_rpc_method_handler(
            _answering(service, method, calls.get(method.name) or _left(method.name)),
            response_serializer=message_factory.GetMessageClass(
                method.output_type
            ).SerializeToString,
        )
        for method in descriptor.methods
    }
    return grpc.method_handlers_generic_handler(descriptor.full_name, handlers)


def _answering(service: Service, method, call: Call) -> Callable[[bytes, Any], Message]:
    """Reads the request, counts the call, turns a `StatusError` into its status; a bug keeps its
    traceback."""
    parse = message_factory.GetMessageClass(method.input_type).FromString

    def answer(data: bytes, context: grpc.ServicerContext) -> Message:
        try:
            with service.answering(method.name, "GRPC"):
                try:
                    request = parse(data)
                except DecodeError:
                    raise StatusError(
                        grpc.StatusCode.INTERNAL, f"the message is no {method.input_type.name}"
                    ) from None
                return call(request, context)
        except StatusError as error:
            context.abort(error.code, error.message)
            raise  # not reached: `abort` raises

    return answer


def _left(name: str) -> Call:
    def call(request, context: grpc.ServicerContext):
        raise left_to_tensorflow_serving(name)

    return call


def _caller(context: grpc.ServicerContext) -> Caller:
    def on_cancel(cancel):
        if not context.add_callback(cancel):  # it has gone already
            cancel()

    return Caller(time.monotonic() + context.time_remaining(), on_cancel)


class GrpcServer:
    """The gRPC port.

    Args:
        address: HOST:PORT; port 0 takes a free one.
        credentials: None serves plain text.

    Attributes:
        port: the one that it listens on.

    Raises:
        UserError: if the address cannot be bound.
    """

    def __init__(
        self, service: Service, address: str, credentials: grpc.ServerCredentials | None = None
    ):
        self._streams = Streams()
        self._health = Health(self._streams)
        service.model.follow(self._set_serving)
        self._server = grpc.server(
            futures.ThreadPoolExecutor(MAX_CONCURRENT_CALLS, thread_name_prefix="grpc"),
            maximum_concurrent_rpcs=MAX_CONCURRENT_CALLS,
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.so_reuseport", 0),  # else a second server shares the port in silence
            ],
        )
        calls = {
            "Predict": lambda request, context: service.predict(request, _caller(context)),
            "GetModelMetadata": lambda request, _: service.metadata(request),
            "GetModelStatus": lambda request, _: service.status(request),
        }
        self._server.add_generic_rpc_handlers(
            [_handlers(service, each, calls) for each in (PREDICTION_SERVICE, MODEL_SERVICE)]
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (
            PREDICTION_SERVICE.full_name,
            MODEL_SERVICE.full_name,
            health.SERVICE_NAME,
            reflection.SERVICE_NAME,
        )
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(
            Reflection(self._streams, names), self._server
        )
        with as_user_error(f"cannot listen at {address}", RuntimeError):
            if credentials is None:
                self.port = self._server.add_insecure_port(address)
            else:
                self.port = self._server.add_secure_port(address, credentials)

    def start(self) -> None:
        """Begins to answer."""
        self._server.start()

    def _set_serving(self, versions: Sequence[int]) -> None:
        """What the health service says from now on: whether any version is served."""
        states = health_pb2.HealthCheckResponse
        for name in HEALTH_NAMES:
            self._health.set(name, states.SERVING if versions else states.NOT_SERVING)

    def stop(self, grace: float) -> None:
        """Takes no new calls, lets the running ones finish for `grace` seconds, then returns.

        A call is running until its answer has been sent. Streams of health and reflection would
        never end: they are ended.
        """
        self._health.enter_graceful_shutdown()  # NOT_SERVING, also to those who watch
        stopped = self._server.stop(grace)
        self._streams.end()
        stopped.wait()
