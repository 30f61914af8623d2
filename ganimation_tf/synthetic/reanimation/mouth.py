"""What an open mouth shows: teeth, gums, tongue and the dark behind them."""

import numpy as np

from ganimation_tf.synthetic.reanimation import shading

ALBEDO = np.array([[0.5, 0.17, 0.15], [0.84, 0.42, 0.4], [1.12, 1.07, 0.98]], np.float32)
"""Socket, gums and tongue, teeth: RGB where the brightest skin of the face has about 1."""
DEPTH = np.array([2.0, 2.0, 0.55], np.float32)
"""Centimetres behind the lips after which e times less light is left: cheeks and lips stand
before the teeth at the sides."""
LEAST_LIGHT = 0.2
TINT = np.array([0.55, 1.1, 1.2], np.float32)
"""Powers of that light in red, green and blue: it comes off lips and gums, and teeth in it are
brownish, not grey."""


def interior_colors(
    turned: np.ndarray,
    corners: np.ndarray,
    part: np.ndarray,
    light: np.ndarray,
    lip_depth: float,
    white: np.ndarray,
) -> np.ndarray:
    """float32 (T, 3): each triangle's colour in [0, 255].

    Args:
        turned: float (V, 3), vertices as the camera sees them, in centimetres.
        corners: int (T, 3).
        part: uint8 (T,), `SOCKET`, `GUMS` or `TEETH`.
        light: float (9,), of `shading.fit_light`.
        lip_depth: z of the lips.
        white: float (3,), the colour in [0, 255] of what has albedo 1 in this light.
    """
    a, b, c = (turned[corners[:, corner]] for corner in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    bright = shading.shade(light, normal)
    front = shading.shade(light, np.array([[0.0, 0.0, 1.0]], np.float32))[0]
    # Light reaches the mouth from the front only, so that its normals count half.
    bright = 0.5 + 0.5 * np.clip(bright / front, 0.5, 1.3)
    behind = np.maximum(lip_depth - (a + b + c)[:, 2] / 3, 0)
    reaching = LEAST_LIGHT + (1 - LEAST_LIGHT) * np.exp(-behind / DEPTH[part])
    color = ALBEDO[part] * white * bright[:, None] * reaching[:, None] ** TINT
    return np.minimum(color, 250).astype(np.float32)
