"""Which expressions and which variations of a person are shown: by seed, and covering each AU."""

import numpy as np

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.synthetic.expression import EXPRESSIONS
from ganimation_tf.synthetic.reanimation.rendering import Variation

_SINGLE, _PROTOTYPE = 0.26, 0.28
"""Shares of faces with one action unit alone and with a prototype; the rest is put together by
region."""

_REGIONS: tuple[tuple[tuple[float, tuple[str, ...]], ...], ...] = (
    # Brows: what pulls up and down at once is worry, shown together with AU01 only.
    (
        (0.14, ("AU01",)),
        (0.14, ("AU02",)),
        (0.12, ("AU01", "AU02")),
        (0.16, ("AU04",)),
        (0.08, ("AU01", "AU04")),
    ),
    # Lids: wide, squinting and closed exclude each other.
    (
        (0.2, ("AU05",)),
        (0.17, ("AU06",)),
        (0.17, ("AU07",)),
        (0.07, ("AU06", "AU07")),
        (0.31, ("AU45",)),
    ),
    ((0.27, ("AU09",)), (0.27, ("AU10",)), (0.04, ("AU09", "AU10"))),
    # Lip corners up, in, down and apart.
    (
        (0.13, ("AU12",)),
        (0.23, ("AU14",)),
        (0.29, ("AU15",)),
        (0.28, ("AU20",)),
        (0.07, ("AU12", "AU14")),
    ),
    ((0.20, ("AU17",)), (0.24, ("AU23",)), (0.06, ("AU17", "AU23"))),
    ((0.14, ("AU25",)), (0.06, ("AU26",)), (0.18, ("AU25", "AU26"))),
)
"""For each region of the face: what it may show, and how often."""


def sample_action_units(rng: np.random.Generator) -> np.ndarray:
    """float32 (17,) in [0, 1]: a random expression as faces can show them.

    Each action unit is above 0.1 in at least 15 % of many such faces, over its whole range, alone
    as well as together with others.
    """
    kind = rng.random()
    shown = dict.fromkeys(OPENFACE, 0.0)
    if kind < _SINGLE:
        shown[OPENFACE[rng.integers(len(OPENFACE))]] = rng.uniform(0.05, 1.0)
    elif kind < _SINGLE + _PROTOTYPE:
        names = [name for name in EXPRESSIONS if name != "neutral"]
        strength = rng.uniform(0.25, 1.0)
        for name, most in EXPRESSIONS[names[rng.integers(len(names))]][1].items():
            shown[name] = strength * most * rng.uniform(0.6, 1.2) * (rng.random() > 0.1)
        if rng.random() < 0.15:
            shown["AU45"], shown["AU05"] = rng.uniform(0.1, 1.0), 0.0
    else:
        for region in _REGIONS:
            _show_region(shown, region, rng)
        if shown["AU23"] > 0:  # pressed lips do not part far
            shown["AU25"] *= 0.4
            shown["AU26"] *= 0.4
    return np.clip([shown[name] for name in OPENFACE], 0, 1).astype(np.float32)


def sample_expressions(rng: np.random.Generator, count: int) -> np.ndarray:
    """float32 (count, 17) in [0, 1]: one person's expressions, the first neutral."""
    first = np.zeros(len(OPENFACE), np.float32)
    return np.stack([first, *(sample_action_units(rng) for _ in range(count - 1))])


def sample_variation(rng: np.random.Generator, identities: int) -> Variation:
    """Another person in another light, from the same portrait.

    Args:
        identities: number K of the face model's identity coefficients.
    """
    tint = rng.normal(0, 0.03, 3) + rng.normal(0, 0.06)
    return Variation(
        yaw=float(rng.uniform(-8, 8)),
        pitch=float(rng.uniform(-6, 6)),
        identity=rng.normal(0, 0.8, identities),
        light=np.array([0.0, *rng.normal(0, 0.06, 3), 0, 0, 0, 0, 0]),
        gain=tuple(np.exp(np.clip(tint, -0.2, 0.12)).tolist()),
        gamma=tuple(np.exp(rng.normal(0, 0.12) + rng.normal(0, 0.02, 3)).tolist()),
    )


def _show_region(shown: dict[str, float], region, rng: np.random.Generator) -> None:
    drawn = rng.random()
    for odds, names in region:
        if drawn < odds:
            for name in names:
                shown[name] = rng.uniform(0.1, 1.0)
            return
        drawn -= odds
