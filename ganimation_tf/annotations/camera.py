"""The size of the picture that OpenFace looked at, as its landmarks and head position tell it.

OpenFace writes no size. Where nobody calibrates it, it takes the camera to look at the picture's
middle, with a focal length that only the size determines (`SetCameraIntrinsics` in its
lib/local/Utilities), and says where the head is in that camera: so the head's position is seen at
the middle of the landmarks in a picture of that size alone. On 1645 faces of real annotation runs
both lie within 0.025 of the face's extent; with 20 % more pixels a side 99 % are more than 0.08
apart, whatever the focal length.
"""

import numpy as np

_FOCAL = np.array([500 / 640, 500 / 480]) / 2
"""Focal length in pixels for each pixel of width and of height."""

_CALIBRATED = (0.5, 3.0)
"""Focal lengths that a user may have given in place of that one, as factors of it."""

_OF_FACE = 0.08
_OF_PICTURE = 0.04
"""How far both places may be apart, as shares of the face's extent and of the picture's longer
side: a calibrated camera does not look exactly at the middle."""


def frame_size(landmarks: np.ndarray, position: np.ndarray) -> tuple[float, float] | None:
    """Width and height in pixels of the picture, of an uncalibrated camera; some 3 % off.

    Args:
        landmarks: float64 (68, 2) in pixels.
        position: float64 (3,) of the head, x to the right, y down, z away from the camera; in any
            unit.

    Returns:
        None if no size would do.
    """
    ratios = position[:2] / position[2]
    # middle = size / 2 + (focal @ size) ratios
    matrix = np.eye(2) / 2 + np.outer(ratios, _FOCAL)
    if abs(np.linalg.det(matrix)) < 1e-3:
        return None
    width, height = np.linalg.solve(matrix, landmarks.mean(axis=0))
    return (float(width), float(height)) if width > 0 and height > 0 else None


def fits(landmarks: np.ndarray, position: np.ndarray, size: tuple[int, int]) -> bool:
    """Whether landmarks and head position can be of a picture of this size.

    Args:
        landmarks: float64 (68, 2) in pixels.
        position: float64 (3,) as for `frame_size`; one that is not before the camera fits anything.
        size: width and height in pixels.
    """
    if not position[2] > 0:
        return True
    ratios = position[:2] / position[2]
    middle = landmarks.mean(axis=0) - np.array(size) / 2
    lowest, highest = np.array(_CALIBRATED) * (_FOCAL @ size)
    square = ratios @ ratios
    focal = np.clip(middle @ ratios / square if square > 0 else lowest, lowest, highest)
    extent = np.ptp(landmarks, axis=0).max()
    allowed = max(_OF_FACE * extent, _OF_PICTURE * max(size))
    return float(np.hypot(*(middle - focal * ratios))) <= allowed
