"""A plain table, for annotations of any other origin: CSV or Parquet.

`key` and one column for each AU, `AU01` and so on; and, where they are known, `face`, `confidence`,
`subject`, the box `left, top, width, height` and the landmarks `x_0 ... y_67` in pixels, the pose
`pitch, yaw, roll` in degrees. The scale of the intensities is [0, 1] unless the user says another.
"""

import dataclasses
from collections.abc import Iterator
from typing import BinaryIO

from pipeline import files
from pipeline.annotations import AnnotationError
from pipeline.readers.forms import Form, find_columns
from pipeline.readers.rows import Row, read_rows
from pipeline.readers.table import Table

FORM = Form(
    name="table",
    action_unit="{name}",
    maximum=1.0,
    confidence="confidence",
    face="face",
    image="key",
    subject="subject",
    box=("left", "top", "width", "height"),
    pose=("pitch", "yaw", "roll"),
)

PARQUET = ".parquet"

_BATCH = 1024  # rows of a Parquet file that are in memory


@dataclasses.dataclass(frozen=True)
class PlainTable(Table):
    """A table whose rows may name subjects."""

    assigns: bool = True

    def assignment(self, reference) -> tuple[str | None, str | None]:
        """The subject of the image's first row that has one."""
        return None, next((item[2] for item in sorted(reference) if item[2]), None)

    def rows(self, path: str) -> Iterator[Row]:
        """The rows of a CSV or Parquet file."""
        if not path.lower().endswith(PARQUET):
            yield from read_rows(path, self.form, self.action_units)
            return
        columns = None
        for number, fields in enumerate(parquet_rows(path), start=1):
            if columns is None:
                columns = find_columns(tuple(fields), self.form, tuple(self.action_units))
            else:
                yield Row(number, fields, columns)


def parquet_rows(path: str) -> Iterator[list[str]]:
    """The rows of a Parquet file as text, its header first.

    Raises:
        AnnotationError: if the filesystem refuses or the file is no Parquet.
    """
    try:
        with files.opened(path) as file:
            yield from _batches(file)
    except files.FileError as error:
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
