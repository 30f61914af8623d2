"""What the client and its asyncio twin share: requests, the reading of answers, the channel.

Nothing here waits or sends.
"""

import dataclasses
import itertools
import json
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import grpc
import numpy as np

from ganimation_tf import signature, wire
from ganimation_tf.errors import UserError

MAX_MESSAGE_BYTES = 256 * 2**20
SIGNATURE_DEF = "signature_def"

ATTEMPTS = 5
"""How often a request is sent before UNAVAILABLE is final; gRPC allows no more."""

Face = tuple[bytes, np.ndarray]
"""An encoded face crop and the wanted AUs (N,)."""


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


@dataclasses.dataclass(frozen=True)
class Tls:
    """An encrypted connection; files are PEM.

    Attributes:
        root_certificates: who may sign the server's certificate; None: gRPC's own list.
        certificate, key: the client's, for a server that asks for one; both or neither.
    """

    root_certificates: pathlib.Path | None = None
    certificate: pathlib.Path | None = None
    key: pathlib.Path | None = None

    def __post_init__(self):
        if (self.certificate is None) != (self.key is None):
            missing = "key" if self.key is None else "certificate"
            raise UserError(f"a client certificate and its key go together; no {missing} was given")

    def credentials(self) -> grpc.ChannelCredentials:
        """What gRPC takes.

        Raises:
            UserError: if a file cannot be read.
        """
        return grpc.ssl_channel_credentials(
            _read(self.root_certificates), _read(self.key), _read(self.certificate)
        )


def _read(path: pathlib.Path | None) -> bytes | None:
    try:
        return None if path is None else pathlib.Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error}") from error


def check_target(target: str) -> str:
    """`target` if it is HOST:PORT, else `UserError`."""
    if not re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^\s:/\[\]]+):\d{1,5}", target):
        raise UserError(f"a server is given as HOST:PORT, such as 127.0.0.1:8500; got {target!r}")
    return target


def channel_options() -> list[tuple[str, Any]]:
    """Message sizes, and the retries that gRPC does itself: with exponential backoff and jitter,
    on UNAVAILABLE only, and never past the deadline of the call."""
    policy = {
        "maxAttempts": ATTEMPTS,
        "initialBackoff": "0.2s",
        "maxBackoff": "5s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    config = {"methodConfig": [{"name": [{}], "retryPolicy": policy}]}
    return [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        (
            "grpc.service_config",
            json.dumps(config),
        ),
        # A request that does not fit in here is not sent again.
        ("grpc.per_rpc_retry_buffer_size", MAX_MESSAGE_BYTES),
        # The channel looks for a server that restarts more often than the requests are sent again.
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 500),
    ]


@dataclasses.dataclass(frozen=True)
class Call:
    """One request.

    Attributes:
        path: of the method, as gRPC has it.
        request: the message to send.
        response_class: of the answer.
        read: makes the result of the answer.
    """

    path: str
    request: Any
    response_class: type
    read: Callable[[Any], Any]


def predict(
    model: str,
    signature_name: str,
    inputs: dict[str, np.ndarray],
    read: Callable[[dict[str, np.ndarray]], Any] = lambda outputs: outputs,
) -> Call:
    """Any signature: arrays by name in, arrays by name out."""
    request = wire.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature_name
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(wire.to_tensor(array))

    def arrays(answer):
        return read({name: wire.from_tensor(tensor) for name, tensor in answer.outputs.items()})

    return Call(f"/{wire.PREDICTION_SERVICE}/Predict", request, wire.PredictResponse, arrays)


def _output(outputs: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in outputs:
        raise UserError(f"the served model must answer with {name}, got {sorted(outputs)}")
    return outputs[name]


def edit(model: str, images: Sequence[bytes], action_units: np.ndarray) -> Call:
    """To PNG bytes, a list of B."""
    inputs = {
        signature.IMAGE_BYTES: np.array(images, object),
        signature.ACTION_UNITS: np.asarray(action_units, np.float32),
    }
    return predict(
        model, signature.EDIT, inputs, lambda found: _output(found, signature.IMAGE_BYTES).tolist()
    )


def estimate(model: str, images: Sequence[bytes]) -> Call:
    """To float32 (B, N)."""
    inputs = {signature.IMAGE_BYTES: np.array(images, object)}
    return predict(
        model, signature.ESTIMATE, inputs, lambda found: _output(found, signature.ACTION_UNITS)
    )


def render(model: str, image: np.ndarray, action_units: np.ndarray) -> Call:
    """To the result and both masks by name."""
    inputs = {
        signature.IMAGE: np.asarray(image, np.float32),
        signature.ACTION_UNITS: np.asarray(action_units, np.float32),
    }
    return predict(model, signature.RENDER, inputs)


def describe(model: str, target: str) -> Call:
    """To the `ModelCard` of the served version."""

    def card(outputs):
        from ganimation_tf.model_card import ModelCard  # brings OpenCV, which nothing else needs

        text = _output(outputs, signature.CARD)[0].decode()
        return ModelCard.from_json(text, f"server {target}: its model card")

    inputs = {signature.REQUEST: np.array([b"card"], object)}
    return predict(model, signature.DESCRIBE, inputs, card)


def status(model: str) -> Call:
    """To version -> name of its state."""
    request = wire.GetModelStatusRequest()
    request.model_spec.name = model

    def states(answer):
        return {
            version.version: wire.STATES.get(version.state, str(version.state))
            for version in answer.model_version_status
        }

    path = f"/{wire.MODEL_SERVICE}/GetModelStatus"
    return Call(path, request, wire.GetModelStatusResponse, states)


def metadata(model: str) -> Call:
    """To signature -> "inputs" and "outputs" -> name -> type and shape, -1 where it is open."""
    request = wire.GetModelMetadataRequest(metadata_field=[SIGNATURE_DEF])
    request.model_spec.name = model

    def tensors(infos):
        return {
            name: (
                wire.DTYPES.get(info.dtype, str(info.dtype)),
                tuple(dim.size for dim in info.tensor_shape.dim),
            )
            for name, info in infos.items()
        }

    def signatures(answer):
        packed = wire.SignatureDefMap.FromString(answer.metadata[SIGNATURE_DEF].value)
        return {
            name: {"inputs": tensors(found.inputs), "outputs": tensors(found.outputs)}
            for name, found in packed.signature_def.items()
        }

    path = f"/{wire.PREDICTION_SERVICE}/GetModelMetadata"
    return Call(path, request, wire.GetModelMetadataResponse, signatures)


def edits(model: str, faces: Iterable[Face], rows: int) -> Iterator[Call]:
    """`edit` calls of `rows` faces each, made as they are asked for."""
    faces = iter(faces)
    while batch := list(itertools.islice(faces, rows)):
        yield edit(model, [image for image, _ in batch], np.stack([units for _, units in batch]))


def check_stream(concurrency: int, rows: int) -> None:
    """Raises `ValueError` unless both are at least 1."""
    for name, value in (("concurrency", concurrency), ("rows", rows)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
