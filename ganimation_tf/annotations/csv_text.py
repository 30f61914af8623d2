"""The text of CSV files, row by row: encoding, separator, and how large a line may be."""

import csv
import io
import itertools
import re
from collections.abc import Iterator
from typing import BinaryIO

from ganimation_tf import inputs
from ganimation_tf.annotations.face import AnnotationError

MAX_LINE = 1 << 20
"""Characters; a py-feat row of 2,600 columns has 30,000."""

csv.field_size_limit(MAX_LINE)  # a field is part of a line; Python's own limit is an eighth of it

_SEPARATORS = ",;\t"
"""Spreadsheets put the second where a comma stands before decimals; the third is TSV's."""

_FOR_EXCEL = re.compile(r'"?sep=.?"?,*\s*', re.IGNORECASE)
"""A first line that tells Excel the separator; the header tells it here."""

_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+\s*")


def separator_of(header: str) -> str:
    """What separates the fields of a file whose header is this line."""
    return max(_SEPARATORS, key=header.count)


def with_point(number: str) -> str:
    """A number as Python reads it; half of the world writes 0,5."""
    return number.replace(",", ".") if _DECIMAL_COMMA.fullmatch(number) else number


def csv_rows(
    path: str, opener: inputs.Opener = inputs.open_local, max_bytes: int | None = None
) -> Iterator[list[str]]:
    """The rows of a CSV file, its header first.

    Args:
        path: of the file.
        opener: opens it.
        max_bytes: refuses larger files; None: any size.

    Raises:
        AnnotationError: if the filesystem refuses, the file has no text or is no CSV.
    """
    try:
        if max_bytes is not None:
            yield from _parse(io.BytesIO(inputs.read(path, max_bytes, opener)))
            return
        with opener(path) as file:
            yield from _parse(file)
    except inputs.FileError as error:
        raise AnnotationError(error.code, str(error)) from None
    except UnicodeDecodeError as error:
        raise AnnotationError("bad_annotation", not_utf8(error)) from None
    except csv.Error as error:
        raise AnnotationError("bad_annotation", f"is no CSV: {error}") from None


def not_utf8(error: UnicodeDecodeError) -> str:
    """What is wrong with a text of another encoding, and what to do."""
    begin = bytes(error.object[:2])
    if begin in (b"\xff\xfe", b"\xfe\xff"):
        return "is UTF-16 text; save it as UTF-8"
    byte, place = error.object[error.start], error.start
    return (
        f"is not UTF-8 text (byte 0x{byte:02x} at {place}); if a spreadsheet wrote it, save it as "
        "CSV in UTF-8"
    )


def _parse(file: BinaryIO) -> Iterator[list[str]]:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        lines = _lines(text)
        begin = []  # up to the header, whose separator is that of all
        for line in lines:
            begin.append("\n" if _FOR_EXCEL.fullmatch(line) else line)
            if not begin[-1].isspace():
                break
        separator = separator_of(begin[-1] if begin else "")
        rows = itertools.chain(begin, lines)
        yield from csv.reader(rows, strict=True, delimiter=separator)
    finally:
        text.detach()  # the file is for others to close


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    size, blank = 0, True
    while line := text.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            message = f"has a line of {MAX_LINE} characters or more"
            raise AnnotationError("bad_annotation", message)
        if not size and "\0" in line:
            raise AnnotationError("bad_annotation", "holds NUL bytes: UTF-16, or no text at all")
        size += len(line)
        blank = blank and not line.strip()
        yield line
    if blank:
        raise AnnotationError("empty_annotation", f"has no text ({size} bytes)")
