"""`TensorProto` to NumPy array and back, as TensorFlow Serving reads and writes them.

Requests carry numbers as raw `tensor_content` or value by value. Answers carry them value by value
(`float_val`), because that is what TensorFlow Serving sends and what its clients read.
"""

import numpy as np
from tensorflow.core.framework import tensor_pb2

from ganimation_tf.protos import wire
from serving.server.status import invalid

DTYPE_NUMBERS = {name: number for number, name in wire.DTYPES.items()}

_PACKED = {"float32": 0x2A, "float64": 0x32}
"""Key on the wire (field number, length-delimited) of `float_val` and `double_val`. A packed field
of floats is the array's memory: no value is touched by Python."""

_LISTS = {"int32": "int_val", "uint8": "int_val", "int64": "int64_val", "bool": "bool_val"}


def decode(alias: str, tensor: tensor_pb2.TensorProto) -> np.ndarray:
    """The values; strings are `bytes` in an array of dtype object. Numbers may be a read-only view.

    Raises:
        StatusError: INVALID_ARGUMENT if they do not fill the shape.
    """
    try:
        return wire.from_tensor(tensor)
    except (ValueError, OverflowError):
        raise invalid(f"tensor parsing error: {alias}") from None


def encode(array: np.ndarray, into: tensor_pb2.TensorProto) -> None:
    """Writes `array` to an empty message.

    Raises:
        ValueError: if its type is none that `wire.DTYPES` names.
    """
    name = "string" if array.dtype.kind in "OS" else array.dtype.name
    if name not in DTYPE_NUMBERS:
        raise ValueError(f"a tensor must be one of {', '.join(DTYPE_NUMBERS)}, got {name}")
    if name in _PACKED:
        data = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        into.MergeFromString(bytes([_PACKED[name]]) + _varint(len(data)) + data)
    elif name == "string":
        into.string_val.extend(array.ravel().tolist())
    else:
        getattr(into, _LISTS[name]).extend(array.ravel().tolist())
    into.dtype = DTYPE_NUMBERS[name]
    for size in array.shape:
        into.tensor_shape.dim.add(size=size)


def _varint(number: int) -> bytes:
    """Protobuf's form of a length: 7 bits a byte, lowest first, the top bit says that more come."""
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes([*encoded, number])
