"""One Predict request: checked against the signature, run, answered.

The checks come in the order of TensorFlow Serving's `predict_util.cc` and use its words. A wrong
type or shape, which it leaves to the graph, is refused here before any value is decoded: the
header of a tensor is a few bytes and can claim any size.
"""

import io
import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import predict_pb2

from ganimation_tf.export.signature import IMAGE_BYTES, MAX_PIXELS
from ganimation_tf.faces import images
from ganimation_tf.protos.wire import DTYPES, MAX_VALUES
from serving.server import tensors
from serving.server.models import LoadedVersion, ModelVersions, require_signature
from serving.server.status import invalid, left_to_tensorflow_serving

DEFAULT_SIGNATURE = "serving_default"

PICTURE_FORMATS = ("JPEG", "PNG")
"""What the graph of an export reads."""

Run = Callable[[LoadedVersion, str, Mapping[str, np.ndarray], int], Mapping[str, np.ndarray]]
"""Runs one signature of a version on some rows, alone or together with other requests."""


def predict(
    model: ModelVersions, request: predict_pb2.PredictRequest, max_batch_size: int, run: Run
) -> predict_pb2.PredictResponse:
    """The answer to `request`.

    Args:
        max_batch_size: most rows in one request.

    Raises:
        StatusError: if the request breaks a rule.
        tf.errors.OpError: if the graph refuses it, as it does a broken image.
    """
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    version = model.find(request.model_spec)
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = require_signature(version, name)
    _check_names(signature, request.inputs)
    for alias, tensor in sorted(request.inputs.items()):  # a map has no order of its own
        _check_tensor(alias, tensor, signature.inputs[alias])
    outputs = _chosen_outputs(signature, request.output_filter)
    _check_types(signature.inputs, signature.inputs)
    _check_types(signature.outputs, outputs)
    rows = _check_rows(request.inputs, max_batch_size)
    arrays = {alias: tensors.decode(alias, tensor) for alias, tensor in request.inputs.items()}
    if IMAGE_BYTES in arrays:
        arrays[IMAGE_BYTES] = _shown_pictures(IMAGE_BYTES, arrays[IMAGE_BYTES])
    results = run(version, name, arrays, rows)

    response = predict_pb2.PredictResponse()
    response.model_spec.name = model.name
    response.model_spec.signature_name = name
    response.model_spec.version.value = version.number
    for alias in outputs:
        tensors.encode(results[alias], response.outputs[alias])
    return response


def _check_names(signature: meta_graph_pb2.SignatureDef, inputs: Mapping) -> None:
    sent, declared = set(inputs), set(signature.inputs)
    if len(sent) != len(declared):
        raise invalid(
            f"input size does not match signature: {len(sent)}!={len(declared)} "
            f"len({_names(sent)}) != len({_names(declared)}). "
            f"Sent extra: {_names(sent - declared)}. "
            f"Missing but required: {_names(declared - sent)}."
        )
    for alias in sorted(declared - sent):
        raise invalid(
            f"Signature input alias: {alias}(feed name: {signature.inputs[alias].name}) not found "
            f"in request and no default value provided. Inputs expected to be in the request "
            f"{_names(sent)}, or default input alias set: "
        )


def _names(names) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def _check_tensor(
    alias: str, tensor: tensor_pb2.TensorProto, info: meta_graph_pb2.TensorInfo
) -> None:
    sizes = [dim.size for dim in tensor.tensor_shape.dim]
    rule = [dim.size for dim in info.tensor_shape.dim]
    fits = (
        tensor.dtype == info.dtype
        and not tensor.tensor_shape.unknown_rank
        and len(sizes) == len(rule)
        and all(
            size >= 0 and expected in (-1, size) for size, expected in zip(sizes, rule, strict=True)
        )
    )
    if not fits:
        raise invalid(
            f"{alias} must be {_describe(info.dtype, rule)}, got {_describe(tensor.dtype, sizes)}"
        )
    if math.prod(sizes) > MAX_VALUES:
        raise invalid(f"{alias} must hold at most {MAX_VALUES} values, got shape {sizes}")


def _describe(dtype: int, sizes: list[int]) -> str:
    shape = ", ".join("?" if size < 0 else str(size) for size in sizes)
    return f"{_type_name(dtype)} ({shape})"


def _type_name(dtype: int) -> str:
    try:
        return tf.as_dtype(dtype).name
    except TypeError:
        return f"dtype {dtype}"


def _chosen_outputs(signature: meta_graph_pb2.SignatureDef, output_filter) -> list[str]:
    declared = sorted(signature.outputs)
    for position, alias in enumerate(output_filter):
        if alias not in declared:
            raise invalid(
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {_names(declared)}."
            )
        if alias in output_filter[:position]:
            raise invalid(f"duplicate output tensor alias: {alias}")
    return list(output_filter) or declared


def _check_types(infos: Mapping, aliases: Iterable[str]) -> None:
    """Before anything runs: the graph may have types that this server does not read or write."""
    for alias in sorted(aliases):
        if infos[alias].dtype not in DTYPES:
            raise left_to_tensorflow_serving(f"{alias} of type {_type_name(infos[alias].dtype)}")


def _check_rows(inputs: Mapping, max_batch_size: int) -> int:
    """How many rows the request has."""
    if not all(tensor.tensor_shape.dim for tensor in inputs.values()):
        raise invalid("Batching Run() input tensors must have at least one dimension")
    rows = {alias: tensor.tensor_shape.dim[0].size for alias, tensor in inputs.items()}
    if len(set(rows.values())) > 1:
        sizes = ", ".join(f"{alias} has {size}" for alias, size in sorted(rows.items()))
        raise invalid(f"Batching Run() input tensors must have equal 0th-dimension size: {sizes}")
    size = max(rows.values(), default=0)
    if size > max_batch_size:
        raise invalid(f"Task size {size} is larger than maximum input batch size {max_batch_size}")
    return size


def _shown_pictures(alias: str, encoded: np.ndarray) -> np.ndarray:
    """The same pictures, as the graph's decoder shows them right: upright and opaque.

    TensorFlow Serving hands them on as they are, so that one with an EXIF orientation comes back
    lying on its side there.
    """
    rows = encoded.ravel().tolist()
    shown = np.empty(len(rows), object)
    shown[:] = [_shown(f"{alias} row {row}", picture) for row, picture in enumerate(rows)]
    return shown.reshape(encoded.shape)


def _shown(name: str, encoded: bytes) -> bytes:
    _check_header(name, encoded)
    try:
        return images.as_shown(encoded, MAX_PIXELS)
    except images.ImageError:
        return encoded  # the graph refuses it, in TensorFlow's words


def _check_header(name: str, encoded: bytes) -> None:
    """Refuses a picture before it is decoded: the graph allocates what a header claims."""
    try:
        with Image.open(io.BytesIO(encoded), formats=PICTURE_FORMATS) as picture:
            width, height = picture.size
    except Image.DecompressionBombError as error:  # Pillow's own, higher limit
        raise invalid(f"{name}: {error}") from None
    # A hostile file can raise nearly anything out of a header parser.
    except Exception as error:
        names = ", ".join(PICTURE_FORMATS)
        raise invalid(f"{name}: not a picture in one of {names}") from error
    if width * height > MAX_PIXELS:
        raise invalid(
            f"{name}: a picture must have at most {MAX_PIXELS} pixels, got {width} x {height}"
        )
