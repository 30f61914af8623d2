"""The parameters of batching, from flags or from TensorFlow Serving's own text file.

Its message, `tensorflow.serving.BatchingParameters`, is not in tensorflow-serving-api; the fields
are declared here with their published names and numbers, in a descriptor pool of their own.
"""

import dataclasses
import pathlib

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

from ganimation_tf.errors import UserError


@dataclasses.dataclass(frozen=True)
class BatchingParameters:
    """How requests are run together; the names are those of TensorFlow's batching.

    Attributes:
        max_batch_size: most rows that one request may have.
        batch_timeout_micros: how long the first request waits for others to fill the batch.
        max_enqueued_batches: this many times `max_batch_size` rows may wait, in each queue;
            beyond: UNAVAILABLE.
        num_batch_threads: batches that run at the same time.
        max_execution_batch_size: most rows that run together, at most `max_batch_size`; a larger
            request is run in parts.
        allowed_batch_sizes: batches are padded to the next of these; empty: they are not padded.

    Raises:
        UserError: if a value is out of range.
    """

    max_batch_size: int = 64
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 2
    num_batch_threads: int = 1
    max_execution_batch_size: int = 4  # what runs best on two CPU cores
    allowed_batch_sizes: tuple[int, ...] = ()

    def __post_init__(self):
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value < least:
                raise UserError(f"{name} must be at least {least}, got {value}")
        sizes = self.allowed_batch_sizes
        if sizes and (list(sizes) != sorted(set(sizes)) or sizes[0] < 1):
            raise UserError(f"allowed_batch_sizes must be positive and increasing, got {sizes}")
        if sizes and sizes[-1] != self.rows_together:
            name = "max_execution_batch_size"
            if self.max_batch_size <= self.max_execution_batch_size:
                name = "max_batch_size"
            raise UserError(
                f"the last of allowed_batch_sizes must be {name}, "
                f"got {sizes[-1]} and {self.rows_together}"
            )

    @property
    def rows_together(self) -> int:
        """Most rows that run together."""
        return min(self.max_execution_batch_size, self.max_batch_size)

    def padded_size(self, rows: int) -> int:
        """Rows that a batch has once it is padded."""
        if not rows:
            return 0
        return next((size for size in self.allowed_batch_sizes if size >= rows), rows)


_LEAST = {
    "max_batch_size": 1,
    "batch_timeout_micros": 0,
    "max_enqueued_batches": 1,
    "num_batch_threads": 1,
    "max_execution_batch_size": 1,
}
"""Fields that are numbers, and the least that they may be."""

_IN_FILE = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads")
"""Those of them that the file has, by field number from 1 on."""


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
        raise UserError(f"{path}: cannot be read: {error}") from error
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
