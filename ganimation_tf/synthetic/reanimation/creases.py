"""Wrinkles that an expression draws on the skin and the mesh is too coarse to fold."""

import functools
from collections.abc import Mapping

import numpy as np

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.synthetic.reanimation.face_model import FaceModel

_Line = tuple[float, float, tuple[tuple[float, float], ...]]

CREASES: Mapping[str, tuple[_Line, ...]] = {
    "AU01": (
        (0.12, 0.20, ((0.0, 8.0), (2.6, 8.1))),
        (0.10, 0.20, ((0.0, 9.0), (2.4, 9.1))),
    ),
    "AU02": (
        (0.10, 0.20, ((2.2, 8.0), (3.6, 8.2), (4.9, 7.8))),
        (0.08, 0.20, ((2.2, 9.0), (4.6, 9.0))),
    ),
    "AU04": (
        (0.15, 0.22, ((0.9, 5.2), (0.65, 6.4))),
        (0.08, 0.2, ((0.0, 4.1), (0.8, 4.2))),
    ),
    "AU06": (
        (0.14, 0.16, ((4.9, 3.6), (6.1, 4.1))),
        (0.14, 0.16, ((4.9, 3.2), (6.2, 3.1))),
        (0.12, 0.16, ((4.7, 2.7), (5.8, 2.1))),
        (0.20, 0.22, ((2.0, 2.4), (3.3, 2.0), (4.5, 2.4))),
    ),
    "AU07": ((0.22, 0.2, ((2.1, 2.6), (3.2, 2.25), (4.3, 2.6))),),
    "AU09": (
        (0.12, 0.18, ((0.0, 3.95), (0.7, 3.9))),
        (0.13, 0.2, ((0.15, 3.2), (0.7, 2.9), (1.2, 2.6))),
        (0.13, 0.2, ((0.5, 2.25), (0.9, 1.95), (1.5, 1.8))),
        (0.16, 0.20, ((1.45, 0.5), (1.7, -0.4))),
    ),
    "AU10": ((0.20, 0.26, ((1.55, -0.1), (2.2, -1.3), (2.75, -2.7))),),
    "AU12": ((0.14, 0.24, ((1.6, -0.3), (2.6, -1.7), (3.3, -3.2))),),
    "AU14": ((0.2, 0.28, ((2.95, -2.7), (3.2, -3.4), (2.95, -4.1))),),
    "AU15": ((0.18, 0.22, ((2.75, -3.7), (3.1, -4.9))),),
    "AU17": ((0.16, 0.22, ((0.0, -5.0), (1.1, -5.2), (1.7, -5.5))),),
    "AU20": ((0.12, 0.22, ((3.2, -2.8), (3.5, -4.4))),),
    "AU23": (
        (0.10, 0.20, ((0.0, -2.1), (1.2, -2.2), (2.4, -3.0))),
        (0.40, 0.14, ((0.0, -3.36), (1.1, -3.36), (2.3, -3.45))),
    ),
}
"""For each action unit lines on the person's left half of the mean face, mirrored to the right:
(depth as a share of the light, half width, points (x, y)), lengths in centimetres."""


@functools.lru_cache(maxsize=2)
def crease_shades(model: FaceModel) -> np.ndarray:
    """float32 (17, 2, S): logarithm of the shade at intensity 1, on the left and right half.

    A line is dark with a slightly brighter ridge on both sides, as skin that bulges beside a fold.
    """
    skin = model.neutral[: model.skin_vertices]
    place = np.stack([np.abs(skin[:, 0]), skin[:, 1]], 1)
    front = skin[:, 2] > 0.25 * skin[:, 2].max()
    # At the line of symmetry both halves show what they share, each by half.
    left = np.clip(skin[:, 0] / 0.4 + 0.5, 0, 1) * front
    right = np.clip(-skin[:, 0] / 0.4 + 0.5, 0, 1) * front
    shades = np.zeros((len(OPENFACE), 2, len(skin)), np.float32)
    for name, lines in CREASES.items():
        shade = np.zeros(len(skin))
        for depth, width, points in lines:
            distance = _distance(place, np.array(points)) / width
            shade += depth * (0.15 * np.exp(-((distance - 2.2) ** 2)) - np.exp(-(distance**2)))
        shades[OPENFACE.index(name)] = shade * left, shade * right
    return shades


def _distance(places: np.ndarray, line: np.ndarray) -> np.ndarray:
    """float (N,): from each place (N, 2) to a line of straight pieces (M, 2)."""
    distance = np.full(len(places), np.inf)
    for start, end in zip(line[:-1], line[1:], strict=True):
        along = end - start
        part = np.clip((places - start) @ along / (along @ along), 0, 1)
        gap = places - start - part[:, None] * along
        distance = np.minimum(distance, np.hypot(gap[:, 0], gap[:, 1]))
    return distance
