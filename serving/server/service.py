"""The calls that the server answers, for gRPC and REST alike: messages in, messages out."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator

import grpc
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2

from serving.server.batching import Batcher
from serving.server.cards import Ranges
from serving.server.config import BatchingParameters
from serving.server.inputs_seen import InputsSeen
from serving.server.metrics import Metrics
from serving.server.models import LoadedVersion, ModelVersions
from serving.server.predict import predict
from serving.server.status import StatusError, invalid
from serving.server.task import Arrays

SIGNATURE_DEF = "signature_def"


@dataclasses.dataclass(frozen=True)
class Caller:
    """Who waits for an answer.

    Attributes:
        deadline: `time.monotonic()` until which it waits.
        on_cancel: takes a function that is to be called when the caller goes away.
    """

    deadline: float
    on_cancel: Callable[[Callable[[], None]], object] = lambda cancel: None


class Service:
    """One model behind TensorFlow Serving's calls.

    Args:
        model: its versions may change while it is served.
        metrics: told of each request.
        inputs_seen: told of the inputs of each that is answered; None: they are not measured.
    """

    def __init__(
        self,
        model: ModelVersions,
        parameters: BatchingParameters,
        metrics: Metrics,
        inputs_seen: InputsSeen | None = None,
    ):
        self.model = model
        self.metrics = metrics
        self._inputs_seen = inputs_seen
        self._ranges = Ranges()
        self._batcher = Batcher(parameters, metrics)

    def start(self) -> None:
        """Starts the threads that run batches."""
        self._batcher.start()

    def stop(self) -> None:
        """Ends them."""
        self._batcher.stop()

    def predict(
        self, request: predict_pb2.PredictRequest, caller: Caller
    ) -> predict_pb2.PredictResponse:
        """`PredictionService.Predict`.

        Raises:
            StatusError: as TensorFlow Serving would answer.
        """

        def run(version: LoadedVersion, name: str, inputs: Arrays, rows: int) -> Arrays:
            waits = caller.deadline, caller.on_cancel
            outputs = self._batcher.run(version, name, inputs, rows, *waits)
            self._ranges.look(version, inputs)
            if self._inputs_seen:
                self._inputs_seen.add(version, name, inputs, outputs)
            return outputs

        return predict(self.model, request, self._batcher.parameters.max_batch_size, run)

    def metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """`PredictionService.GetModelMetadata`.

        Raises:
            StatusError: as TensorFlow Serving would answer.
        """
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != SIGNATURE_DEF:
                raise invalid(f"Metadata field {field} is not supported")
        version = self.model.find(request.model_spec)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in version.signature_defs.items():
            signatures.signature_def[name].CopyFrom(signature)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = self.model.name
        response.model_spec.version.value = version.number
        response.metadata[SIGNATURE_DEF].Pack(signatures)
        return response

    def status(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """`ModelService.GetModelStatus`.

        Raises:
            StatusError: as TensorFlow Serving would answer.
        """
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        return get_model_status_pb2.GetModelStatusResponse(
            model_version_status=self.model.statuses(request.model_spec)
        )

    @contextlib.contextmanager
    def answering(self, api: str, entrypoint: str) -> Iterator[None]:
        """Counts and times the request that is answered inside.

        Args:
            api: such as Predict.
            entrypoint: GRPC or REST.
        """
        started, status = time.monotonic(), grpc.StatusCode.UNKNOWN
        try:
            yield
            status = grpc.StatusCode.OK
        except StatusError as error:
            status = error.code
            raise
        finally:
            self.metrics.answered(api, entrypoint, status.name, time.monotonic() - started)
