"""The parameters of batching in TensorFlow Serving's own text file.

Its message, `tensorflow.serving.BatchingParameters`, is not in tensorflow-serving-api; the fields
are declared here with their published names and numbers, in a descriptor pool of their own.
"""

import pathlib

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

from ganimation_tf.errors import UserError, reason
from serving.server.config import BatchingParameters

_IN_FILE = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads")
"""Those of the parameters that the file has, by field number from 1 on."""


def _message_class():
    file = descriptor_pb2.FileDescriptorProto(
        name="ganimation_tf/batching.proto",
        package="tensorflow.serving",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    message = file.message_type.add(name="BatchingParameters")
    field = descriptor_pb2.FieldDescriptorProto
    for number, name in enumerate((*_IN_FILE, "thread_pool_name"), start=1):
        wrapper = "StringValue" if name == "thread_pool_name" else "Int64Value"
        message.field.add(
            name=name,
            number=number,
            label=field.LABEL_OPTIONAL,
            type=field.TYPE_MESSAGE,
            type_name=f".google.protobuf.{wrapper}",
        )
    for name, number, kind, label in (
        ("allowed_batch_sizes", 6, field.TYPE_INT64, field.LABEL_REPEATED),
        ("pad_variable_length_inputs", 7, field.TYPE_BOOL, field.LABEL_OPTIONAL),
    ):
        message.field.add(name=name, number=number, label=label, type=kind)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName("tensorflow.serving.BatchingParameters")
    )


def read_parameters(path: pathlib.Path) -> BatchingParameters:
    """The parameters in a file in text format; what it leaves out has our default.

    In it, `max_batch_size` is also what runs together. The name of the thread pool and the padding
    within a row are read and not used.

    Raises:
        UserError: if it cannot be read or a value is out of range.
    """
    try:
        message = text_format.Parse(path.read_text(), _message_class()())
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
