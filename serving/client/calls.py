"""The requests of the client and of its asyncio twin, and the reading of the answers.

Nothing here waits or sends.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError

from ganimation_tf.errors import MALFORMED, ServiceError, UserError, as_user_error, reason
from ganimation_tf.export import signature
from ganimation_tf.protos import serving_pb2, wire
from serving.client import pictures, wanted

SIGNATURE_DEF = "signature_def"
AVAILABLE = "AVAILABLE"

Face = tuple[pictures.Picture, np.ndarray]
"""A face crop and the wanted AUs (N,)."""


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
    response_class: Any
    read: Callable[[Any], Any]


def read(call: Call, answer: bytes, target: str) -> Any:
    """The result of an answer.

    Raises:
        ServiceError: naming the server, if the answer is none that a model of ours gives.
    """
    try:
        return call.read(call.response_class.FromString(answer))
    except (ServiceError, DecodeError, *MALFORMED) as error:
        raise ServiceError(f"server {target}: {reason(error)}") from error


class Model(NamedTuple):
    """What is asked: a name, and a version of it; None: the one that is served."""

    name: str
    version: int | None = None

    def fill(self, spec) -> None:
        """Writes it into a `ModelSpec`."""
        spec.name = self.name
        if self.version is not None:
            spec.version.value = self.version


def predict(
    model: Model,
    signature_name: str,
    inputs: dict[str, np.ndarray],
    read: Callable[[dict[str, np.ndarray]], Any] = lambda outputs: outputs,
) -> Call:
    """Any signature: arrays by name in, arrays by name out."""
    request = serving_pb2.PredictRequest()
    model.fill(request.model_spec)
    request.model_spec.signature_name = signature_name
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(wire.to_tensor(array))

    def arrays(answer):
        return read({name: wire.from_tensor(tensor) for name, tensor in answer.outputs.items()})

    return Call(f"/{wire.PREDICTION_SERVICE}/Predict", request, serving_pb2.PredictResponse, arrays)


def _output(
    outputs: dict[str, np.ndarray], name: str, kind: str, rows: int, rank: int
) -> np.ndarray:
    """One output, if it is of NumPy's `kind` and has a row for each that was sent."""
    if name not in outputs:
        raise ServiceError(f"the served model must answer with {name}, got {sorted(outputs)}")
    array = outputs[name]
    if array.dtype.kind != kind or array.ndim != rank or len(array) != rows:
        what = "bytes" if kind == "O" else "float"
        shape = f"({rows}{', N' * (rank - 1)})"
        raise ServiceError(f"{name} must be {what} {shape}, got {array.dtype} {array.shape}")
    return array


def edit(model: Model, images: Sequence[bytes], action_units: np.ndarray) -> Call:
    """To PNG bytes, a list of B."""
    inputs = {
        signature.IMAGE_BYTES: np.array(images, object),
        signature.ACTION_UNITS: wanted.numbers(action_units),
    }
    return predict(
        model,
        signature.EDIT,
        inputs,
        lambda outputs: _output(outputs, signature.IMAGE_BYTES, "O", len(images), 1).tolist(),
    )


def estimate(model: Model, images: Sequence[bytes]) -> Call:
    """To float32 (B, N)."""
    inputs = {signature.IMAGE_BYTES: np.array(images, object)}
    return predict(
        model,
        signature.ESTIMATE,
        inputs,
        lambda outputs: _output(outputs, signature.ACTION_UNITS, "f", len(images), 2),
    )


def render(
    model: Model, image: np.ndarray, action_units: np.ndarray, source: np.ndarray | None = None
) -> Call:
    """To the result and what it is made of, by name; `source`: the AUs that the faces show."""
    inputs = {signature.IMAGE: _pixels(image), signature.ACTION_UNITS: wanted.numbers(action_units)}
    if source is None:
        return predict(model, signature.RENDER, inputs)
    inputs[signature.SOURCE] = wanted.numbers(source)
    return predict(model, signature.FROM_SOURCE, inputs)


def _pixels(image: Any) -> np.ndarray:
    with as_user_error("image", TypeError, ValueError):  # rows of different lengths
        array = np.asarray(image)
    if array.dtype.kind != "f":
        raise UserError(
            f"image must be float in [0, 1], got {array.dtype}; divide pixels of 0 to 255 by 255"
        )
    return array.astype(np.float32, copy=False)


def describe(model: Model) -> Call:
    """To the `ModelCard` of the served version."""

    def card(outputs):
        from ganimation_tf.export.model_card import (
            ModelCard,  # brings OpenCV, which nothing else needs
        )

        (text,) = _output(outputs, signature.CARD, "O", 1, 1)
        return ModelCard.from_json(text.decode(), signature.CARD)

    inputs = {signature.REQUEST: np.array([b"card"], object)}
    return predict(model, signature.DESCRIBE, inputs, card)


def status(model: Model) -> Call:
    """To version -> name of its state."""
    request = serving_pb2.GetModelStatusRequest()
    model.fill(request.model_spec)

    def states(answer):
        return {
            version.version: wire.STATES.get(version.state, str(version.state))
            for version in answer.model_version_status
        }

    path = f"/{wire.MODEL_SERVICE}/GetModelStatus"
    return Call(path, request, serving_pb2.GetModelStatusResponse, states)


def served(versions: dict[int, str], target: str) -> int:
    """The version that answers, of the states that `status` gives.

    Raises:
        ServiceError: if there is none.
    """
    available = [number for number, state in versions.items() if state == AVAILABLE]
    if not available:
        raise ServiceError(f"server {target} serves no version now, got {versions}")
    return max(available)


def metadata(model: Model) -> Call:
    """To signature -> "inputs" and "outputs" -> name -> type and shape, -1 where it is open."""
    request = serving_pb2.GetModelMetadataRequest(metadata_field=[SIGNATURE_DEF])
    model.fill(request.model_spec)

    def tensors(infos):
        return {
            name: (
                wire.DTYPES.get(info.dtype, str(info.dtype)),
                tuple(dim.size for dim in info.tensor_shape.dim),
            )
            for name, info in infos.items()
        }

    def signatures(answer):
        packed = serving_pb2.SignatureDefMap.FromString(answer.metadata[SIGNATURE_DEF].value)
        return {
            name: {"inputs": tensors(signature.inputs), "outputs": tensors(signature.outputs)}
            for name, signature in packed.signature_def.items()
        }

    path = f"/{wire.PREDICTION_SERVICE}/GetModelMetadata"
    return Call(path, request, serving_pb2.GetModelMetadataResponse, signatures)


def edits(model: Model, faces: Iterable[Face], rows: int) -> Iterator[Call]:
    """`edit` calls of `rows` faces each, made as they are asked for."""
    faces = iter(faces)
    while batch := list(itertools.islice(faces, rows)):
        yield edit(
            model,
            pictures.all_encoded([image for image, _ in batch]),
            wanted.numbers([units for _, units in batch]),
        )


def check_stream(concurrency: int, rows: int) -> None:
    """Raises `ValueError` unless both are at least 1."""
    for name, value in (("concurrency", concurrency), ("rows", rows)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
