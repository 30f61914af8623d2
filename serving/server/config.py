"""What a server is made of, and what its values are where nothing is said: the one place for both.

Imports nothing heavy: the command line makes its help of these fields.
"""

import dataclasses
import pathlib

from ganimation_tf import options
from ganimation_tf.export import signature
from ganimation_tf.options import OptionError, option
from serving.server.tls import ServerTls

MAX_THREADS = 256
"""Far more than help; a machine has no more than some thousand threads for a program."""

MAX_WAIT_MICROS = 3_600_000_000
MAX_POLL_SECONDS = 86_400


@dataclasses.dataclass(frozen=True)
class BatchingParameters:
    """How requests are run together; the names are those of TensorFlow's batching.

    Raises:
        OptionError: if a value is out of range.
    """

    max_batch_size: int = option(64, "most rows that one request may have", low=1)
    batch_timeout_micros: int = option(
        0, "how long the first request waits for others to join its batch", 0, MAX_WAIT_MICROS
    )
    max_enqueued_batches: int = option(
        2, "times --max-batch-size rows may wait for each signature; beyond: UNAVAILABLE", low=1
    )
    num_batch_threads: int = option(1, "batches that run at the same time", 1, MAX_THREADS)
    max_execution_batch_size: int = option(
        4,  # what runs best on two CPU cores
        "most rows that run together, at most --max-batch-size; a larger request runs in parts",
        low=1,
    )
    allowed_batch_sizes: tuple[int, ...] = ()
    """Batches are padded to the next of these; empty: they are not padded."""

    def __post_init__(self):
        options.check(self)
        sizes = self.allowed_batch_sizes
        if sizes and (list(sizes) != sorted(set(sizes)) or sizes[0] < 1):
            raise OptionError("allowed_batch_sizes", "must be positive and increasing", sizes)
        if sizes and sizes[-1] != self.rows_together:
            name = "max_execution_batch_size"
            if self.max_batch_size <= self.max_execution_batch_size:
                name = "max_batch_size"
            rule = f"must end with {name}, {self.rows_together}"
            raise OptionError("allowed_batch_sizes", rule, sizes)

    @property
    def rows_together(self) -> int:
        """Most rows that run together."""
        return min(self.max_execution_batch_size, self.max_batch_size)

    def padded_size(self, rows: int) -> int:
        """Rows that a batch has once it is padded."""
        if not rows:
            return 0
        return next((size for size in self.allowed_batch_sizes if size >= rows), rows)


@dataclasses.dataclass(frozen=True)
class ServerConfig:
    """What is served, where and how.

    Attributes:
        tls: None serves plain text.

    Raises:
        OptionError: if a value is out of range.
    """

    model_dir: pathlib.Path = option(
        dataclasses.MISSING, "directory of numbered versions; the highest is served"
    )
    model_name: str = option(signature.MODEL_NAME, "name in the requests", metavar="NAME")
    host: str = option(
        "127.0.0.1", "address to listen at; 0.0.0.0 for all networks", metavar="ADDRESS"
    )
    port: int = option(8500, "gRPC port; 0 takes a free one", 0, 65535, metavar="PORT")
    rest_port: int | None = option(
        None,
        "port of REST and metrics; 0 takes a free one; left out: neither is served",
        0,
        65535,
        metavar="PORT",
    )
    measure_inputs: bool = option(
        False,
        "count requested and shown AUs and the sizes of pictures in the metrics, to be compared "
        "with a schema by `ganimation validate`",
    )
    poll_seconds: float = option(
        1.0, "time between two looks for new versions; 0: never", 0, MAX_POLL_SECONDS
    )
    batching: BatchingParameters = BatchingParameters()
    tls: ServerTls | None = None

    def __post_init__(self):
        options.check(self)
        if not self.model_name:
            raise OptionError("model_name", "must not be empty", "")
        if self.rest_port and self.rest_port == self.port:
            raise OptionError("rest_port", "must not be the gRPC port", self.rest_port)
