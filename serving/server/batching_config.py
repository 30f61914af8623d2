"""The parameters of batching in TensorFlow Serving's own text file.

Its message, `tensorflow.serving.BatchingParameters`, is not in tensorflow-serving-api.
"""

import pathlib

from google.protobuf import text_format

from ganimation_tf.errors import UserError, reason
from ganimation_tf.protos import serving_pb2
from serving.server.config import BatchingParameters

_IN_FILE = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads")
"""Those of the parameters that the file has."""


def read_parameters(path: pathlib.Path) -> BatchingParameters:
    """The parameters in a file in text format; what it leaves out has our default.

    In it, `max_batch_size` is also what runs together. The name of the thread pool and the padding
    within a row are read and not used.

    Raises:
        UserError: if it cannot be read or a value is out of range.
    """
    try:
        message = text_format.Parse(path.read_text(), serving_pb2.BatchingParameters())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {reason(error)}") from error
    except text_format.ParseError as error:
        raise UserError(f"{path}: not a text of BatchingParameters: {error}") from error
    values = {name: getattr(message, name).value for name in _IN_FILE if message.HasField(name)}
    values["max_execution_batch_size"] = values.get(
        "max_batch_size", BatchingParameters.max_batch_size
    )
    sizes = tuple(message.allowed_batch_sizes)
    try:
        return BatchingParameters(**values, allowed_batch_sizes=sizes)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
