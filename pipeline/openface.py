"""Reader of OpenFace 2's per-image CSV files, as `FaceLandmarkImg` writes them.

One file per image, one row per face, columns `face, confidence, ..., x_0 ... y_67, ...,
AU01_r ... AU45_r`. Columns are found by name: OpenFace's set and order depend on its flags, and
some versions put a blank before each name.
"""

import csv
import dataclasses
import functools
import io
import math
from collections.abc import Iterator, Sequence

import numpy as np

from ganimation_tf.action_units import OPENFACE, OPENFACE_MAXIMUM
from pipeline import files
from pipeline.annotations import AnnotationError, FaceAnnotation, Rejection

LANDMARKS = 68
MAX_BYTES = 16 << 20
"""One image's annotation is about 4 kB per face."""


@dataclasses.dataclass(frozen=True)
class Columns:
    """Where a header has what is read.

    Attributes:
        count: number of columns.
        face: column of the face's id; None if there is none.
        confidence: column of the confidence.
        intensities: columns of the AUs, in the order of `action_units.OPENFACE`.
        landmarks: columns of x_0 ... x_67, y_0 ... y_67; empty if the file has no landmarks.
        names: the stripped header, for messages.
    """

    count: int
    face: int | None
    confidence: int
    intensities: Sequence[int]
    landmarks: Sequence[int]
    names: Sequence[str]


@functools.lru_cache(maxsize=64)  # the files of one run share their header
def columns(header: tuple[str, ...]) -> Columns:
    """Finds the columns of a header row by name.

    Raises:
        AnnotationError: if a needed column is missing or there twice, or the file is a video's.
    """
    names = [name.strip() for name in header]
    wanted_aus = [f"{name}_r" for name in OPENFACE]
    wanted_landmarks = [f"{axis}_{i}" for axis in "xy" for i in range(LANDMARKS)]
    if "frame" in names:
        raise AnnotationError("not_per_image", "has a column `frame`: it describes a video")
    for name in ["face", "confidence", *wanted_aus, *wanted_landmarks]:
        if names.count(name) > 1:
            raise AnnotationError("duplicate_column", f"{name} is there {names.count(name)} times")
    where = {name: column for column, name in enumerate(names)}
    missing = [name for name in wanted_aus if name not in where]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        found = len(wanted_aus) - len(missing)
        raise AnnotationError(
            "missing_column",
            f"{' '.join(missing)} {verb} missing; found {found} of {len(wanted_aus)} AU columns",
        )
    if "confidence" not in where:
        raise AnnotationError("missing_column", "confidence is missing")
    found = [where[name] for name in wanted_landmarks if name in where]
    if found and len(found) < len(wanted_landmarks):
        first = next(name for name in wanted_landmarks if name not in where)
        raise AnnotationError(
            "missing_column",
            f"{first} is missing; found {len(found)} of {len(wanted_landmarks)} landmark columns",
        )
    return Columns(
        count=len(names),
        face=where.get("face"),
        confidence=where["confidence"],
        intensities=[where[name] for name in wanted_aus],
        landmarks=found,
        names=names,
    )


@dataclasses.dataclass(frozen=True)
class OpenFaceReader:
    """OpenFace's per-image form; see `annotations.AnnotationReader`."""

    name: str = "openface"
    suffixes: Sequence[str] = (".csv",)
    action_units: Sequence[str] = OPENFACE
    maximum: float = OPENFACE_MAXIMUM

    def index(self, path: str, file: str) -> Iterator[tuple[str, str]]:
        """The one image of the file: the image of the same name."""
        yield files.key_of(file), path

    def faces(self, key: str, file: str, reference: str) -> list[FaceAnnotation | Rejection]:
        """The faces of the file at path `reference`."""
        try:
            rows = _rows(files.read(reference, MAX_BYTES))
            header = columns(tuple(rows[0]))
        except AnnotationError as error:
            raise AnnotationError(error.code, f"{file}: {error}") from None
        except files.FileError as error:
            raise AnnotationError(error.code, f"{file}: {error}") from None
        found: list[FaceAnnotation | Rejection] = []
        seen: set[str] = set()
        for number, row in enumerate(rows[1:], start=2):
            if not any(field.strip() for field in row):
                continue
            face = row[header.face].strip() if header.face in range(len(row)) else str(number - 2)
            try:
                if face in seen:
                    raise AnnotationError("duplicate_face", f"face {face} has an earlier row")
                found.append(self._face(key, face, f"{file}:{number}", row, header))
            except AnnotationError as error:
                message = f"{file}:{number}: {error}"
                found.append(Rejection(f"{key}#{face}", error.code, message, file))
            seen.add(face)
        if not found:
            raise AnnotationError("no_face", f"{file}: has a header and no face row")
        return found

    def _face(
        self, key: str, face: str, where: str, row: Sequence[str], header: Columns
    ) -> FaceAnnotation:
        extra = [field for field in row[header.count :] if field.strip()]
        if len(row) < header.count or extra:
            raise AnnotationError(
                "bad_row", f"the row has {len(row)} fields, the header {header.count}"
            )
        landmarks = None
        if header.landmarks:
            landmarks = _numbers(row, header.landmarks, header).reshape(2, LANDMARKS).T
        return FaceAnnotation(
            key=key,
            face=face,
            where=where,
            action_units=self.action_units,
            intensities=_numbers(row, header.intensities, header),
            maximum=self.maximum,
            confidence=float(_numbers(row, [header.confidence], header)[0]),
            landmarks=landmarks,
        )


def _rows(data: bytes) -> list[list[str]]:
    """The rows of a CSV file; the first is its header."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AnnotationError("bad_annotation", f"is not UTF-8 text: {error}") from None
    if not text.strip():
        raise AnnotationError("empty_annotation", f"has no text ({len(data)} bytes)")
    try:
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise AnnotationError("bad_annotation", f"is no CSV: {error}") from None


def _numbers(row: Sequence[str], wanted: Sequence[int], header: Columns) -> np.ndarray:
    """float64 (len(wanted),): the finite numbers in these columns of the row."""
    values = []
    for column in wanted:
        try:
            value = float(row[column])
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise AnnotationError(
                "bad_value",
                f"{header.names[column]} must be a finite number, got {row[column].strip()!r:.40}",
            )
        values.append(value)
    return np.array(values)
