"""A gRPC server that speaks TensorFlow Serving's API, for where its image is not at hand.

It answers `PredictionService` Predict and GetModelMetadata and `ModelService` GetModelStatus for
one model with the codes and messages of TensorFlow Serving; a client cannot tell them apart. The
other calls answer UNIMPLEMENTED.
"""

import functools
import pathlib
import threading
from concurrent import futures

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from ganimation_tf.errors import UserError
from serving.models import ModelVersions, find_latest, load_version
from serving.predict import predict
from serving.status import StatusError, invalid

MAX_MESSAGE_BYTES = 64 * 2**20
"""Largest request and answer; 64 float images of 128 px with their masks are 30 MiB."""

THREADS = 8
MAX_CONCURRENT_CALLS = 64
"""What is beyond is answered RESOURCE_EXHAUSTED at once, so that memory stays bounded."""

MAX_STATUS_LENGTH = 2000
"""Characters of an error message: it travels in a header, of which gRPC takes 8 KiB."""

SIGNATURE_DEF = "signature_def"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


def _answering(method):
    """Turns the errors of a call into its status, and leaves bugs their traceback."""

    @functools.wraps(method)
    def call(self, request, context: grpc.ServicerContext):
        try:
            return method(self, request, context)
        except StatusError as error:
            context.abort(error.code, error.message[:MAX_STATUS_LENGTH])
        except tf.errors.OpError as error:
            code = _CODES.get(error.error_code, grpc.StatusCode.UNKNOWN)
            context.abort(code, _graph_message(error)[:MAX_STATUS_LENGTH])

    return call


def _graph_message(error: tf.errors.OpError) -> str:
    """What the op said, as TensorFlow Serving hands it on: without the lines on Python's stack
    that the eager runtime writes round it."""
    text = error.message.rpartition("<stack traces unavailable>\n")[2]
    return text.partition(" [Op:")[0].strip()


def _left_to_tensorflow_serving(call: str):
    def answer(self, request, context: grpc.ServicerContext):
        context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            f"{call} is not part of the embedded server; TensorFlow Serving itself has it",
        )

    return answer


class _Turns:
    """Runs one signature at a time: TensorFlow spreads one run over all cores, and the memory of
    several at once would add up."""

    def __init__(self):
        self._lock = threading.Lock()

    def run(self, version, name: str, inputs, context: grpc.ServicerContext):
        with self._lock:
            if not context.is_active():  # the client has gone or its deadline has passed
                raise StatusError(grpc.StatusCode.CANCELLED, "the caller is no longer waiting")
            return version.functions[name](**inputs)


class _PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, model: ModelVersions, max_batch_size: int):
        self._model = model
        self._max_batch_size = max_batch_size
        self._turns = _Turns()

    @_answering
    def Predict(self, request, context):
        run = functools.partial(self._turns.run, context=context)
        return predict(self._model, request, self._max_batch_size, run)

    @_answering
    def GetModelMetadata(self, request, context):
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != SIGNATURE_DEF:
                raise invalid(f"Metadata field {field} is not supported")
        version = self._model.find(request.model_spec)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in version.signature_defs.items():
            signatures.signature_def[name].CopyFrom(signature)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = self._model.name
        response.model_spec.version.value = version.number
        response.metadata[SIGNATURE_DEF].Pack(signatures)
        return response

    Classify = _left_to_tensorflow_serving("Classify")
    Regress = _left_to_tensorflow_serving("Regress")
    MultiInference = _left_to_tensorflow_serving("MultiInference")


class _ModelService(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, model: ModelVersions):
        self._model = model

    @_answering
    def GetModelStatus(self, request, context):
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        response = get_model_status_pb2.GetModelStatusResponse()
        for number in self._model.available(request.model_spec):
            response.model_version_status.add(
                version=number,
                state=get_model_status_pb2.ModelVersionStatus.AVAILABLE,
                status={},  # present and OK, as TensorFlow Serving sends it
            )
        return response

    HandleReloadConfigRequest = _left_to_tensorflow_serving("HandleReloadConfigRequest")


class Server:
    """The running server of one model.

    Attributes:
        address: HOST:PORT that it listens on; the port is the one chosen if 0 was asked for.
    """

    def __init__(self, model: ModelVersions, host: str, port: int, max_batch_size: int = 64):
        """Binds the address; `start` begins to answer.

        Raises:
            UserError: if the address cannot be bound.
        """
        self._server = grpc.server(
            futures.ThreadPoolExecutor(THREADS, thread_name_prefix="request"),
            maximum_concurrent_rpcs=MAX_CONCURRENT_CALLS,
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.so_reuseport", 0),  # else a second server shares the port in silence
            ],
        )
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            _PredictionService(model, max_batch_size), self._server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            _ModelService(model), self._server
        )
        bracketed = f"[{host}]" if ":" in host else host
        try:
            bound = self._server.add_insecure_port(f"{bracketed}:{port}")
        except RuntimeError as error:
            raise UserError(f"cannot listen at {bracketed}:{port}: {error}") from None
        self.address = f"{bracketed}:{bound}"

    def start(self) -> None:
        """Begins to answer."""
        self._server.start()

    def stop(self, grace: float) -> None:
        """Takes no new calls, lets the running ones finish for `grace` seconds, then returns."""
        self._server.stop(grace).wait()


def load_model(model_dir: pathlib.Path, name: str) -> ModelVersions:
    """The highest version of `model_dir`, ready to be served under `name`.

    Raises:
        UserError: if there is none or it cannot be loaded.
    """
    model = ModelVersions(name)
    model.publish(load_version(*find_latest(model_dir)))
    return model
