"""The layout of the published GANimation (https://github.com/albertpumarola/GANimation).

    imgs/              NAME.jpg, faces already cropped
    aus_openface.pkl   a pickled dict: NAME -> array of OpenFace's 17 intensities, in [0, 5]
    train_ids.csv      NAME.jpg, one a line; test_ids.csv likewise

An image goes to the split whose list names it (data/dataset_aus.py there).
"""

import dataclasses
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from ganimation_tf import inputs
from ganimation_tf.action_units import OPENFACE, OPENFACE_MAXIMUM
from ganimation_tf.annotations.annotator import Annotator, Request
from ganimation_tf.annotations.arrays import load_arrays
from ganimation_tf.annotations.csv_text import not_utf8
from ganimation_tf.annotations.face import AnnotationError, FaceAnnotation
from ganimation_tf.annotations.forms import Form
from ganimation_tf.annotations.reader import (
    AnnotatedImage,
    LookedAt,
    Parsed,
    Part,
    Reader,
    settle,
)
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.annotations.rows import require_scale
from ganimation_tf.annotations.table import pack, unpack
from ganimation_tf.faces import images

FORM = Form(name="ganimation", action_unit="{name}", maximum=OPENFACE_MAXIMUM)

LISTS = {"train": "train_ids.csv", "eval": "test_ids.csv"}
"""The list of each split, by the split's name in a dataset."""

SUFFIXES = (".pkl",)

MAX_BYTES = 128 << 20
"""700,000 images; the dict is in memory as a whole, in ten times the space."""


def read_lists(path: str, opener: inputs.Opener = inputs.open_local) -> dict[str, str | None]:
    """The split of each image that the lists beside a file name; None where both name it.

    Args:
        path: of the pickle.
        opener: opens them.

    Raises:
        AnnotationError: if the lists cannot be read.
    """
    splits: dict[str, str | None] = {}
    directory = path[: len(path) - len(os.path.basename(path))]
    for split, name in LISTS.items():
        try:
            text = inputs.read(directory + name, MAX_BYTES, opener).decode("utf-8-sig")
        except inputs.FileError as error:
            raise AnnotationError(error.code, f"{name}: {error}") from None
        except UnicodeDecodeError as error:
            raise AnnotationError("bad_annotation", f"{name}: {not_utf8(error)}") from None
        for line in filter(None, map(str.strip, text.splitlines())):
            key = _key_of(line)
            splits[key] = split if splits.get(key, split) == split else None
    return splits


def _key_of(name: str) -> str:
    """Of an image that is named with or without suffix."""
    stem, suffix = os.path.splitext(name)
    return unicodedata.normalize("NFC", stem if suffix.lower() in images.SUFFIXES else name)


@dataclasses.dataclass(frozen=True)
class GANimationReader(Reader):
    """The pickle with its two lists."""

    form: Form = FORM
    action_units: Sequence[str] = OPENFACE
    maximum: float = OPENFACE_MAXIMUM
    suffixes: Sequence[str] = SUFFIXES
    opens_index: bool = True
    assigns: bool = True
    beside: Sequence[str] = tuple(LISTS.values())

    def index(self, path: str, file: str) -> Iterator[Part | LookedAt | Rejection]:
        """The images that the pickle names, each with its split."""
        try:
            splits = read_lists(path, self.open)
            try:
                arrays = load_arrays(inputs.read(path, MAX_BYTES, self.open))
            except inputs.FileError as error:
                raise AnnotationError(error.code, str(error)) from None
        except AnnotationError as error:
            yield Rejection(inputs.key_of(file), error.code, f"{file}: {error}", file)
            return
        for number, (name, array) in enumerate(arrays.items(), start=1):
            key = _key_of(name)
            split = splits.get(key)
            face: FaceAnnotation | AnnotationError
            if isinstance(array, AnnotationError):
                face = array
            elif split is None:
                lists = "both" if key in splits else "neither"
                message = f"{lists} of {' and '.join(LISTS.values())} names {key!r}"
                if key not in splits and splits:
                    message += f"; they name {next(iter(splits))!r}"
                face = AnnotationError("no_split", message)
            else:
                face = self._face(array, f"{file}:{number}")
            yield pack(key, [Parsed(number, None, face)], split)

    def _face(self, array: np.ndarray, where: str) -> FaceAnnotation | AnnotationError:
        if array.shape != (len(OPENFACE),):
            message = f"must have shape ({len(OPENFACE)},), got {array.shape}"
            return AnnotationError("bad_value", message)
        intensities = array.astype(np.float64)
        if not np.isfinite(intensities).all():
            name = OPENFACE[int(np.argmin(np.isfinite(intensities)))]
            return AnnotationError("bad_value", f"{name} must be a finite number")
        try:
            require_scale(intensities, OPENFACE, self.maximum)
        except AnnotationError as error:
            return error
        chosen = intensities[[OPENFACE.index(name) for name in self.action_units]]
        return FaceAnnotation("", "", where, self.action_units, chosen, self.maximum, 1.0)

    def split_counts(self, path: str) -> Mapping[str, int] | None:
        """How many images the lists put into each split."""
        return Counter(filter(None, read_lists(path, self.open).values()))

    def images(self, key: str, file: str, reference: Iterable[tuple]) -> Iterator[AnnotatedImage]:
        """The one face of the image."""
        yield AnnotatedImage(0, key, settle(key, file, unpack(reference)))


def _reader(request: Request) -> GANimationReader:
    return GANimationReader(
        action_units=request.action_units, maximum=request.maximum, open=request.open
    )


ANNOTATOR = Annotator(FORM, lambda header: True, _reader, action_units=OPENFACE, suffixes=SUFFIXES)
