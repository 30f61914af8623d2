"""The JSON of TensorFlow Serving's REST API: requests to messages, answers to JSON.

Rows (`instances`, `predictions`) and columns (`inputs`, `outputs`); binary strings are
`{"b64": "..."}`, and outputs whose name ends with `_bytes` are sent so (util/json_tensor.cc).
"""

import base64
import binascii
import json
import threading
from collections.abc import Callable, Mapping

import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import predict_pb2

from ganimation_tf import wire
from serving.status import invalid

BYTES_SUFFIX = "_bytes"

_ONE_AT_A_TIME = threading.Lock()
"""A body may take 20 times its size as Python objects; one tree at a time bounds what that is."""


def _parse(body: bytes) -> dict:
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        found = json.loads(body)
    except json.JSONDecodeError as error:
        raise invalid(f"JSON Parse error: {error.msg} at offset: {error.pos}") from None
    except RecursionError:
        raise invalid("JSON Parse error: nested too deeply") from None
    except ValueError as error:  # not UTF-8, or an integer of thousands of digits
        raise invalid(f"JSON Parse error: {error}") from None
    if not isinstance(found, dict):
        raise invalid(f"JSON Value: {_shown(found)} Is not object")
    return found


def fill_request(
    body: bytes,
    find_signature: Callable[[str], meta_graph_pb2.SignatureDef],
    request: predict_pb2.PredictRequest,
) -> bool:
    """Fills signature name and inputs of `request` in from `body`.

    Args:
        find_signature: the declaration of a signature by its name.

    Returns:
        Whether the inputs came in rows; the answer has to, too.

    Raises:
        StatusError: INVALID_ARGUMENT, worded as TensorFlow Serving does.
    """
    with _ONE_AT_A_TIME:
        document = _parse(body)
        name = document.get("signature_name", "")
        if not isinstance(name, str):
            raise invalid(
                "JSON Value not formatted correctly. 'signature_name' key must be a string value."
            )
        request.model_spec.signature_name = name
        infos = find_signature(name).inputs
        in_rows, values = _values(document, infos)
        for alias, value in values.items():
            request.inputs[alias].MergeFromString(
                _to_tensor(alias, value, infos[alias].dtype).SerializeToString()
            )
    return in_rows


def _values(document: dict, infos: Mapping) -> tuple[bool, dict[str, object]]:
    """Whether the inputs come in rows, and each input as one nested list."""
    if "instances" in document and "inputs" in document:
        raise invalid(
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist"
        )
    if "instances" in document:
        return True, _columns_of_rows(document["instances"], infos)
    if "inputs" in document:
        return False, _columns(document["inputs"], infos)
    raise invalid("Missing 'inputs' or 'instances' key")


def _columns_of_rows(rows, infos: Mapping) -> dict[str, list]:
    if not isinstance(rows, list):
        raise invalid("Excepting 'instances' to be an list/array")
    if not rows:
        raise invalid("No values in 'instances' array")
    if not isinstance(rows[0], dict) or _is_binary(rows[0]):
        if len(infos) > 1:
            raise invalid(
                "instances is a plain list, but expecting list of objects as multiple input "
                "tensors required as per tensorinfo_map"
            )
        return {next(iter(infos)): rows}
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or _is_binary(row):
            raise invalid(f"Expecting object but got list at item {number} of input list")
        if row.keys() != infos.keys():
            raise invalid(
                f"Failed to process element: {number} of 'instances' list. "
                f"JSON object: {_shown(row)} keys must be equal to: {','.join(sorted(infos))}"
            )
    return {alias: [row[alias] for row in rows] for alias in infos}


def _columns(columns, infos: Mapping) -> dict[str, object]:
    if not isinstance(columns, dict) or _is_binary(columns):
        if len(infos) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        return {next(iter(infos)): columns}
    for alias in sorted(infos):
        if alias not in columns:
            raise invalid(f"Missing named input: {alias} in 'inputs' object.")
    return {alias: columns[alias] for alias in infos}


def _to_tensor(alias: str, value, dtype: int):
    name = wire.DTYPES.get(dtype)
    if name == "string":
        shape, strings = _shape_of(value), []
        _add_strings(value, shape, strings)
        array = np.empty(len(strings), object)
        array[:] = strings
        return wire.to_tensor(array.reshape(shape))
    if name is None:
        raise invalid(f"{alias}: conversion of JSON values to dtype {dtype} is not supported")
    try:
        array = np.array(value)
    except ValueError:  # lists of different lengths, or nested too deeply
        raise invalid(f"{alias}: encountered list at unexpected size or level") from None
    wanted = np.dtype(name)
    if array.dtype.kind not in {"f": "iuf", "i": "iu", "u": "iu", "b": "b"}[wanted.kind]:
        if array.size or array.dtype.kind == "O":
            raise invalid(f"{alias}: JSON Value: {_shown(value)} is not of expected type: {name}")
    with np.errstate(over="ignore"):
        cast = array.astype(wanted)
    if wanted.kind == "f":
        lost = not np.array_equal(np.isinf(array), np.isinf(cast))
    else:
        lost = not np.array_equal(array, cast)
    if lost:
        raise invalid(
            f"Cannot convert JSON value: {_shown(value)} to {name} without loss of precision."
        )
    return wire.to_tensor(cast)


def _shape_of(value) -> tuple[int, ...]:
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return tuple(shape)


def _add_strings(value, shape: tuple[int, ...], into: list[bytes]) -> None:
    if isinstance(value, list):
        if not shape:
            raise invalid("Encountered list at unexpected level")
        if len(value) != shape[0]:
            raise invalid(
                f"Encountered list at unexpected size: {len(value)} expected size: {shape[0]}"
            )
        for item in value:
            _add_strings(item, shape[1:], into)
    elif shape:
        raise invalid(f"JSON Value: {_shown(value)} found at incorrect level")
    elif isinstance(value, str):
        into.append(value.encode("utf-8", "surrogatepass"))
    elif _is_binary(value):
        into.append(_decode_base64(value["b64"]))
    elif isinstance(value, dict):
        raise invalid(f"JSON Value: {_shown(value)} not formatted correctly for base64 data")
    else:
        raise invalid(f"JSON Value: {_shown(value)} is not of expected type: string")


def _is_binary(value) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _decode_base64(text: str) -> bytes:
    padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)  # which may be left out
    try:
        return base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError):
        raise invalid("Unable to base64 decode") from None


def _shown(value) -> str:
    """The beginning of a value, for an error message; it may be large."""
    try:
        return json.dumps(value)[:200]
    except RecursionError:
        return "(deeply nested)"


def answer(response: predict_pb2.PredictResponse, in_rows: bool) -> bytes:
    """The JSON of an answer, with rows or columns; one output stands without its name.

    Raises:
        StatusError: INVALID_ARGUMENT if rows are asked for and an output has none.
    """
    columns = {alias: _to_json(alias, tensor) for alias, tensor in sorted(response.outputs.items())}
    (first, *others) = columns.values()
    if not in_rows:
        return json.dumps({"outputs": columns if others else first}).encode()
    if not isinstance(first, list) or any(
        not isinstance(column, list) or len(column) != len(first) for column in others
    ):
        raise invalid("Tensors have no shape information or an inconsistent batch size")
    if not others:
        return json.dumps({"predictions": first}).encode()
    rows = [dict(zip(columns, row, strict=True)) for row in zip(first, *others, strict=True)]
    return json.dumps({"predictions": rows}).encode()


def _to_json(alias: str, tensor):
    array = wire.from_tensor(tensor)
    if array.dtype.kind == "O":
        binary = alias.endswith(BYTES_SUFFIX)
        encoded = np.empty(array.shape, object)
        encoded.flat = [
            _binary(value) if binary else value.decode("utf-8", "replace")
            for value in array.ravel()
        ]
        return encoded.tolist()
    if array.dtype == np.float32:  # by way of its shortest text: 0.2, not 0.20000000298
        return array.astype("U32").astype(np.float64).tolist()
    return array.tolist()


def _binary(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode()}


def error(message: str) -> bytes:
    """The body that goes with an error."""
    return json.dumps({"error": message}).encode()
