"""The points of Google's face mesh, named by number, and those that annotations have in common.

The mesh has 478 points: 468 of the face, then 5 for each iris. Numbers are those of the canonical
face model (https://github.com/google-ai-edge/mediapipe, `canonical_face_model_uv_visualization`).
"Left" is the picture's left throughout. No TensorFlow is needed here.
"""

import numpy as np

POINT_COUNT = 478

EYE_CORNERS = (33, 263)
"""The outer corners: the line between them is the face's roll."""

JAW = (127, 227, 177, 215, 172, 136, 149, 148, 152, 377, 378, 365, 397, 435, 401, 447, 356)
LEFT_BROW = (70, 63, 105, 66, 107)
RIGHT_BROW = (336, 296, 334, 293, 300)
NOSE_BRIDGE = (168, 197, 195, 4)
NOSTRILS = (75, 97, 2, 326, 305)
LEFT_EYE = (33, 160, 158, 133, 153, 144)
RIGHT_EYE = (362, 385, 387, 263, 373, 380)
OUTER_LIPS = (61, 39, 37, 0, 267, 269, 291, 321, 314, 17, 84, 91)
INNER_LIPS = (78, 82, 13, 312, 308, 317, 14, 87)

LANDMARKS_68 = np.array(
    JAW
    + LEFT_BROW
    + RIGHT_BROW
    + NOSE_BRIDGE
    + NOSTRILS
    + LEFT_EYE
    + RIGHT_EYE
    + OUTER_LIPS
    + INNER_LIPS
)
"""The mesh point of each of the 68 points of iBUG 300-W, in their order.

Of the anatomical candidates the one that lies nearest to OpenFace's landmark on 133 portraits, left
and right alike. What is left in the middle: 2.4 % of the distance between the outer eye corners for
brows, eyes, nose and lips, 5 % along the jaw, where OpenFace follows the outline and a mesh does
not."""


def landmarks_68(points: np.ndarray) -> np.ndarray:
    """The 68 landmarks of iBUG 300-W, as OpenFace has them, out of the mesh's points.

    Args:
        points: float (..., 478, 2) or (..., 478, 3), x, y (and depth) in pixels.

    Returns:
        float (..., 68, 2): x and y.

    Raises:
        ValueError: if the shape differs.
    """
    points = np.asarray(points)
    if points.ndim < 2 or points.shape[-2] != POINT_COUNT or points.shape[-1] not in (2, 3):
        raise ValueError(f"points must have shape (..., 478, 2 or 3), got {points.shape}")
    return points[..., LANDMARKS_68, :2]
