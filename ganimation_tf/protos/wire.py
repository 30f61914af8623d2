"""Tensors of TensorFlow Serving's protocol as arrays and back, and what its numbers mean.

The official stubs (`tensorflow_serving.apis`) import all of TensorFlow: seconds and hundreds of
MiB before the first request. `serving_pb2` has the few messages that are needed.
"""

import math

import numpy as np

from ganimation_tf.protos.serving_pb2 import TensorProto

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"

STATES = {0: "UNKNOWN", 10: "START", 20: "LOADING", 30: "AVAILABLE", 40: "UNLOADING", 50: "END"}
"""Names of `ModelVersionStatus.State`."""

DT_STRING = 7
_NUMERIC = {
    1: ("float32", "float_val"),
    2: ("float64", "double_val"),
    3: ("int32", "int_val"),
    4: ("uint8", "int_val"),
    9: ("int64", "int64_val"),
    10: ("bool", "bool_val"),
}
DTYPES = {number: name for number, (name, _) in _NUMERIC.items()} | {DT_STRING: "string"}
"""`DataType` number -> NumPy name, of the types that this module reads and writes."""

MAX_VALUES = 2**26
"""Most values of a tensor that one value stands for: the size of a message does not bound it."""


def to_tensor(array: np.ndarray) -> TensorProto:
    """A `TensorProto` of numbers (as raw content) or of `bytes` objects (dtype object or S).

    Raises:
        ValueError: if the array's type has no place in `DTYPES`.
    """
    array = np.asarray(array)
    tensor = TensorProto()
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    if array.dtype.kind in "OS":
        tensor.dtype = DT_STRING
        tensor.string_val.extend(array.ravel().tolist())
        return tensor
    for number, (name, _) in _NUMERIC.items():
        if array.dtype == name:
            tensor.dtype = number
            # "<": the protocol says the memory of the sender; every server in use is little-endian
            tensor.tensor_content = array.astype(array.dtype.newbyteorder("<")).tobytes()
            return tensor
    raise ValueError(f"a tensor must be one of {', '.join(DTYPES.values())}, got {array.dtype}")


def from_tensor(tensor: TensorProto) -> np.ndarray:
    """The array of a `TensorProto`; strings come as `bytes` in an array of dtype object.

    Numbers stand in `tensor_content` or, one by one, in the field of their type; there the last
    value counts for all that are left out, and zero or nothing for all if there is none.

    Raises:
        ValueError: if the type is not in `DTYPES`, the values do not fill the shape, or one of them
            stands for more than `MAX_VALUES`.
    """
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    if min(shape, default=0) < 0:
        raise ValueError(f"a tensor must have a size in each dimension, got shape {shape}")
    if tensor.dtype == DT_STRING:
        values = np.empty(len(tensor.string_val), object)
        values[:] = list(tensor.string_val)
    elif tensor.dtype not in _NUMERIC:
        raise ValueError(
            f"a tensor must be one of {', '.join(DTYPES.values())}, got {tensor.dtype}"
        )
    elif tensor.tensor_content:
        name = _NUMERIC[tensor.dtype][0]
        values = np.frombuffer(tensor.tensor_content, np.dtype(name).newbyteorder("<")).astype(name)
    else:
        name, field_name = _NUMERIC[tensor.dtype]
        values = np.array(getattr(tensor, field_name), name)
    missing = math.prod(shape) - len(values)
    if missing > 0 and not tensor.tensor_content:
        if math.prod(shape) > MAX_VALUES:
            raise ValueError(f"a tensor must have at most {MAX_VALUES} values, got shape {shape}")
        empty = np.array([b""], object) if tensor.dtype == DT_STRING else np.zeros(1, values.dtype)
        last = values[-1:] if len(values) else empty
        values = np.concatenate([values, np.repeat(last, missing)])
    if len(values) != math.prod(shape):
        raise ValueError(f"a tensor of shape {shape} must not hold {len(values)} values")
    return values.reshape(shape)
