"""What an open mouth shows: teeth, gums, tongue and the dark behind them."""

import numpy as np

from ganimation_tf.synthetic.reanimation import shading

ALBEDO = np.array(
    [[0.42, 0.13, 0.12], [0.84, 0.42, 0.4], [1.12, 1.07, 0.98], [1.0, 0.55, 0.52]], np.float32
)
"""Socket, gums, teeth, tongue: RGB where the brightest skin of the face has about 1."""
LEAST_LIGHT = 0.06
"""What is left where no light from outside comes."""
OPENING = 1.2
"""How much larger the opening counts than it is: lips and cheeks let light through."""
TINT = np.array([[0.9, 1.2, 1.2], [0.8, 1.1, 1.1], [0.6, 0.68, 0.74], [0.8, 1.05, 1.1]], np.float32)
"""Powers of the light in red, green and blue: it comes off lips and gums, and teeth in it are
brownish, not grey."""
FALL = 1.3
"""1 is a disc that is seen whole; teeth and lips hide a part of it, the more the deeper."""
BEFORE = 3.0
"""Centimetres before the lips from where the light comes."""
EVEN = 0.4
"""The part of the light that asks for no direction: it comes off the other walls."""
GLOSS = np.array([0.05, 0.12, 0.1, 0.22], np.float32)
"""Socket, gums, teeth, tongue: how much of the light a wet surface mirrors."""
GLOSS_WIDTH = 12
"""Power of the cosine: the larger, the smaller the spots of the gloss."""


def light_inside(turned: np.ndarray, corners: np.ndarray, lips: np.ndarray) -> np.ndarray:
    """float32 (V, 2): light that reaches each vertex of the mouth, and what of it is mirrored.

    The opening between the lips is the lamp: a disc of its area as seen from the front. A disc of
    radius r lights what looks at it from the distance d with r^2 / (r^2 + d^2) of its light.

    Args:
        turned: float (V, 3), vertices as the camera sees them, in centimetres, z to the viewer.
        corners: int (T, 3), triangles of the mouth.
        lips: int (L,), the loop of vertices at which the lips end.
    """
    rim = turned[lips]
    x, y = rim[:, 0], rim[:, 1]
    area = 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))
    radius2 = OPENING * area / np.pi
    # The nearest place of the opening, which is wider than high: at a vertex's own x, as far as
    # the lips reach.
    half = 0.35 * np.ptp(x)
    middle = np.array([(x.min() + x.max()) / 2, y.mean(), rim[:, 2].mean()], np.float32)
    toward = middle - turned
    toward[:, 0] += np.clip(-toward[:, 0], -half, half)
    behind = np.maximum(toward[:, 2], 0)
    distance2 = behind**2 + toward[:, 0] ** 2 + 0.25 * toward[:, 1] ** 2
    reaching = (radius2 / (radius2 + distance2)) ** FALL
    normals = shading.vertex_normals(turned, corners, len(turned))
    toward[:, 2] += BEFORE
    cosine = np.einsum("ij,ij->i", normals, toward) / np.linalg.norm(toward, axis=1)
    facing = EVEN + (1 - EVEN) * np.clip(cosine, 0, 1)
    light = LEAST_LIGHT + (1 - LEAST_LIGHT) * reaching * facing
    mirrored = reaching * np.clip(normals[:, 2], 0, 1) ** GLOSS_WIDTH
    return np.stack([light, mirrored], 1).astype(np.float32)


def colors(part: np.ndarray, light: np.ndarray, white: np.ndarray) -> np.ndarray:
    """float32 (N, 3) in [0, 255].

    Args:
        part: uint8 (N,), `SOCKET`, `GUMS`, `TEETH` or `TONGUE`.
        light: float32 (N, 2), of `light_inside`.
        white: float (3,), the colour in [0, 255] of what has albedo 1 in this light.
    """
    color = ALBEDO[part] * white * light[:, :1] ** TINT[part]
    color += white * (GLOSS[part] * light[:, 1])[:, None]
    return np.minimum(color, 250).astype(np.float32)
