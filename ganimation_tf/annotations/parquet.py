"""Rows of Parquet files, as text: they meet the same checks as those of CSV."""

from collections.abc import Iterator
from typing import BinaryIO

from ganimation_tf import inputs
from ganimation_tf.annotations.face import AnnotationError

PARQUET = ".parquet"

_BATCH = 1024  # rows that are in memory


def parquet_rows(path: str, opener: inputs.Opener = inputs.open_local) -> Iterator[list[str]]:
    """The rows of a Parquet file as text, its header first.

    Raises:
        AnnotationError: if the filesystem refuses or the file is no Parquet.
    """
    try:
        with opener(path) as file:
            yield from _batches(file)
    except inputs.FileError as error:
        raise AnnotationError(error.code, str(error)) from None


def _batches(file: BinaryIO) -> Iterator[list[str]]:
    import pyarrow  # comes with Beam; 0.3 s that only this form needs
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(file)
        yield list(table.schema_arrow.names)
        for batch in table.iter_batches(batch_size=_BATCH):
            columns = [column.to_pylist() for column in batch.columns]
            for row in zip(*columns, strict=True):
                # Text keeps a float exactly; both kinds of table then meet the same checks.
                yield ["" if value is None else str(value) for value in row]
    except (OSError, pyarrow.ArrowException) as error:  # OSError also for what it cannot parse
        message = " ".join(str(error).split())
        raise AnnotationError("bad_annotation", f"is no Parquet: {message}") from None
