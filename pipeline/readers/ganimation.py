"""The layout of the published GANimation (https://github.com/albertpumarola/GANimation).

    imgs/              NAME.jpg, faces already cropped
    aus_openface.pkl   a pickled dict: NAME -> array of OpenFace's 17 intensities, in [0, 5]
    train_ids.csv      NAME.jpg, one a line; test_ids.csv likewise

An image goes to the split whose list names it (data/dataset_aus.py there).
"""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ganimation_tf.action_units import OPENFACE, OPENFACE_MAXIMUM
from ganimation_tf.data import manifest
from ganimation_tf.faces import images
from pipeline import files
from pipeline.annotations import AnnotationError, FaceAnnotation, Rejection
from pipeline.readers.arrays import load_arrays
from pipeline.readers.base import Parsed, Reader, settle
from pipeline.readers.forms import Form
from pipeline.readers.table import Packed, pack, unpack

FORM = Form(name="ganimation", action_unit="{name}", maximum=OPENFACE_MAXIMUM)

LISTS = {manifest.TRAIN: "train_ids.csv", manifest.EVAL: "test_ids.csv"}

MAX_BYTES = 128 << 20
"""700,000 images; the dict is in memory as a whole, in ten times the space."""


def read_lists(path: str) -> dict[str, str | None]:
    """The split of each image that the lists beside a file name; None where both name it.

    Args:
        path: of the pickle.

    Raises:
        AnnotationError: if the lists cannot be read.
    """
    splits: dict[str, str | None] = {}
    directory = path[: len(path) - len(os.path.basename(path))]
    for split, name in LISTS.items():
        try:
            text = files.read(directory + name, MAX_BYTES).decode("utf-8-sig")
        except files.FileError as error:
            raise AnnotationError(error.code, f"{name}: {error}") from None
        except UnicodeDecodeError as error:
            raise AnnotationError("bad_annotation", f"{name}: is not UTF-8 text: {error}") from None
        for line in filter(None, map(str.strip, text.splitlines())):
            stem, suffix = os.path.splitext(line)
            key = stem if suffix.lower() in images.SUFFIXES else line
            splits[key] = split if splits.get(key, split) == split else None
    return splits


@dataclasses.dataclass(frozen=True)
class GANimationReader(Reader):
    """The pickle with its two lists."""

    form: Form = FORM
    action_units: Sequence[str] = OPENFACE
    maximum: float = OPENFACE_MAXIMUM
    suffixes: Sequence[str] = (".pkl",)
    reads_index: bool = True
    assigns: bool = True
    beside: Sequence[str] = tuple(LISTS.values())

    def index(self, path: str, file: str) -> Iterator[tuple[str, list[Packed]] | Rejection]:
        """The images that the pickle names, each with its split."""
        try:
            splits = read_lists(path)
            try:
                arrays = load_arrays(files.read(path, MAX_BYTES))
            except files.FileError as error:
                raise AnnotationError(error.code, str(error)) from None
        except AnnotationError as error:
            yield Rejection(files.key_of(file), error.code, f"{file}: {error}", file)
            return
        for number, (key, array) in enumerate(arrays.items(), start=1):
            split = splits.get(key)
            if isinstance(array, AnnotationError):
                found = array
            elif split is None:
                lists = "both" if key in splits else "neither"
                message = f"{lists} of {' and '.join(LISTS.values())} names {key!r}"
                found = AnnotationError("no_split", message)
            else:
                found = self._face(array, f"{file}:{number}")
            yield key, pack([Parsed(number, None, found)], split)

    def _face(self, array: np.ndarray, where: str) -> FaceAnnotation | AnnotationError:
        if array.shape != (len(OPENFACE),):
            message = f"must have shape ({len(OPENFACE)},), got {array.shape}"
            return AnnotationError("bad_value", message)
        intensities = array.astype(np.float64)
        if not np.isfinite(intensities).all():
            name = OPENFACE[int(np.argmin(np.isfinite(intensities)))]
            return AnnotationError("bad_value", f"{name} must be a finite number")
        chosen = intensities[[OPENFACE.index(name) for name in self.action_units]]
        return FaceAnnotation("", "", where, self.action_units, chosen, self.maximum, 1.0)

    def assignment(self, reference: Any) -> tuple[str | None, str | None]:
        """The split by the lists."""
        return Packed(*reference[0]).split, None

    def faces(self, key: str, file: str, reference: Any) -> list[FaceAnnotation | Rejection]:
        """The one face of the image."""
        return settle(key, file, unpack(reference))
