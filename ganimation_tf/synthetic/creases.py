"""The light on a face: its resting form, and the folds and bulges that Action Units make.

What landmarks cannot show is drawn here: a furrow, a dimple, a raised cheek. Two-sided marks are
written for the left half; `Brush` puts them on the half that is being drawn.
"""

from collections.abc import Mapping

import numpy as np

from ganimation_tf.synthetic.canvas import Canvas, ellipse, stroke
from ganimation_tf.synthetic.identity import Identity
from ganimation_tf.synthetic.shape import half

Intensities = Mapping[str, float]


class Brush:
    """Lightens (strength > 0) or darkens (strength < 0) the skin, in face units.

    Attributes:
        flip: -1 to mirror what is drawn, else 1.
    """

    def __init__(self, canvas: Canvas, contrast: float, flip: int = 1):
        self._canvas, self._contrast, self._flip = canvas, contrast, flip

    def line(self, points, width: float, strength: float, blur: float) -> None:
        """A fold along the curve through `points`, tapering to its ends."""
        if strength:
            self._shade(stroke(points, width), strength, blur)

    def spot(self, center, radii, strength: float, blur: float) -> None:
        """A bulge or hollow round `center`."""
        if strength:
            self._shade(ellipse(center, radii, 16), strength, blur)

    def area(self, points: np.ndarray, strength: float, blur: float) -> None:
        """Any outline."""
        if strength:
            self._shade(points, strength, blur)

    def _shade(self, points: np.ndarray, strength: float, blur: float) -> None:
        self._canvas.shade(points * (self._flip, 1), strength * self._contrast, blur)


def shade_face(canvas: Canvas, who: Identity, shape: np.ndarray, au: Intensities) -> None:
    """Adds to `canvas.light` what the form and the expression of the face make.

    Args:
        shape: float (68, 2) in face units, expression included.
        au: intensity in [0, 1] of each AU.
    """
    contrast = 1.0 + 0.6 * (1 - sum(who.skin) / 765)  # dark skin reflects less of the change
    for side in (-1, 1):
        left, brush = half(shape, side), Brush(canvas, contrast, -side)
        _resting_half(brush, left, who, facing=0.5 * (1 + side * who.light[0]))
        _forehead(brush, left, au)
        _round_the_eye(brush, left, au)
        _round_the_nose(brush, left, au)
        _corner_of_the_mouth(brush, left, au)
    _middle(Brush(canvas, contrast), shape, au)


def _nasolabial(left: np.ndarray) -> np.ndarray:
    """The fold from the wing of the nose past the corner of the mouth, (3, 2)."""
    wing, corner = left[31] + (-0.07, -0.07), left[48]
    return np.stack([wing, (wing + corner) / 2 + (-0.11, -0.05), corner + (-0.11, 0.03)])


def _resting_half(brush: Brush, left: np.ndarray, who: Identity, facing: float) -> None:
    """What is there at rest and moves with the face; `facing` is 1 on the side of the light."""
    inner, outer = left[39], left[36]
    brush.area(
        np.stack([*left[[17, 19, 21]], inner + (0.1, 0), *left[[38, 37]], outer]), -0.1, 0.14
    )
    ridge = [(-0.09, 0.0), (-0.08, 0.3), (-0.13, 0.5), left[31] + (0.02, -0.07)]
    brush.line(ridge, 0.13, -0.24 + 0.16 * facing, 0.1)
    brush.spot(left[31] + (0.03, -0.06), (0.07, 0.07), -0.06, 0.06)
    lid_fold = left[36:40] - ((0, 0.06), (0, 0.08), (0, 0.08), (0, 0.01))
    brush.line(lid_fold, 0.026, -0.3, 0.02)
    under_eye = [inner + (0, 0.09), (left[40] + left[41]) / 2 + (0, 0.13), outer + (0.06, 0.12)]
    brush.line(under_eye, 0.05, -0.08 - 0.16 * who.age, 0.06)
    brush.line(_nasolabial(left), 0.05, -0.05 - 0.22 * who.age, 0.05)


def _forehead(brush: Brush, left: np.ndarray, au: Intensities) -> None:
    """AU01 and AU02 line the forehead above the part of the brow they lift; AU04 knits."""
    for height in (0.14, 0.26):
        middle = [left[20] - (0.08, height), left[21] - (0.02, height + 0.03)]
        middle += [(0.0, left[21, 1] - height + 0.01)]
        brush.line(middle, 0.045, -0.34 * au["AU01"], 0.03)
        side = [left[17] + (0.05, -height), left[18] - (0, height + 0.01)]
        side += [left[19] - (0.02, height - 0.01)]
        brush.line(side, 0.045, -0.34 * au["AU02"], 0.03)
    furrow = [left[21] + (0.03, -0.14), left[21] + (0.06, 0.02), left[21] + (0.045, 0.17)]
    brush.line(furrow, 0.05, -0.48 * au["AU04"], 0.03)
    brush.spot(left[21] + (0.0, 0.03), (0.16, 0.08), -0.16 * au["AU04"], 0.1)


def _round_the_eye(brush: Brush, left: np.ndarray, au: Intensities) -> None:
    """AU06 lifts the cheek against the eye, AU07 tightens the lids, AU45 shows the upper lid."""
    inner, outer, under = left[39], left[36], (left[40] + left[41]) / 2
    lifted = au["AU06"]
    if lifted:
        for rise in (-0.13, 0.0, 0.12):
            foot = [outer + (-0.07, 0.3 * rise), outer + (-0.17, 0.8 * rise)]
            foot += [outer + (-0.28, 1.5 * rise)]
            brush.line(foot, 0.032, -0.36 * lifted, 0.025)
        pouch = [inner + (-0.04, 0.14), under + (-0.02, 0.15), outer + (0.0, 0.13)]
        brush.line(pouch, 0.055, -0.34 * lifted, 0.04)
    brush.spot((-0.6, 0.5 - 0.05 * lifted), (0.27, 0.15), 0.17 * lifted + 0.08 * au["AU12"], 0.14)
    tense = [inner + (-0.03, 0.05), under + (0, 0.06), outer + (0.04, 0.05)]
    brush.line(tense, 0.04, -0.38 * au["AU07"], 0.03)
    lid = np.concatenate([left[36:40], left[[38, 37]] - (0, 0.09)])
    brush.area(lid, -0.12 * au["AU45"] - 0.14 * au["AU07"], 0.05)


def _round_the_nose(brush: Brush, left: np.ndarray, au: Intensities) -> None:
    """AU09 wrinkles the nose, AU10 deepens the fold beside it."""
    wrinkled = au["AU09"]
    if wrinkled:
        for start, end in (((-0.02, 0.02), (-0.15, 0.06)), ((-0.02, 0.12), (-0.16, 0.18))):
            brush.line([start, end], 0.045, -0.4 * wrinkled, 0.03)
        for start, end in (((-0.1, 0.22), (-0.2, 0.4)), ((-0.18, 0.22), (-0.28, 0.36))):
            brush.line([start, end], 0.045, -0.4 * wrinkled, 0.03)
    wing, beside, _ = _nasolabial(left)
    high = [wing - (0, 0.05), wing * 0.6 + beside * 0.4 - (0.05, 0), beside]
    brush.line(high, 0.065, -0.38 * au["AU10"] - 0.28 * wrinkled, 0.035)


def _corner_of_the_mouth(brush: Brush, left: np.ndarray, au: Intensities) -> None:
    """Folds of AU12, AU14, AU15 and AU20 beside the corner, of AU23 above and under the lips."""
    corner, fold = left[48], _nasolabial(left)
    brush.line(fold, 0.055, -0.36 * au["AU12"], 0.04)
    brush.spot(fold[1] - (0.16, 0.02), (0.13, 0.13), 0.09 * au["AU12"], 0.1)
    dimple = [corner + (-0.05, -0.1), corner + (-0.10, 0.0), corner + (-0.05, 0.1)]
    brush.line(dimple, 0.075, -0.58 * au["AU14"], 0.03)
    brush.spot(corner + (-0.2, 0), (0.07, 0.12), 0.16 * au["AU14"], 0.06)
    droop = [corner + (-0.03, 0.0), corner + (-0.08, 0.09), corner + (-0.09, 0.2)]
    brush.line(droop, 0.055, -0.42 * au["AU15"], 0.03)
    stretched = [corner + (-0.08, -0.17), corner + (-0.13, 0.0), corner + (-0.09, 0.19)]
    brush.line(stretched, 0.05, -0.36 * au["AU20"], 0.03)
    for lip, away in ((left[50], -1), (left[58], 1)):
        pursed = [lip + (-0.04, 0.03 * away), lip + (-0.06, 0.12 * away)]
        brush.line(pursed, 0.04, -0.3 * au["AU23"], 0.03)


def _middle(brush: Brush, shape: np.ndarray, au: Intensities) -> None:
    """Ridge and tip of the nose, hollow above the lips, and the chin, which AU17 pushes up."""
    brush.line([shape[27], shape[29], shape[30]], 0.07, 0.09, 0.06)
    brush.spot(shape[30] + (0, 0.02), (0.07, 0.06), 0.12, 0.06)
    brush.line(shape[31:36] + (0, 0.05), 0.07, -0.16, 0.05)
    brush.line([shape[33] + (0, 0.06), shape[51] - (0, 0.02)], 0.05, -0.08, 0.04)
    lip, chin, pushed = shape[57], shape[8], au["AU17"]
    under_lip = [shape[58] + (-0.03, 0.06), lip + (0, 0.075), shape[56] + (0.03, 0.06)]
    brush.line(under_lip, 0.07, -0.22 - 0.36 * pushed, 0.05)
    boss = lip * 0.42 + chin * 0.58
    brush.spot(boss, (0.2, 0.13), 0.07 + 0.12 * pushed, 0.1)
    for x, y in ((-0.13, -0.03), (0.13, -0.03), (-0.05, 0.02), (0.06, 0.03), (0.0, 0.1)):
        brush.spot(boss + (x, y), (0.035, 0.025), -0.5 * pushed, 0.04)
