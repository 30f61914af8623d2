"""The annotation of one photo, whoever wrote it, for commands that look at one photo."""

import os
import pathlib
from collections.abc import Iterator
from typing import Any

from ganimation_tf import inputs
from ganimation_tf.annotations import load
from ganimation_tf.annotations.annotator import Request
from ganimation_tf.annotations.clips import Clips
from ganimation_tf.annotations.face import AnnotationError, FaceAnnotation
from ganimation_tf.annotations.fit import require_face, require_same_picture
from ganimation_tf.annotations.forms import LANDMARKS
from ganimation_tf.annotations.names import common_end
from ganimation_tf.annotations.one_file import annotator_of, header_of, images_of, reader_of
from ganimation_tf.annotations.reader import AnnotatedImage, Part, Reader
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.errors import UserError, as_user_error
from ganimation_tf.faces import alignment, images

_SMALL = 8.0  # of the photo's pixels none is looked at


def face_in(annotation: pathlib.Path, photo: pathlib.Path) -> FaceAnnotation:
    """The face of a photo of which the annotator is most confident; of equals the larger.

    It has the AUs that the file has, none if there are only landmarks.

    Args:
        annotation: a file of any annotator: of this photo, or a table that names it.
        photo: which the annotation is about.

    Raises:
        UserError: if the file cannot be read, is about a video, has no usable face of the photo, or
            looked at other pixels than those of the upright photo, or several images that it names
            could be the photo.
    """
    reader = _reader(annotation)
    try:
        said = list(_images_of(reader, annotation, photo))
    except AnnotationError as error:
        raise UserError(f"{annotation.parent / str(error)}") from None
    frames = sum(image.frame >= 0 for image in said)
    if isinstance(reader, Clips) and frames > 1:
        raise UserError(f"{annotation}: is the annotation of a video of {frames} frames")
    rows = [row for image in said for row in image.faces]
    faces = [row for row in rows if isinstance(row, FaceAnnotation)]
    if faces:
        face = max(faces, key=lambda face: (face.confidence, face.area()))
        _require_same_picture(face, photo)
        return face
    refused = [row.message for row in rows if isinstance(row, Rejection)]
    if refused:
        raise UserError(f"{annotation.parent / refused[0]}")
    raise UserError(f"{annotation}: says nothing about {photo.name}")


def _images_of(
    reader: Reader, annotation: pathlib.Path, photo: pathlib.Path
) -> Iterator[AnnotatedImage]:
    """What a file says; of a table of many images what has the longest end in common with the path.

    Raises:
        UserError: if several names have.
    """
    if not reader.opens_index:
        yield from images_of(reader, annotation)
        return
    # As the user sees it, and as it is where directories are links.
    paths = {os.path.abspath(photo), str(photo.parent.resolve() / photo.name)}
    longest, nearest = 1, dict[str, list[Any]]()
    for part in reader.index(str(annotation), annotation.name):
        if isinstance(part, Rejection):
            yield AnnotatedImage(-1, part.key, [part])
        elif isinstance(part, Part):
            common = max(common_end(part.key, inputs.key_of(path)) for path in paths)
            if common > longest:
                longest, nearest = common, {}
            if common == longest:  # rows of one image need not be neighbours
                nearest.setdefault(part.key, []).extend(part.reference)
    if len(nearest) > 1:
        raise UserError(f"{annotation}: {photo} could be {' or '.join([*nearest][:3])}")
    for key, reference in nearest.items():
        yield from reader.images(key, annotation.name, reference)


def _require_same_picture(face: FaceAnnotation, photo: pathlib.Path) -> None:
    """Refuses what was measured on other pixels than those of the upright photo.

    A photo that cannot be read is for those to report who need its pixels.
    """
    try:
        decoded = images.decode_reduced(photo.read_bytes(), _SMALL)
    except (OSError, images.ImageError):
        return
    roll = 0.0
    with as_user_error(str(face.where), ValueError):  # GeometryError, or points that make no crop
        if face.landmarks is not None:
            anchors = alignment.anchors_from_landmarks(face.landmarks)
            require_face(face.landmarks, anchors)
            roll = alignment.roll_of(alignment.crop_transform(anchors, alignment.CropSpec()))
        require_same_picture(face, decoded, roll)


def _reader(annotation: pathlib.Path) -> Reader:
    """The reader of the file; where a face lies can be told without any AU."""
    header = header_of(annotation)
    annotator = annotator_of(annotation, header)
    if annotator is not None:
        return reader_of(annotation, annotator, header)
    if {*LANDMARKS} <= {*header}:
        openface = load("openface-video" if "frame" in header else "openface")
        return openface.reader(Request((), openface.form.maximum, videos="frame" in header))
    names = ", ".join(header[:6]) or "none"
    raise UserError(f"{annotation}: has no columns of a known source; it has {names:.200}")
