"""The crops of one photo's faces: what is known without pixels first, then one decoding."""

from collections.abc import Iterator, Sequence

import numpy as np

from ganimation_tf.annotations.face import FaceAnnotation
from ganimation_tf.annotations.fit import GeometryError
from ganimation_tf.annotations.geometry import Geometry
from ganimation_tf.faces import images
from ganimation_tf.faces.decoded import Decoded, Photo
from ganimation_tf.faces.images import ImageError
from ganimation_tf.inputs import FileError
from pipeline import files

Crop = tuple[np.ndarray, np.ndarray]
"""uint8 (size, size, 3), and float64 (2, 3): crop pixel -> source pixel."""


def read_photo(path: str, max_pixels: int, scale: float) -> Decoded:
    """The photo in a file; with path and `max_pixels` bound, a `Photo`."""
    return images.decode_reduced(files.read(path, images.MAX_BYTES), scale, max_pixels)


def crop_faces(
    photo: Photo, chosen: Sequence[FaceAnnotation], alone: bool, geometry: Geometry
) -> Iterator[tuple[FaceAnnotation, Crop | GeometryError | FileError | ImageError]]:
    """Each face with its crop, or with what is wrong with the face or with its photo.

    Args:
        photo: called once, if any face needs it.
        chosen: its faces that are to become records.
        alone: whether the annotation has one face only.
        geometry: how they are cropped.
    """
    placed: list[tuple[FaceAnnotation, tuple[np.ndarray, np.ndarray] | None]] = []
    scale = 8.0
    for face in chosen:
        try:
            anchors = geometry.anchors(face)
            if anchors is None:
                placed.append((face, None))
                scale = 1.0  # a detector sees the whole photo
                continue
            transform = geometry.transform(anchors)
            placed.append((face, (anchors, transform)))
            scale = min(scale, geometry.useful_scale(transform))
        except GeometryError as error:
            yield face, error
    if not placed:
        return
    try:
        decoded = photo(scale)
    except (FileError, ImageError) as error:
        yield from ((face, error) for face, _ in placed)
        return
    for face, place in placed:
        try:
            if place is None:
                anchors = geometry.detected(face, decoded.pixels, alone)
                place = anchors, geometry.transform(anchors)
            yield face, (geometry.cut(face, decoded, *place), place[1])
        except GeometryError as error:
            yield face, error
