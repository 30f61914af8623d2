"""Finding the face in a photo that has no annotation, with MTCNN (arXiv:1604.02878).

The `mtcnn` package carries its weights and runs on TensorFlow; both are loaded when a face is
first looked for.
"""

import dataclasses
import functools

import cv2
import numpy as np

from ganimation_tf import quiet
from ganimation_tf.errors import UserError, require

LONGEST_SIDE = 1024
"""A larger photo is reduced for the search: time grows with the pixels, precision does not."""

POINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")


@functools.cache
def _detector():
    require("mtcnn", "faces")
    quiet.import_tensorflow()
    import mtcnn

    return mtcnn.MTCNN()


@dataclasses.dataclass(frozen=True)
class DetectedFace:
    """A face in a photo, in the photo's pixels.

    Attributes:
        box: float64 (4,) left, top, width, height; from the hairline to the chin.
        points: float64 (5, 2): left eye, right eye, nose, left and right mouth corner, where left
            is the picture's left.
        confidence: in [0, 1].
    """

    box: np.ndarray
    points: np.ndarray
    confidence: float


def load() -> None:
    """Loads the networks now and not with the first photo.

    Raises:
        UserError: if `mtcnn` is not installed.
    """
    _detector()


def find_faces(image: np.ndarray) -> list[DetectedFace]:
    """The faces in a photo, the surest first.

    Args:
        image: uint8 (height, width, 3) RGB.
    """
    height, width = image.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    else:
        small = image
    # Pixel centres: original = (reduced + 0.5) / ratio - 0.5, for each axis by itself.
    ratio = np.array([small.shape[1] / width, small.shape[0] / height])
    faces = []
    # mtcnn 1.0.0 finds nothing with a `min_face_size` above its default: its image pyramid then
    # goes below what the first network takes.
    for face in _detector().detect_faces(small):
        points = np.array([face["keypoints"][name] for name in POINTS], np.float64)
        box = np.array(face["box"], np.float64)
        corner = (box[:2] + 0.5) / ratio - 0.5
        faces.append(
            DetectedFace(
                box=np.concatenate([corner, box[2:] / ratio]),
                points=(points + 0.5) / ratio - 0.5,
                confidence=float(face["confidence"]),
            )
        )
    return sorted(faces, key=lambda face: -face.confidence)


def find_face(image: np.ndarray) -> np.ndarray:
    """Five points of the largest face, for `faces.anchors_from_five_points`.

    Args:
        image: uint8 (height, width, 3) RGB.

    Returns:
        float64 (5, 2) in pixels, as `DetectedFace.points`.

    Raises:
        UserError: if there is no face in it.
    """
    faces = find_faces(image)
    if not faces:
        height, width = image.shape[:2]
        raise UserError(f"no face was found in the photo of {width} x {height} pixels")
    return max(faces, key=lambda face: face.box[2] * face.box[3]).points


def overlap(box: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes, (4,) left, top, width, height; in [0, 1]."""
    low = np.maximum(box[:2], other[:2])
    high = np.minimum(box[:2] + box[2:], other[:2] + other[2:])
    shared = np.prod(np.clip(high - low, 0, None))
    return float(shared / max(np.prod(box[2:]) + np.prod(other[2:]) - shared, 1e-12))
