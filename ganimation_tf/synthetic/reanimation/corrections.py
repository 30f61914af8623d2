"""What is changed in the face model's expressions before they are shown.

The model's shapes are scans of one action each, and some of them hold more than the Action Unit
that they stand for here. Fitting uses the shapes as they are: what is changed here lies where no
landmark tells it.
"""

from collections.abc import Mapping, Sequence

import numpy as np

CALM: Mapping[str, tuple[float, float]] = {
    "mouthDimple": (2.6, 4.2),
    "mouthFrown": (2.8, 4.8),
    "mouthStretch": (2.8, 4.8),
    "noseSneer": (3.6, 6.2),
    "cheekSquint": (5.6, 7.6),
    "cheekRaiser": (5.6, 7.6),
    "jawOpen": (4.4, 6.2),
}
"""Centimetres from the middle between which these shapes fade."""

CLOSED_SNEER = 0.7
"""How much of the upper lip's own rise is taken out of the nose's."""
STILL_NOSE = 0.75
"""How much less a rising upper lip moves the nose."""
FLAT_LIP = 0.55
"""Centimetres by which the sides of the lower lip follow the jaw further down."""


def corrected(neutral: np.ndarray, expression: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """float32 (E, V, 3): the shapes of expressions as they are rendered.

    - The outer cheek stays calm when the corners of the mouth are pulled: in the model it bulges,
      and of a head that is turned a little the bulge stands out before the hair.
    - AU09 wrinkles the nose and leaves the mouth closed, AU10 raises the lip and leaves the nose:
      in the model both do both, and look alike.
    - The lower lip of an open jaw is round; in the model it is nearly a V.

    Args:
        neutral: float32 (V, 3) in centimetres.
        expression: float32 (E, V, 3).
        names: of its rows.
    """
    shown = expression.copy()
    rows = {name: row for row, name in enumerate(names)}
    across, up = np.abs(neutral[:, 0]), neutral[:, 1]
    nose = STILL_NOSE * _step(up, -2.2, -0.8)
    for name, row in rows.items():
        shape, _, side = name.partition("_")
        if shape in CALM:
            shown[row] *= 1 - _step(across, *CALM[shape])[:, None]
        if shape == "mouthUpperUp":
            shown[row] *= (1 - nose)[:, None]
        elif shape == "noseSneer" and f"mouthUpperUp_{side}" in rows:
            lip = expression[rows[f"mouthUpperUp_{side}"]]
            shown[row] -= CLOSED_SNEER * (1 - _step(up, -2.2, -0.8))[:, None] * lip
    if "jawOpen" in rows:
        follows = np.clip(-expression[rows["jawOpen"], :, 1] / 3.5, 0, 1)
        beside = np.exp(-(((across - 1.3) / 0.6) ** 2) - ((up + 4.0) / 1.2) ** 2)
        shown[rows["jawOpen"], :, 1] -= FLAT_LIP * follows * beside
    return shown


def _step(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """float32: from 0 at `low` smoothly to 1 at `high`."""
    part = np.clip((values - low) / (high - low), 0, 1).astype(np.float32)
    return part * part * (3 - 2 * part)
