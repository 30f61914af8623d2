"""The face mesh in crops: what the judges of blendshapes and of head pose look at."""

import hashlib

import numpy as np

from ganimation_tf.faces.alignment import ANCHORS, FACE_CENTER, FACE_SIDE, CropSpec
from ganimation_tf.faces.landmarker import FaceLandmarker
from ganimation_tf.faces.mediapipe_points import POINT_COUNT

PRESENT = 0.5
"""Presence from which there is a face under the points."""

_BOX = np.array([-0.75, -0.25, 1.5, 1.7])
"""Left, top, width, height of a face from the brows to the chin, in distances between the eyes from
the point between them."""


class FaceMeshes:
    """Points of faces in crops, where a crop shows its face; a picture seen before is not read
    again."""

    def __init__(self, landmarker: FaceLandmarker):
        self.landmarker = landmarker
        self._seen: dict[bytes, np.ndarray] = {}

    def read(self, images: np.ndarray, crop: CropSpec) -> np.ndarray:
        """The points of each face.

        Args:
            images: uint8 (n, size, size, 3) RGB.

        Returns:
            float32 (n, 478, 3) in pixels of the crop; NaN where there is no face.
        """
        rows = [self._points(image, crop) for image in images]
        return np.stack(rows) if rows else np.zeros((0, POINT_COUNT, 3), np.float32)

    def _points(self, image: np.ndarray, crop: CropSpec) -> np.ndarray:
        key = hashlib.sha256(image.tobytes()).digest()
        if key not in self._seen:
            mesh = self.landmarker.landmarks(image, to_pixels(_BOX, crop))
            present = mesh.presence >= PRESENT
            self._seen[key] = mesh.points if present else np.full_like(mesh.points, np.nan)
        return self._seen[key]


def to_pixels(box: np.ndarray, crop: CropSpec) -> np.ndarray:
    """A box of a face that is cropped as all are, in pixels of the crop.

    Args:
        box: left, top, width, height in distances between the eyes from the point between them,
            as `ANCHORS`.

    Returns:
        float64 (4,).
    """
    side = FACE_SIDE * (1 + 2 * crop.margin)
    unit = (crop.size - 1) / side
    between_eyes = (ANCHORS[:2].mean(0) - FACE_CENTER + side / 2) * unit
    return np.concatenate([between_eyes + box[:2] * unit, box[2:] * unit])
