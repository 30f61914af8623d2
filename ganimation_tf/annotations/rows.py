"""Rows of annotation files, their fields checked one by one.

Files are read row by row, so memory does not grow with them, and nothing in them is believed: a
line, a field and, where one image is all a file speaks of, the file have a largest size.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ganimation_tf import inputs
from ganimation_tf.annotations.csv_text import csv_rows, with_point
from ganimation_tf.annotations.face import AnnotationError, FaceAnnotation
from ganimation_tf.annotations.forms import Columns, Form, find_columns
from ganimation_tf.annotations.parquet import PARQUET, parquet_header, parquet_rows

TABLES = (".csv", ".tsv", PARQUET)
"""What files of rows are called."""

OVER = 1.5
"""By so much of its scale an intensity may be above it and is clipped; what is higher is of another
scale, or no intensity at all: 9 and 999 stand for "not coded"."""

UNDER = 0.1
"""Likewise below 0: people write -1 for "not coded"."""

_REGRESSED = 0.5  # a network's output may fall further below


class Row(NamedTuple):
    """One row: its number in the file, the header being 1; its fields; the file's columns."""

    number: int
    fields: Sequence[str]
    columns: Columns

    def text(self, column: int | None) -> str | None:
        """The stripped field of a column; None if there is no such column or it is blank."""
        if column is None or column >= len(self.fields):
            return None
        return self.fields[column].strip() or None

    def numbers(self, wanted: Sequence[int]) -> np.ndarray:
        """float64 (len(wanted),): the finite numbers in these columns.

        Raises:
            AnnotationError: naming the first column that has none.
        """
        fields = [self.fields[column] for column in wanted]
        try:
            values = np.array(list(map(float, fields)))
        except ValueError:
            values = np.array(list(map(_number, fields)))
        finite = np.isfinite(values)
        if not finite.all():
            first = int(np.argmin(finite))
            name, field = self.columns.names[wanted[first]], fields[first].strip()
            message = f"{name} must be a finite number, got {field!r:.40}"
            raise AnnotationError("bad_value", message)
        return values

    def number_of_frame(self) -> int:
        """The frame's number.

        Raises:
            AnnotationError: if it is no whole number.
        """
        if self.columns.frame is None:
            raise AnnotationError("missing_column", "there is no column with the frame's number")
        require_length(self)
        (value,) = self.numbers([self.columns.frame])
        field = self.fields[self.columns.frame].strip()
        if value != int(value) or value < 0 or "," in field:  # 1,000 may be 1 or a thousand
            name = self.columns.names[self.columns.frame]
            raise AnnotationError("bad_value", f"{name} must be a whole number, got {field:.40}")
        return int(value)


def _number(field: str) -> float:
    """NaN for what is none."""
    try:
        return float(with_point(field))
    except ValueError:
        return math.nan


def require_length(row: Row) -> None:
    """Refuses a row that has fewer or more fields than its header: its columns have shifted."""
    count = len(row.columns.names)
    if len(row.fields) < count or any(field.strip() for field in row.fields[count:]):
        message = f"the row has {len(row.fields)} fields, the header {count}"
        raise AnnotationError("bad_row", message)


def parse_face(
    row: Row, form: Form, action_units: Sequence[str], maximum: float, where: str
) -> FaceAnnotation:
    """The face of a row. Its key is left empty, and its id where the row has none.

    Raises:
        AnnotationError: if a field is unusable, or the row says that there is no face.
    """
    require_length(row)
    columns = row.columns
    score = row.text(columns.confidence)
    if form.blank_is_no_face and (_is_blank(score) or _says_nothing(row)):
        raise AnnotationError("no_face", f"{form.name} found no face")
    if columns.success is not None and not _tracked(row, columns.success):
        raise AnnotationError("not_tracked", f"{form.name} had lost the face here")
    landmarks = row.numbers(columns.landmarks).reshape(2, 68).T if columns.landmarks else None
    return FaceAnnotation(
        key="",
        face=row.text(columns.face) or "",
        where=where,
        action_units=action_units,
        intensities=_intensities(row, form, maximum),
        maximum=maximum,
        confidence=1.0 if columns.confidence is None else _confidence(row, columns.confidence),
        landmarks=landmarks,
        box=row.numbers(columns.box) if columns.box else None,
        pose=row.numbers(columns.pose) * form.degrees if columns.pose else None,
        subject=row.text(columns.subject),
        pair=row.text(columns.pair),
        anchors=row.numbers(columns.anchors).reshape(2, 3).T if columns.anchors else None,
        frame_size=row.numbers(columns.frame_size) if columns.frame_size else None,
        position=row.numbers(columns.position) if columns.position else None,
        time=time_of(row, form),
        as_stored=form.as_stored,
    )


def _intensities(row: Row, form: Form, maximum: float) -> np.ndarray:
    """float64 (N,)."""
    values = row.numbers(row.columns.intensities)
    names = [row.columns.names[place] for place in row.columns.intensities]
    require_scale(values, names, maximum, UNDER if form.loose else _REGRESSED)
    return values


def require_scale(
    values: np.ndarray, names: Sequence[str], maximum: float, under: float = UNDER
) -> None:
    """Refuses intensities far outside of [0, maximum]; others are clipped, and counted, later.

    Args:
        values: float64 (N,), finite.
        names: what they are called.
        maximum: top of the scale.
        under: how far below 0 they may be, as a share of it.

    Raises:
        AnnotationError: naming the first.
    """
    outside = (values > OVER * maximum) | (values < -under * maximum)
    if outside.any():
        first = int(np.argmax(outside))
        message = f"{names[first]} must be in [0, {maximum:g}], got {values[first]:g}"
        raise AnnotationError("bad_value", message)


def time_of(row: Row, form: Form) -> float | None:
    """In seconds; None where there is no number: no face is refused for it."""
    value = _number(row.text(row.columns.time) or "") * form.seconds
    return value if math.isfinite(value) else None


def _tracked(row: Row, column: int) -> bool:
    """What a column says in numbers (OpenFace) or in Python's words (pyfaceau)."""
    word = (row.text(column) or "").lower()
    return word == "true" or (word != "false" and row.numbers([column])[0] == 1)


def _is_blank(field: str | None) -> bool:
    return field is None or field.lower() in ("nan", "none", "null", "na", "<na>")


def _says_nothing(row: Row) -> bool:
    """Whether no AU has a value: so does a score of 0 look where no face was found."""
    columns = row.columns.intensities  # none where only the face's place is wanted
    return bool(columns) and all(_is_blank(row.text(column)) for column in columns)


def _confidence(row: Row, column: int) -> float:
    (value,) = row.numbers([column])
    if not 0 <= value <= 1:
        name = row.columns.names[column]
        raise AnnotationError("bad_value", f"{name} must be in [0, 1], got {value:g}")
    return float(value)


def header_of(
    path: str, opener: inputs.Opener = inputs.open_local, max_bytes: int | None = None
) -> list[str]:
    """The stripped names of a file's columns; [] where it has none.

    Raises:
        AnnotationError: if the file cannot be read.
    """
    if path.lower().endswith(PARQUET):
        names = parquet_header(path, opener)
    else:
        rows = csv_rows(path, opener, max_bytes)
        names = next((fields for fields in rows if any(map(str.strip, fields))), [])
    return [name.strip() for name in names]


def read_rows(
    path: str,
    form: Form,
    action_units: Sequence[str],
    opener: inputs.Opener = inputs.open_local,
    max_bytes: int | None = None,
) -> Iterator[Row]:
    """The rows of a CSV or Parquet file below its header, empty lines left out.

    Raises:
        AnnotationError: as `csv_rows`, `parquet_rows` and `find_columns` do.
    """
    columns = None
    if path.lower().endswith(PARQUET):
        columns = find_columns(tuple(parquet_header(path, opener)), form, tuple(action_units))
        rows = enumerate(parquet_rows(path, columns.read(), opener), start=2)
    else:
        rows = enumerate(csv_rows(path, opener, max_bytes), start=1)
    for number, fields in rows:
        if not any(field.strip() for field in fields):
            continue  # a file of blanks is found out at its end
        if columns is None:
            columns = find_columns(tuple(fields), form, tuple(action_units))
        else:
            yield Row(number, fields, columns)
