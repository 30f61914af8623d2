"""Judges that are programs: pictures are written to a folder, and annotations of them are read.

A picture is named by its pixels, so that the same picture has the same name in both passes,
whatever it is an input of, an edit or a step of a sweep.
"""

import hashlib
import pathlib
from collections.abc import Collection, Iterator, Sequence

import cv2
import numpy as np

from ganimation_tf import inputs
from ganimation_tf.annotations.face import AnnotationError, FaceAnnotation
from ganimation_tf.annotations.reader import Part, Reader
from ganimation_tf.annotations.recognition import Annotations, make_reader
from ganimation_tf.errors import UserError, as_user_error
from ganimation_tf.faces import images as images_lib
from ganimation_tf.faces.alignment import CropSpec
from ganimation_tf.files import write_whole

SIDE = 256
"""Smaller crops are written enlarged: annotators look for faces of a hundred pixels and more."""

SUFFIXES = (".csv", ".parquet", ".txt")


def name_of(image: np.ndarray) -> str:
    """What a picture is called: a digest of its pixels."""
    return hashlib.sha256(image.tobytes()).hexdigest()[:24]


class PictureWriter:
    """A `Judge` that reads nothing and writes every picture that it is asked about.

    Attributes:
        directory: where to.
        written: names of the pictures so far.
    """

    name, provenance, on_scale = "written", "a folder of pictures", True

    def __init__(self, directory: pathlib.Path, action_units: Sequence[str]):
        self.directory = directory
        self.action_units = tuple(action_units)
        self.written: set[str] = set()

    def read(self, images: np.ndarray, crop: CropSpec) -> np.ndarray:
        """Writes the pictures; NaN for each."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for image in images:
            name = name_of(image)
            if name not in self.written:
                self.written.add(name)
                png = images_lib.encode_png(_enlarged(image))
                write_whole(self.directory / f"{name}.png", png)
        return np.full((len(images), len(self.action_units)), np.nan)

    def trained_on(self, dataset: str) -> Collection[str]:
        """Nobody."""
        return ()


class FilesJudge:
    """A `Judge` by annotations of the pictures that a `PictureWriter` wrote."""

    name, on_scale = "files", True

    def __init__(self, directory: pathlib.Path):
        """Reads the annotations of a folder, by whichever annotator.

        Raises:
            UserError: if there are none, or they cannot be read.
        """
        files = [
            (str(path), path.relative_to(directory).as_posix())
            for path in sorted(directory.rglob("*"))
            if path.suffix.lower() in SUFFIXES and not path.name.endswith("_of_details.txt")
        ]
        # Tables name pictures as they were called, wherever they lay: only the last part counts.
        reader = make_reader(Annotations(files, str(directory)), images_root=str(directory))
        self.action_units: Sequence[str] = tuple(reader.action_units)
        self.provenance = f"annotations of {reader.name} in {directory.name}"
        self._known = {
            pathlib.PurePosixPath(face.key).name: face.intensities / reader.maximum
            for path, file in files
            for face in _faces(reader, path, file)
        }
        if not self._known:
            raise UserError(f"{directory}: no annotation has a face")

    def read(self, images: np.ndarray, crop: CropSpec) -> np.ndarray:
        """See `Judge.read`: NaN for a picture in which the annotator found no face."""
        unknown = np.full(len(self.action_units), np.nan)
        rows = [self._known.get(name_of(image), unknown) for image in images]
        return np.clip(np.stack(rows), 0, 1) if rows else np.zeros((0, len(unknown)))

    def trained_on(self, dataset: str) -> Collection[str]:
        """Nobody, as far as is known."""
        return ()


def _faces(reader: Reader, path: str, file: str) -> Iterator[FaceAnnotation]:
    """The face of each picture of which the annotator is most confident.

    Raises:
        UserError: if the file cannot be read.
    """
    with as_user_error(str(path), AnnotationError, inputs.FileError):
        for part in reader.index(path, file):
            if isinstance(part, Part):
                for picture in reader.images(part.key, file, part.reference):
                    faces = [face for face in picture.faces if isinstance(face, FaceAnnotation)]
                    if faces:
                        yield max(faces, key=lambda face: (face.confidence, face.area()))


def _enlarged(image: np.ndarray) -> np.ndarray:
    if len(image) >= SIDE:
        return image
    return cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
