"""Answers in the JSON of TensorFlow Serving's REST API (util/json_tensor.cc).

Rows (`predictions`) or columns (`outputs`); outputs whose name ends with `_bytes` are sent as
`{"b64": "..."}`.
"""

import base64
import json

import numpy as np
from tensorflow_serving.apis import predict_pb2

from ganimation_tf.protos import wire
from serving.server.status import invalid

BYTES_SUFFIX = "_bytes"

TEXTS_AT_ONCE = 2**14
"""Numbers that are text at the same time; each takes 128 bytes as such."""


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
        encoded.flat[:] = [
            _binary(value) if binary else value.decode("utf-8", "replace")
            for value in array.ravel()
        ]
        return encoded.tolist()
    if array.dtype == np.float32:  # by way of its shortest text: 0.2, not 0.20000000298
        exact = np.empty(array.size, np.float64)
        for start in range(0, array.size, TEXTS_AT_ONCE):
            part = slice(start, start + TEXTS_AT_ONCE)
            exact[part] = array.ravel()[part].astype("U32").astype(np.float64)
        return exact.reshape(array.shape).tolist()
    return array.tolist()


def _binary(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode()}


def error(message: str) -> bytes:
    """The body that goes with an error."""
    return json.dumps({"error": message}).encode()
