"""Rows of Parquet files, as text: they meet the same checks as those of CSV."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ganimation_tf import inputs
from ganimation_tf.annotations.face import AnnotationError

if TYPE_CHECKING:
    import pyarrow.parquet

PARQUET = ".parquet"

_BATCH = 1024  # rows that are in memory


def parquet_header(path: str, opener: inputs.Opener = inputs.open_local) -> list[str]:
    """The names of a Parquet file's columns.

    Raises:
        AnnotationError: if the file system refuses or the file is no Parquet.
    """
    with _opened(path, opener) as table:
        return list(table.schema_arrow.names)


def parquet_rows(
    path: str, wanted: Sequence[int], opener: inputs.Opener = inputs.open_local
) -> Iterator[list[str]]:
    """The rows of a Parquet file as text.

    Only the wanted columns are read: of the others no type need be one that has a text.

    Args:
        path: of the file.
        wanted: columns that are read, by their place in the header; the others are blank.
        opener: opens it.

    Raises:
        AnnotationError: if the file system refuses or the file is no Parquet.
    """
    with _opened(path, opener) as table:
        names = list(table.schema_arrow.names)
        chosen = sorted(set(wanted))
        read = [names[column] for column in chosen]
        for batch in table.iter_batches(batch_size=_BATCH, columns=read):
            columns = [map(_text, batch.column(name).to_pylist()) for name in read]
            for values in zip(*columns, strict=True):
                row = [""] * len(names)
                for column, value in zip(chosen, values, strict=True):
                    row[column] = value
                yield row


@contextlib.contextmanager
def _opened(path: str, opener: inputs.Opener) -> Iterator["pyarrow.parquet.ParquetFile"]:
    import pyarrow  # comes with Beam; 0.3 s that only this form needs
    import pyarrow.parquet

    try:
        with opener(path) as file:
            try:
                yield pyarrow.parquet.ParquetFile(file)
            # What a damaged file or a value outside of its type's range can raise.
            except (OSError, ValueError, OverflowError, pyarrow.ArrowException) as error:
                message = " ".join(str(error).split())
                raise AnnotationError("bad_annotation", f"is no Parquet: {message}") from None
    except inputs.FileError as error:
        raise AnnotationError(error.code, str(error)) from None


def _text(value: Any) -> str:
    """A value as CSV would have it; text keeps a float exactly."""
    if value is None:
        return ""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
