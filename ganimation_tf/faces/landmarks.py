"""The 68 landmarks of one face out of OpenFace's CSV for one photo."""

import csv
import math
import pathlib

import numpy as np

from ganimation_tf.errors import UserError

COLUMNS = tuple(f"{axis}_{point}" for axis in "xy" for point in range(68))
"""By name and never by position: OpenFace's columns depend on its options."""


def read_landmarks(path: pathlib.Path) -> np.ndarray:
    """The landmarks of the face of which OpenFace is most confident.

    Args:
        path: what `FaceLandmarkImg` wrote for the photo, one row for each face.

    Returns:
        float64 (68, 2), pixels of the photo.

    Raises:
        UserError: if the file cannot be read as such, naming the row and the column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header, *rows = list(csv.reader(file)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as CSV: {error}") from error
    names = [name.strip() for name in header]  # OpenFace writes ", " between its columns
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        found = len(COLUMNS) - len(missing)
        raise UserError(f"{path}: {missing[0]} is missing; found {found} of 136 landmark columns")
    if "frame" in names:
        raise UserError(f"{path}: is the annotation of a video (column frame), not of one photo")
    faces = [
        (number, dict(zip(names, row, strict=False)))
        for number, row in enumerate(rows, start=2)
        if any(cell.strip() for cell in row)
    ]
    if not faces:
        raise UserError(f"{path}: has a header and no face")
    if len(faces) > 1:
        faces.sort(key=lambda face: -_number(path, face[0], face[1], "confidence"))
    row_number, best = faces[0]
    values = [_number(path, row_number, best, column) for column in COLUMNS]
    return np.array(values).reshape(2, 68).T


def _number(path: pathlib.Path, row_number: int, row: dict[str, str], column: str) -> float:
    text = row.get(column, "")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{path} row {row_number}: {column} must be a number, got {text.strip()!r}")
    return value
