"""The annotation of one photo, whoever wrote it, for commands that look at one photo."""

import dataclasses
import pathlib

from ganimation_tf import inputs
from ganimation_tf.annotations import load
from ganimation_tf.annotations.annotator import Request
from ganimation_tf.annotations.face import AnnotationError, FaceAnnotation
from ganimation_tf.annotations.fit import require_face, require_same_picture
from ganimation_tf.annotations.forms import LANDMARKS
from ganimation_tf.annotations.reader import Part, Reader
from ganimation_tf.annotations.recognition import Annotations, make_reader, recognise
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.errors import UserError
from ganimation_tf.faces import alignment, images

_SMALL = 8.0  # of the photo's pixels none is looked at


def face_in(annotation: pathlib.Path, photo: pathlib.Path) -> FaceAnnotation:
    """The face of a photo of which the annotator is most confident; of equals the larger.

    Its AUs are not read.

    Args:
        annotation: a file of any annotator: of this photo, or a table that names it.
        photo: which the annotation is about.

    Raises:
        UserError: if the file cannot be read, is about a video, has no usable face of the photo, or
            looked at other pixels than those of the upright photo.
    """
    where = str(annotation)
    if not annotation.is_file():
        raise UserError(f"{where}: there is no such file")
    reader = _reader(annotation, str(photo.resolve().parent))
    try:
        rows = _rows(reader, annotation, photo)
    except AnnotationError as error:
        raise UserError(f"{annotation.parent / str(error)}") from None
    faces = [row for row in rows if isinstance(row, FaceAnnotation)]
    if faces:
        face = max(faces, key=lambda face: (face.confidence, face.area()))
        _require_same_picture(face, photo)
        return face
    refused = [row.message for row in rows if isinstance(row, Rejection)]
    if refused:
        raise UserError(f"{annotation.parent / refused[0]}")
    raise UserError(f"{where}: says nothing about {photo.name}")


def _require_same_picture(face: FaceAnnotation, photo: pathlib.Path) -> None:
    """Refuses what was measured on other pixels than those of the upright photo.

    A photo that cannot be read is for those to report who need its pixels.
    """
    try:
        decoded = images.decode_reduced(photo.read_bytes(), _SMALL)
    except (OSError, images.ImageError):
        return
    roll = 0.0
    try:
        if face.landmarks is not None:
            anchors = alignment.anchors_from_landmarks(face.landmarks)
            require_face(face.landmarks, anchors)
            roll = alignment.roll_of(alignment.crop_transform(anchors, alignment.CropSpec()))
        require_same_picture(face, decoded, roll)
    except ValueError as error:  # GeometryError, or points that make no crop
        raise UserError(f"{face.where}: {error}") from None


def _reader(annotation: pathlib.Path, images_root: str) -> Reader:
    """The reader of the file; where a face lies can be told without any AU."""
    given = Annotations([(str(annotation), annotation.name)], str(annotation))
    header = given.header(str(annotation))
    if not recognise(annotation.name, header) and {*LANDMARKS} <= {*header}:
        openface = load("openface-video" if "frame" in header else "openface")
        return openface.reader(Request((), openface.form.maximum))
    return dataclasses.replace(make_reader(given, images_root), action_units=())


def _rows(
    reader: Reader, annotation: pathlib.Path, photo: pathlib.Path
) -> list[FaceAnnotation | Rejection]:
    """What the file says about the photo.

    Raises:
        AnnotationError: if no row can be used.
        UserError: if the file is about videos.
    """
    if reader.name.endswith("-video"):
        raise UserError(f"{annotation}: is the annotation of a video, not of one photo")
    key = inputs.key_of(photo.name)
    references, refused = [], []
    for part in reader.index(str(annotation), annotation.name):
        if isinstance(part, Rejection):
            refused.append(part)
        elif isinstance(part, Part) and (not reader.opens_index or part.key == key):
            references.append(part.reference)
    if not references:
        return list(refused)
    if reader.opens_index:  # a table: its parts are lists
        reference = [item for one in references for item in one]
    else:
        (reference,) = references
    (image,) = reader.images(key, annotation.name, reference)
    return list(image.faces)
