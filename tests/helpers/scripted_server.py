"""A gRPC server of the tests' own, without TensorFlow, that does what a script says.

It shows what the embedded server does not do by itself: fail a few times, take its time, ask for
a client certificate.
"""

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Mapping
from concurrent import futures

import grpc
import numpy as np

from ganimation_tf.protos import serving_pb2, wire


@dataclasses.dataclass
class Scripted(grpc.GenericRpcHandler):
    """Answers Predict with the bytes it was sent, and GetModelStatus with version 7.

    Attributes:
        behave: called with the number of the request, from 0, and its context, before it is
            answered.
        outputs: what Predict answers with; None: the bytes that it was sent.
        times: when each request arrived, monotonic seconds.
        most_at_once: the largest number of requests at a time.
        address: HOST:PORT.
    """

    behave: Callable = lambda number, context: None
    outputs: Mapping[str, serving_pb2.TensorProto] | None = None
    times: list[float] = dataclasses.field(default_factory=list)
    most_at_once: int = 0
    address: str = ""
    _now: int = 0
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def service(self, details):
        if details.method.endswith("/Predict"):
            return self._handler(serving_pb2.PredictRequest, self._echo)
        status = serving_pb2.GetModelStatusResponse(
            model_version_status=[{"version": 7, "state": 30}]
        )
        return self._handler(serving_pb2.GetModelStatusRequest, lambda request: status)

    def _echo(self, request):
        if self.outputs is not None:
            return serving_pb2.PredictResponse(outputs=self.outputs)
        answer = serving_pb2.PredictResponse()
        sent = wire.from_tensor(request.inputs["image_bytes"])
        answer.outputs["image_bytes"].CopyFrom(wire.to_tensor(np.array(sent, object)))
        return answer

    def _handler(self, request_class, answer):
        def call(request, context):
            with self._lock:
                number = len(self.times)
                self.times.append(time.monotonic())
                self._now += 1
                self.most_at_once = max(self.most_at_once, self._now)
            try:
                self.behave(number, context)
            finally:
                with self._lock:
                    self._now -= 1
            return answer(request)

        return grpc.unary_unary_rpc_method_handler(
            call, request_class.FromString, lambda message: message.SerializeToString()
        )


@contextlib.contextmanager
def running(script: Scripted, address: str = "127.0.0.1:0", credentials=None):
    """The script on a port, its `address` filled in."""
    server = grpc.server(futures.ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((script,))
    if credentials is None:
        port = server.add_insecure_port(address)
    else:
        port = server.add_secure_port(address, credentials)
    script.address = f"127.0.0.1:{port}"
    server.start()
    try:
        yield script
    finally:
        server.stop(0).wait()
