"""Finding the face in a photo that has no annotation, with MTCNN (arXiv:1604.02878).

The `mtcnn` package carries its weights and runs on TensorFlow; both are loaded when a face is
first looked for.
"""

import functools

import cv2
import numpy as np

from ganimation_tf.errors import UserError, require

LONGEST_SIDE = 1024
"""A larger photo is reduced for the search: time grows with the pixels, precision does not."""

POINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")


@functools.cache
def _detector():
    require("mtcnn", "faces")
    import mtcnn

    return mtcnn.MTCNN()


def find_face(image: np.ndarray) -> np.ndarray:
    """Five points of the largest face, for `faces.anchors_from_five_points`.

    Args:
        image: uint8 (height, width, 3) RGB.

    Returns:
        float64 (5, 2) in pixels: left eye, right eye, nose, left and right mouth corner, where
        left is the picture's left.

    Raises:
        UserError: if there is no face in it.
    """
    height, width = image.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    else:
        small = image
    # mtcnn 1.0.0 finds nothing with a `min_face_size` above its default: its image pyramid then
    # goes below what the first network takes.
    found = _detector().detect_faces(small)
    if not found:
        raise UserError(f"no face was found in the photo of {width} x {height} pixels")
    largest = max(found, key=lambda face: face["box"][2] * face["box"][3])
    points = np.array([largest["keypoints"][name] for name in POINTS], np.float64)
    # Pixel centres: original = (reduced + 0.5) / ratio - 0.5, for each axis by itself.
    ratio = np.array([small.shape[1] / width, small.shape[0] / height])
    return (points + 0.5) / ratio - 0.5
