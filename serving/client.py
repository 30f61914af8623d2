"""The client: face crops and Action Units in, edited faces out, over gRPC.

It works against TensorFlow Serving and against `serving.server` alike, and imports neither
TensorFlow nor its stubs (see `wire`).
"""

import re
from collections.abc import Sequence

import grpc
import numpy as np

from ganimation_tf import signature
from ganimation_tf.errors import UserError
from serving import wire

MAX_MESSAGE_BYTES = 256 * 2**20
SIGNATURE_DEF = "signature_def"


class ServerError(UserError):
    """The server refused a request or could not be reached.

    Attributes:
        target: HOST:PORT.
        code: the gRPC status code.
        details: the server's own words.
    """

    def __init__(self, target: str, code: grpc.StatusCode, details: str):
        super().__init__(f"server {target}: {code.name}: {details}")
        self.target = target
        self.code = code
        self.details = details


class GanimationClient:
    """A connection to a served model; use it as a context manager.

    Args:
        target: HOST:PORT of the gRPC endpoint.
        model_name: the name under which the model is served.
        timeout: seconds that one request may take, the wait for a connection included.
    """

    def __init__(self, target: str, model_name: str = signature.MODEL_NAME, timeout: float = 60.0):
        if not re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^\s:/\[\]]+):\d{1,5}", target):
            raise UserError(
                f"a server is given as HOST:PORT, such as 127.0.0.1:8500; got {target!r}"
            )
        self._target = target
        self._model_name = model_name
        self._timeout = timeout
        self._channel = grpc.insecure_channel(
            target,
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ],
        )
        predictions, models = wire.PREDICTION_SERVICE, wire.MODEL_SERVICE
        self._predict = self._method(f"/{predictions}/Predict", wire.PredictResponse)
        self._metadata = self._method(
            f"/{predictions}/GetModelMetadata", wire.GetModelMetadataResponse
        )
        self._status = self._method(f"/{models}/GetModelStatus", wire.GetModelStatusResponse)

    def __enter__(self) -> "GanimationClient":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._channel.close()

    def edit(self, images: Sequence[bytes], action_units: np.ndarray) -> list[bytes]:
        """Each face with the expression asked for, as a PNG.

        Args:
            images: B face crops, JPEG or PNG.
            action_units: float (B, N) in [0, 1], in the order of `describe().action_units`.

        Raises:
            ServerError: as every method here does, if the server refuses or cannot be reached.
        """
        inputs = {
            signature.IMAGE_BYTES: np.array(images, object),
            signature.ACTION_UNITS: np.asarray(action_units, np.float32),
        }
        return self.predict(signature.EDIT, inputs)[signature.IMAGE_BYTES].tolist()

    def estimate(self, images: Sequence[bytes]) -> np.ndarray:
        """float32 (B, N) in [0, 1]: the AUs that the critic sees in each face crop."""
        inputs = {signature.IMAGE_BYTES: np.array(images, object)}
        return self.predict(signature.ESTIMATE, inputs)[signature.ACTION_UNITS]

    def render(self, image: np.ndarray, action_units: np.ndarray) -> dict[str, np.ndarray]:
        """The result with its two masks, without any encoding.

        Args:
            image: float (B, S, S, 3) in [0, 1], S the model's image size.
            action_units: float (B, N) in [0, 1].

        Returns:
            `image` and `color` float32 (B, S, S, 3) and `attention` (B, S, S, 1), all in [0, 1].
        """
        inputs = {
            signature.IMAGE: np.asarray(image, np.float32),
            signature.ACTION_UNITS: np.asarray(action_units, np.float32),
        }
        return self.predict(signature.RENDER, inputs)

    def describe(self):
        """The `ModelCard` of the served version: AU names, image size, crop, training facts."""
        from ganimation_tf.model_card import ModelCard  # brings OpenCV, which nothing else needs

        inputs = {signature.REQUEST: np.array([b"card"], object)}
        answer = self.predict(signature.DESCRIBE, inputs)[signature.CARD]
        return ModelCard.from_json(answer[0].decode(), f"server {self._target}: its model card")

    def status(self) -> dict[int, str]:
        """The versions that the server knows and their states, such as `{3: "AVAILABLE"}`."""
        request = wire.GetModelStatusRequest()
        request.model_spec.name = self._model_name
        answer = self._call(self._status, request)
        return {
            version.version: wire.STATES.get(version.state, str(version.state))
            for version in answer.model_version_status
        }

    def metadata(self) -> dict[str, dict[str, dict[str, tuple[str, tuple[int, ...]]]]]:
        """Signature -> "inputs" and "outputs" -> name -> type and shape, -1 where it is open."""
        request = wire.GetModelMetadataRequest(metadata_field=[SIGNATURE_DEF])
        request.model_spec.name = self._model_name
        packed = self._call(self._metadata, request).metadata[SIGNATURE_DEF]
        signatures = wire.SignatureDefMap.FromString(packed.value).signature_def

        def tensors(infos):
            return {
                name: (
                    wire.DTYPES.get(info.dtype, str(info.dtype)),
                    tuple(dim.size for dim in info.tensor_shape.dim),
                )
                for name, info in infos.items()
            }

        return {
            name: {"inputs": tensors(found.inputs), "outputs": tensors(found.outputs)}
            for name, found in signatures.items()
        }

    def predict(self, signature_name: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Calls any signature: arrays by name in, arrays by name out."""
        request = wire.PredictRequest()
        request.model_spec.name = self._model_name
        request.model_spec.signature_name = signature_name
        for name, array in inputs.items():
            request.inputs[name].CopyFrom(wire.to_tensor(array))
        answer = self._call(self._predict, request)
        return {name: wire.from_tensor(tensor) for name, tensor in answer.outputs.items()}

    def _method(self, path: str, response_class):
        return self._channel.unary_unary(
            path,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response_class.FromString,
        )

    def _call(self, method, request):
        try:
            return method(request, timeout=self._timeout)
        except grpc.RpcError as error:
            raise ServerError(self._target, error.code(), error.details()) from error
