"""Requests in the JSON of TensorFlow Serving's REST API (util/json_tensor.cc), as messages.

Rows (`instances`) or columns (`inputs`); binary strings are `{"b64": "..."}`.
"""

import base64
import binascii
import itertools
import json
import threading
from collections.abc import Callable, Mapping

import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import predict_pb2

from ganimation_tf.protos import wire
from serving.server.status import invalid

MAX_RANK = 32
"""Most levels of lists where the signature leaves it open; NumPy has no more than 64."""

_ONE_AT_A_TIME = threading.Lock()
"""A body may take 20 times its size as Python objects; one tree at a time bounds what that is."""


class _Constant(float):
    """`NaN`, `Infinity` or `-Infinity`, written so; a number too large for a float parses to
    infinity, too, and must not be taken."""


def _parse(body: bytes) -> dict:
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        document = json.loads(body, parse_constant=_Constant)
    except json.JSONDecodeError as error:
        raise invalid(f"JSON Parse error: {error.msg} at offset: {error.pos}") from None
    except RecursionError:
        raise invalid("JSON Parse error: nested too deeply") from None
    except ValueError as error:  # not UTF-8, or an integer of thousands of digits
        raise invalid(f"JSON Parse error: {error}") from None
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {_shown(document)} Is not object")
    return document


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
        request.model_spec.signature_name = _checked(name)
        infos = find_signature(name).inputs
        in_rows, values = _values(document, infos)
        for alias, value in values.items():
            request.inputs[alias].MergeFromString(
                _to_tensor(alias, value, infos[alias]).SerializeToString()
            )
    return in_rows


def _checked(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise invalid(f"JSON Value: {_shown(name)} holds half of a surrogate pair") from None
    return name


def _values(document: dict, infos: Mapping) -> tuple[bool, Mapping[str, object]]:
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


_LEAVES: Mapping[str, tuple[type, ...]] = {
    "f": (int, float, _Constant),
    "i": (int,),
    "u": (int,),
    "b": (bool,),
}
"""What JSON must have parsed to, by the kind of NumPy's types."""


def _to_tensor(alias: str, value, info: meta_graph_pb2.TensorInfo):
    name = wire.DTYPES.get(info.dtype)
    if name is None:
        raise invalid(f"{alias}: conversion of JSON values to dtype {info.dtype} is not supported")
    shape = _shape_of(alias, value, info.tensor_shape)
    leaves = _leaves(alias, value, shape)
    if name == "string":
        column = np.empty(len(leaves), np.object_)
        column[:] = [_to_bytes(alias, leaf) for leaf in leaves]
    else:
        column = _to_numbers(alias, leaves, np.dtype(name))
    return wire.to_tensor(column.reshape(shape))


def _shape_of(alias: str, value, rule) -> tuple[int, ...]:
    """The shape of nested lists, as their first items have it; `rule` bounds its length."""
    shape: list[int] = []
    most = MAX_RANK if rule.unknown_rank else len(rule.dim)
    while isinstance(value, list):
        if len(shape) == most:
            raise invalid(f"{alias}: encountered list at unexpected level")
        shape.append(len(value))
        value = value[0] if value else None
    return tuple(shape)


def _leaves(alias: str, value, shape: tuple[int, ...]) -> list:
    """What nested lists of `shape` hold, in order."""
    level = [value]
    for size in shape:
        for item in level:
            if not isinstance(item, list):
                raise invalid(f"{alias}: JSON Value: {_shown(item)} found at incorrect level")
            if len(item) != size:
                raise invalid(
                    f"{alias}: encountered list at unexpected size: {len(item)} "
                    f"expected size: {size}"
                )
        level = list(itertools.chain.from_iterable(level))
    if list in set(map(type, level)):
        raise invalid(f"{alias}: encountered list at unexpected level")
    return level


def _to_numbers(alias: str, leaves: list, wanted: np.dtype) -> np.ndarray:
    # Before NumPy sees them: of one long text and many short ones it makes as many long ones.
    allowed = _LEAVES[wanted.kind]
    if set(map(type, leaves)).difference(allowed):
        wrong = next(leaf for leaf in leaves if type(leaf) not in allowed)
        raise invalid(f"{alias}: JSON Value: {_shown(wrong)} is not of expected type: {wanted}")
    exact = np.dtype({"f": np.float64, "b": np.bool_}.get(wanted.kind, np.int64))
    try:
        array = np.array(leaves, exact)
        with np.errstate(over="ignore"):
            cast = array.astype(wanted)
        if wanted.kind == "f":
            places = np.flatnonzero(np.isinf(cast))
            lost = any(type(leaves[place]) is not _Constant for place in places)
        else:
            lost = not np.array_equal(array, cast)
    except OverflowError:
        lost = True
    if lost:
        raise invalid(
            f"Cannot convert JSON value: {_shown(leaves)} to {wanted} without loss of precision."
        )
    return cast


def _to_bytes(alias: str, leaf) -> bytes:
    if isinstance(leaf, str):
        return leaf.encode("utf-8", "surrogatepass")
    if _is_binary(leaf):
        return _decode_base64(leaf["b64"])
    if isinstance(leaf, dict):
        raise invalid(
            f"{alias}: JSON Value: {_shown(leaf)} not formatted correctly for base64 data"
        )
    raise invalid(f"{alias}: JSON Value: {_shown(leaf)} is not of expected type: string")


def _is_binary(value) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _decode_base64(text: str) -> bytes:
    bare = "".join(text.split()).rstrip("=")  # lines may be broken, the end may be left out
    padded = bare + "=" * (-len(bare) % 4)
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
