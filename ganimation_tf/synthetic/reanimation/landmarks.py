"""From MediaPipe's 478 points to the 68 of the iBUG 300-W mark-up."""

import numpy as np

_JAW = [(127, 127), (234, 234), (93, 132), (132, 58), (172, 172), (150, 150), (149, 149)]
_JAW += [(176, 148), (152, 152), (400, 377), (378, 378), (379, 379), (397, 397), (361, 288)]
_JAW += [(323, 361), (454, 454), (356, 356)]
_BROWS = [70, 63, 105, 66, 107, 336, 296, 334, 293, 300]
_NOSE = [(168, 168), (6, 197), (195, 5), (4, 4), (98, 97), (97, 2), (2, 2), (2, 326), (326, 327)]
_EYES = [33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380]
_LIPS = [61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87]

MEDIAPIPE_TO_IBUG: tuple[tuple[int, int], ...] = (
    *_JAW,
    *((point, point) for point in _BROWS),
    *_NOSE,
    *((point, point) for point in (*_EYES, *_LIPS)),
)
"""For each of the 68 points the two of MediaPipe's in whose middle it lies; most are one point.
By where both mark-ups place a point on the face: lid and lip points coincide; bridge, nostrils and
jaw are spaced differently, hence the middles."""


def ibug_from_mediapipe(points: np.ndarray) -> np.ndarray:
    """The 68 points of the iBUG mark-up.

    Args:
        points: float (478, 2 or 3) or (468, ...) in pixels; a third coordinate is left out.

    Returns:
        float64 (68, 2).

    Raises:
        ValueError: if the shape differs.
    """
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or points.shape[0] not in (468, 478) or points.shape[1] not in (2, 3):
        raise ValueError(f"points must have shape (478, 2) or (478, 3), got {points.shape}")
    return points[np.array(MEDIAPIPE_TO_IBUG), :2].mean(1)
