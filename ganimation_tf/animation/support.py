"""Where in a crop an edit may act: on the face, and not at the crop's edge."""

import functools

import cv2
import numpy as np

from ganimation_tf.faces import alignment

FACE_OVAL = np.array([[-1.25, -1.05], [1.25, 2.35]])
"""Left top and right bottom of the ellipse, in units of the distance between the eyes from the
point between them, beyond which a face's muscles move nothing: from the hairline to below a
dropped chin. It stands for a face whose outline is not known."""

CHIN_DROP = 0.45
FACE_MARGIN = 0.16
"""What the outline of a face is widened by, downwards for the jaw and all round, in the same
unit."""


def face_support(spec: alignment.CropSpec, points: np.ndarray | None = None) -> np.ndarray:
    """Where in a crop there is face, falling off smoothly.

    What lies behind the face must not move: a straight line there stays straight.

    Args:
        points: float (K, 2), landmarks in pixels of the crop that span the face from the forehead
            to the chin; None takes the oval of an average face.

    Returns:
        float32 (S, S) in [0, 1].
    """
    unit = (spec.size - 1) / (alignment.FACE_SIDE * (1 + 2 * spec.margin))
    if points is None:
        low, high = (FACE_OVAL - alignment.FACE_CENTER) * unit + (spec.size - 1) / 2
        centre, radius = (low + high) / 2, (high - low) / 2
        y, x = np.mgrid[: spec.size, : spec.size]
        distance = np.hypot((x - centre[0]) / radius[0], (y - centre[1]) / radius[1])
        return _smooth((1.1 - distance) / 0.2).astype(np.float32)
    points = np.concatenate([points, points + [0, CHIN_DROP * unit]]).astype(np.float32)
    outline = np.round(cv2.convexHull(points)[:, 0] * 16).astype(np.int32)  # 4 bits of a pixel
    outside = np.full((spec.size, spec.size), 255, np.uint8)
    cv2.fillConvexPoly(outside, outline, 0, cv2.LINE_AA, 4)
    distance = cv2.distanceTransform((outside > 127).astype(np.uint8), cv2.DIST_L2, 5)
    return _smooth(1.5 - distance / (FACE_MARGIN * unit)).astype(np.float32)


@functools.cache
def edge_fade(size: int, part: float) -> np.ndarray:
    """(S, S): 0 on the crop's edge, 1 from this part of its side on."""
    inside = np.arange(size)
    ramp = _smooth(np.minimum(inside, inside[::-1]) / (part * size))
    return np.minimum(ramp[:, None], ramp[None, :])


def _smooth(values: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, with no kink between."""
    values = np.clip(values, 0, 1)
    return values * values * (3 - 2 * values)
