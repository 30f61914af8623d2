"""Where the 68 landmarks of a synthetic face lie, and how each Action Unit moves them.

Face units: the distance between the eyes is 1, the origin lies between the eyes, y points down,
and "left" is the picture's left. The face is symmetric, so tables hold the left half only.
"""

import functools
from collections.abc import Mapping

import numpy as np

from ganimation_tf.action_units import OPENFACE

_PAIRS = (
    [(i, 16 - i) for i in range(8)]  # jaw
    + [(17 + i, 26 - i) for i in range(5)]  # brows
    + [(31, 35), (32, 34)]  # nostrils
    + [(36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)]  # eyes
    + [(48, 54), (49, 53), (50, 52), (59, 55), (58, 56)]  # outer lips
    + [(60, 64), (61, 63), (67, 65)]  # inner lips
)

_NEUTRAL: Mapping[int, tuple[float, float]] = {
    **dict(enumerate([(-1.10, 0.03), (-1.09, 0.33), (-1.05, 0.63), (-0.98, 0.92), (-0.87, 1.18)])),
    **dict(enumerate([(-0.70, 1.41), (-0.49, 1.59), (-0.26, 1.71), (0.0, 1.75)], 5)),
    **dict(enumerate([(-0.92, -0.24), (-0.78, -0.35), (-0.58, -0.39), (-0.38, -0.36)], 17)),
    **dict(enumerate([(-0.19, -0.30)], 21)),
    **dict(enumerate([(0, -0.02), (0, 0.17), (0, 0.36), (0, 0.55)], 27)),
    **dict(enumerate([(-0.20, 0.65), (-0.11, 0.69), (0, 0.71)], 31)),
    **dict(enumerate([(-0.70, 0.02), (-0.58, -0.075), (-0.42, -0.08), (-0.30, 0.03)], 36)),
    **dict(enumerate([(-0.42, 0.065), (-0.58, 0.065)], 40)),
    **dict(enumerate([(-0.41, 1.07), (-0.27, 1.01), (-0.10, 0.97), (0, 0.985)], 48)),
    **dict(enumerate([(0, 1.22), (-0.12, 1.21), (-0.27, 1.155)], 57)),
    **dict(enumerate([(-0.38, 1.07), (-0.13, 1.065), (0, 1.075)], 60)),
    **dict(enumerate([(0, 1.075), (-0.13, 1.065)], 66)),
}

_MOVES: Mapping[str, Mapping[int, tuple[float, float]]] = {
    "AU01": {21: (0.01, -0.15), 20: (0, -0.12), 19: (0, -0.05)},
    "AU02": {17: (0, -0.09), 18: (0, -0.15), 19: (0, -0.11), 20: (0, -0.03)},
    "AU04": {21: (0.07, 0.10), 20: (0.05, 0.11), 19: (0.03, 0.09), 18: (0.01, 0.05), 17: (0, 0.01)},
    "AU05": {37: (0, -0.07), 38: (0, -0.07)},
    "AU06": {40: (0, -0.035), 41: (0, -0.045), 17: (0, 0.02)},
    "AU07": {37: (0, 0.035), 38: (0, 0.03), 40: (0, -0.03), 41: (0, -0.025)},
    "AU09": {
        **{21: (0.03, 0.06), 20: (0.02, 0.05), 30: (0, -0.05), 31: (-0.04, -0.08)},
        **{32: (-0.02, -0.06), 33: (0, -0.05), 49: (0, -0.04), 50: (0, -0.05), 51: (0, -0.04)},
    },
    "AU10": {
        **{31: (-0.02, -0.03), 49: (0, -0.06), 50: (0, -0.10), 51: (0, -0.09)},
        **{61: (0, -0.07), 62: (0, -0.07)},
    },
    "AU12": {
        **{48: (-0.15, -0.14), 60: (-0.14, -0.13), 49: (-0.09, -0.05), 59: (-0.09, -0.06)},
        **{50: (-0.03, 0.01), 58: (-0.04, 0.0), 61: (-0.04, -0.01), 67: (-0.04, -0.01)},
        **{51: (0, 0.025), 62: (0, 0.02), 66: (0, 0.02)},
    },
    "AU14": {48: (-0.06, -0.01), 60: (-0.06, -0.01), 49: (-0.03, 0.01), 59: (-0.03, -0.02)},
    "AU15": {
        **{48: (-0.03, 0.14), 60: (-0.03, 0.13), 49: (-0.01, 0.05), 59: (-0.02, 0.06)},
        **{61: (0, 0.02), 67: (0, 0.02), 50: (0, 0.01), 58: (0, 0.01)},
    },
    "AU17": {
        **{6: (0, -0.02), 7: (0, -0.05), 8: (0, -0.07), 48: (0, 0.03), 60: (0, 0.03)},
        **{57: (0, -0.06), 58: (0, -0.06), 59: (0, -0.02), 66: (0, -0.05), 67: (0, -0.04)},
        **{62: (0, -0.05), 61: (0, -0.04), 51: (0, -0.05), 50: (0, -0.045), 49: (0, -0.01)},
    },
    "AU20": {
        **{48: (-0.19, 0.03), 60: (-0.18, 0.03), 49: (-0.12, 0.02), 59: (-0.12, -0.01)},
        **{50: (-0.05, 0.02), 58: (-0.05, -0.02), 61: (-0.06, 0), 67: (-0.06, 0)},
        **{51: (0, 0.02), 57: (0, -0.02)},
    },
    "AU23": {48: (0.07, 0), 60: (0.07, 0), 49: (0.04, 0), 59: (0.04, 0), 50: (0.01, 0)},
    "AU25": {
        **{61: (0, -0.03), 62: (0, -0.03), 50: (0, -0.025), 51: (0, -0.025), 49: (0, -0.01)},
        **{66: (0, 0.075), 67: (0, 0.07), 57: (0, 0.07), 58: (0, 0.065), 59: (0, 0.04)},
    },
    "AU26": {
        **{3: (0, 0.02), 4: (0.01, 0.07), 5: (0.02, 0.15), 6: (0.02, 0.22), 7: (0.01, 0.26)},
        **{8: (0, 0.27), 48: (0.04, 0.06), 60: (0.04, 0.06), 57: (0, 0.25), 58: (0, 0.24)},
        **{59: (0.01, 0.16), 66: (0, 0.24), 67: (0, 0.22), 49: (0.01, 0.0), 61: (0, -0.01)},
    },
    "AU45": {40: (0, -0.012), 41: (0, -0.012)},  # the closing itself: `_close_lids`
}
"""Shift of each landmark at intensity 1, in face units. At rest the lips touch."""

_UPPER_LIP = {49: 61, 50: 61, 51: 62, 52: 63, 53: 63}
_LOWER_LIP = {55: 65, 56: 65, 57: 66, 58: 67, 59: 67}
_UPPER_LIDS = ((37, 41), (38, 40), (43, 47), (44, 46))
"""(upper, lower) landmarks that meet when the eye closes."""

_THINNEST_LIP = 0.025


@functools.cache
def mirror_order() -> np.ndarray:
    """int (68,): `shape[mirror_order()] * (-1, 1)` is the shape seen in a mirror."""
    order = np.arange(68)
    for left, right in _PAIRS:
        order[left], order[right] = right, left
    return order


def half(shape: np.ndarray, side: int) -> np.ndarray:
    """The shape as if `side` (-1 left, 1 right) were the left one: mirrored for the right."""
    return shape if side < 0 else shape[mirror_order()] * (-1, 1)


def _both_sides(half: Mapping[int, tuple[float, float]]) -> np.ndarray:
    """float64 (68, 2) from the left half and the middle."""
    points = np.zeros((68, 2))
    for index, point in half.items():
        points[mirror_order()[index]] = np.multiply(point, (-1, 1))
        points[index] = point
    return points


@functools.cache
def _moves() -> np.ndarray:
    """float64 (17, 68, 2) in the order of `OPENFACE`."""
    return np.stack([_both_sides(_MOVES[name]) for name in OPENFACE])


def neutral(proportions: Mapping[str, float]) -> np.ndarray:
    """The face at rest.

    Args:
        proportions: factors round 1 for `face_width`, `jaw_width`, `chin`, `eye_height`,
            `nose_width`, `nose_length`, `mouth_width`, `upper_lip`, `lower_lip`, `brow_arch`, and
            shifts in face units for `eye_tilt`, `brow_height`, `mouth_height`.

    Returns:
        float64 (68, 2) in face units.
    """
    p = proportions
    shape = _both_sides(_NEUTRAL)
    down = np.clip(shape[:17, 1] / 1.75, 0, 1)
    shape[:17, 0] *= p["face_width"] * (1 + (p["jaw_width"] - 1) * np.sin(np.pi * down**0.8))
    shape[:17, 1] += (p["chin"] - 1) * 1.75 * down**2
    brows, eyes, nose, mouth = slice(17, 27), slice(36, 48), slice(31, 36), slice(48, 68)
    shape[brows, 1] = -0.3 + (shape[brows, 1] + 0.3) * p["brow_arch"] + p["brow_height"]
    shape[eyes, 1] *= p["eye_height"]
    shape[eyes, 1] -= p["eye_tilt"] * (np.abs(shape[eyes, 0]) - 0.5)
    shape[27:36, 1] *= p["nose_length"]
    shape[nose, 0] *= p["nose_width"]
    for lip, factor in ((_UPPER_LIP, p["upper_lip"]), (_LOWER_LIP, p["lower_lip"])):
        for outer, inner in lip.items():
            shape[outer, 1] = shape[inner, 1] + (shape[outer, 1] - shape[inner, 1]) * factor
    shape[mouth, 0] *= p["mouth_width"]
    shape[mouth, 1] += p["mouth_height"]
    return shape


def expressed(rest: np.ndarray, action_units: np.ndarray) -> np.ndarray:
    """The face `rest` with an expression.

    The moves of the AUs add up; lids and lips then keep out of each other's way.

    Args:
        rest: float (68, 2) in face units.
        action_units: float (17,) in [0, 1], in the order of `OPENFACE`.

    Returns:
        float64 (68, 2) in face units.
    """
    intensity = np.asarray(action_units, np.float64)
    shape = rest + np.tensordot(intensity, _moves(), 1)
    _part_lips(shape)
    _thin_lips(shape, rest, tightness=intensity[OPENFACE.index("AU23")])
    _close_lids(shape, closing=intensity[OPENFACE.index("AU45")])
    return shape


def _part_lips(shape: np.ndarray) -> None:
    """Lips that would pass through each other touch instead (chin raiser against parted lips)."""
    for upper, lower in ((61, 67), (62, 66), (63, 65)):
        if shape[upper, 1] > shape[lower, 1]:
            shape[[upper, lower], 1] = shape[[upper, lower], 1].mean()


def _thin_lips(shape: np.ndarray, rest: np.ndarray, tightness: float) -> None:
    """The lip tightener rolls the red of the lips in, to two fifths at full intensity."""
    for lip, sign in ((_UPPER_LIP, -1), (_LOWER_LIP, 1)):
        for outer, inner in lip.items():
            thickness = sign * (shape[outer, 1] - shape[inner, 1]) * (1 - 0.6 * tightness)
            shape[outer, 1] = shape[inner, 1] + sign * max(thickness, _THINNEST_LIP)


def _close_lids(shape: np.ndarray, closing: float) -> None:
    """The upper lid comes down to the lower one."""
    for upper, lower in _UPPER_LIDS:
        gap = max(shape[lower, 1] - shape[upper, 1], 0.0)
        shape[upper, 1] = shape[lower, 1] - gap * (1 - closing)
