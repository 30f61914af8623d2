"""Draws a synthetic person part by part, from the background to the hair in front."""

import cv2
import numpy as np

from ganimation_tf.synthetic import hair
from ganimation_tf.synthetic.canvas import Canvas, curve, darker, ellipse, stroke
from ganimation_tf.synthetic.creases import shade_face
from ganimation_tf.synthetic.identity import Identity
from ganimation_tf.synthetic.shape import half

SIDES = (-1, 1)


def unmirror(points, side: int) -> np.ndarray:
    """Points (n, 2) drawn for the left half, put on `side`."""
    return np.asarray(points, np.float64) * (-side, 1)


def paint(canvas: Canvas, who: Identity, shape: np.ndarray, au: dict[str, float]) -> None:
    """Draws the whole portrait.

    Args:
        canvas: where to.
        who: the person.
        shape: float (68, 2), the landmarks in face units, expression included.
        au: intensity in [0, 1] of each AU, for what landmarks do not show: folds and bulges.
    """
    _background(canvas, who)
    hair.behind(canvas, who)
    _clothes(canvas, who)
    _skin(canvas, who, shape, au)
    _complexion(canvas, who, shape, au)
    _nose(canvas, who, shape)
    for side in SIDES:
        _eye(canvas, who, half(shape, side), side, au)
        _brow(canvas, who, half(shape, side), side)
    _mouth(canvas, who, shape)
    hair.in_front(canvas, who)


def _background(canvas: Canvas, who: Identity) -> None:
    """A gradient with three blurred lights, computed small: it has no detail."""
    y, x = np.mgrid[0:32, 0:32] / 31.0
    along = x * np.cos(who.background_angle) + y * np.sin(who.background_angle)
    along = (along - along.min()) / np.ptp(along)
    first, second = np.asarray(who.background)
    picture = first + along[..., None] * (second - first)
    for spot_x, spot_y, radius in who.spots:
        glow = np.exp(-((x - spot_x) ** 2 + (y - spot_y) ** 2) / radius**2)
        picture += 28 * glow[..., None]
    small = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    canvas.pixels = cv2.resize(small, (canvas.side, canvas.side), interpolation=cv2.INTER_LINEAR)


def _clothes(canvas: Canvas, who: Identity) -> None:
    shoulders = [(-2.9, 3.6), (-2.5, 2.75), (-1.5, 2.4), (-0.62, 2.2), (0, 2.45)]
    shoulders += [(0.62, 2.2), (1.5, 2.4), (2.5, 2.75), (2.9, 3.6)]
    canvas.fill(curve(shoulders, 48), who.clothes)


def _skin(canvas: Canvas, who: Identity, shape: np.ndarray, au: dict[str, float]) -> None:
    """Neck, ears and head in one colour, then the light on them with all folds and bulges."""
    jaw = curve(shape[:17], 40)
    head = np.concatenate([jaw, curve([shape[16], *hair.skull(who), shape[0]], 40)])
    neck = np.array([(-0.6, 1.2), (-0.58, 2.0), (-0.72, 2.28), (-0.3, 2.42), (0, 2.48)])
    neck = curve(np.concatenate([neck, (neck * (-1, 1))[-2::-1]]), 40)
    ears = [ellipse((s * 1.12 * who.proportions["face_width"], 0.3), (0.17, 0.3)) for s in SIDES]
    parts = [neck, head] if who.hair_style in ("long", "bob") else [neck, *ears, head]
    for part in parts:
        canvas.fill(part, who.skin)
    _form_light(canvas, who)
    _neck_shadow(canvas, shape)
    for side in SIDES:
        canvas.shade(ellipse((side * 1.15, 0.32), (0.08, 0.18)), -0.22, 0.08)
    shade_face(canvas, who, shape, au)
    canvas.apply_light(parts)


def _form_light(canvas: Canvas, who: Identity) -> None:
    """The head as an egg that turns away from the light; it does not move with the face."""
    grid = np.linspace(0, canvas.size - 1, 48)
    pixels = np.stack(np.meshgrid(grid, grid), axis=-1)
    linear, shift = np.hsplit(canvas.similarity, [2])
    units = (pixels - shift.ravel()) @ np.linalg.inv(linear).T
    x = units[..., 0] / 1.25
    y = (units[..., 1] - 0.35) / 1.7
    toward = np.clip(x, -1, 1) * who.light[0] + np.clip(y, -1, 1) * who.light[1]
    edge = np.clip(x**2 + y**2, 0, 1.2) ** 2
    small = (1.03 + 0.17 * toward - 0.16 * edge).astype(np.float32)
    canvas.light = cv2.resize(small, (canvas.side, canvas.side), interpolation=cv2.INTER_LINEAR)


def _neck_shadow(canvas: Canvas, shape: np.ndarray) -> None:
    under = curve(shape[4:13], 20)
    band = np.concatenate([under + (0, 0.02), (under * (0.9, 1) + (0, 0.36))[::-1]])
    canvas.shade(band, -0.34, 0.14)


def _complexion(canvas: Canvas, who: Identity, shape: np.ndarray, au: dict[str, float]) -> None:
    """Blush, freckles and beard."""
    rise = 0.08 * au["AU06"] + 0.05 * au["AU12"]
    warm = (205, 84, 84)
    for side in SIDES:
        cheek = ellipse((side * 0.66, 0.6 - rise), (0.26, 0.19))
        canvas.tint(cheek, warm, (0.08 + 0.16 * who.blush) * (1 + 0.5 * au["AU06"]), 0.22)
    if who.freckles:
        speck = darker(who.skin, 0.72)
        for index in range(14):  # a fixed scatter: golden-angle steps
            radius, angle = 0.05 + 0.026 * index, 2.4 * index
            at = np.array([0.5 + radius * np.cos(angle), 0.5 + 0.5 * radius * np.sin(angle)])
            for side in SIDES:
                canvas.tint(ellipse(at * (side, 1), (0.016, 0.016), 8), speck, who.freckles)
    if who.beard:
        _beard(canvas, who, shape)


def _beard(canvas: Canvas, who: Identity, shape: np.ndarray) -> None:
    opacity = 0.15 + 0.55 * who.beard
    jaw = curve(shape[2:15] * (0.985, 1) - (0, 0.015), 32)
    mouth = shape[[54, 55, 57, 59, 48]]
    inner = curve([shape[14] * (0.88, 1), (0.62, 1.12), *(mouth * (1.02, 1) + (0, 0.03))], 20)
    inner = np.concatenate([inner, curve([mouth[-1], (-0.62, 1.12), shape[2] * (0.88, 1)], 10)])
    canvas.tint(np.concatenate([jaw, inner]), darker(who.hair, 0.9), opacity, 0.07)
    lip = shape[[48, 49, 51, 53, 54]]
    top = np.array([(-0.2, 0.87), (0, 0.83), (0.2, 0.87)])
    moustache = curve([lip[0] - (0.03, 0), *top, lip[4] + (0.03, 0)], 20)
    moustache = np.concatenate([moustache, curve(lip[::-1], 20)])
    canvas.tint(moustache, darker(who.hair, 0.9), opacity, 0.05)


def _nose(canvas: Canvas, who: Identity, shape: np.ndarray) -> None:
    dark = darker(who.skin, 0.42)
    for side in SIDES:
        left = half(shape, side)
        wing = left[31]
        nostril = ellipse((left[32] + wing) / 2 + (0.01, 0.005), (0.062, 0.028))
        canvas.tint(unmirror(nostril, side), dark, 0.75, 0.025)
        rim = [wing + (0.02, -0.13), wing + (-0.045, -0.05), wing + (-0.01, 0.025)]
        canvas.tint(unmirror(stroke(rim, 0.035), side), dark, 0.4, 0.03)
    base = stroke([shape[32], shape[33] + (0, 0.012), shape[34]], 0.03)
    canvas.tint(base, dark, 0.4, 0.03)


def _eye(canvas: Canvas, who: Identity, left: np.ndarray, side: int, au: dict[str, float]) -> None:
    upper, lower = curve(left[36:40], 14), curve(left[[39, 40, 41, 36]], 14)
    lids = unmirror(np.concatenate([upper, lower]), side)
    openness = float((left[[41, 40], 1] - left[[37, 38], 1]).mean())
    if openness > 1e-3:
        _eyeball(canvas, who, lids, side)
    lash = darker(who.hair, 0.3) if sum(who.hair) < 330 else (70, 48, 36)
    width = np.array([0.02, 0.035, 0.03, 0.012]) * (0.75 + 0.6 * who.lashes)
    canvas.tint(unmirror(stroke(left[36:40] - (0, 0.008), width), side), lash, 0.95)
    if who.lashes > 0.5:
        wing = [left[37] - (0.05, 0.0), left[36], left[36] + (-0.06, -0.035 + 0.06 * au["AU45"])]
        canvas.tint(unmirror(stroke(wing, 0.03), side), lash, 0.9)
    rim = stroke(left[[39, 40, 41, 36]] + (0, 0.008), 0.014)
    canvas.tint(unmirror(rim, side), darker(who.skin, 0.5), 0.55)


def _eyeball(canvas: Canvas, who: Identity, lids: np.ndarray, side: int) -> None:
    """White, iris, pupil and highlight, seen through the opening of the lids."""
    center = np.array([side * 0.495, -0.005])
    with canvas.inside(lids):
        canvas.fill(ellipse(center, (0.4, 0.3)), (236, 233, 230))
        canvas.fill(ellipse(center, (0.108, 0.108)), darker(who.iris, 0.45))
        canvas.fill(ellipse(center, (0.092, 0.092)), who.iris)
        canvas.fill(ellipse(center + (0, 0.035), (0.06, 0.045)), darker(who.iris, 1.3))
        canvas.fill(ellipse(center, (0.048, 0.048)), (14, 11, 12))
        canvas.tint(stroke(lids[:14:3] + (0, 0.012), 0.06, 10), (60, 45, 45), 0.5, 0.04)
        glint = center + np.array([0.035 * np.sign(who.light[0]), -0.035])
        canvas.fill(ellipse(glint, (0.024, 0.024), 12), (252, 252, 252))


def _brow(canvas: Canvas, who: Identity, left: np.ndarray, side: int) -> None:
    color = darker(who.hair, 0.8) if sum(who.hair) < 480 else darker(who.hair, 0.6)
    thick = who.brow_thickness
    outline = stroke(left[17:22], thick * np.array([0.15, 0.7, 0.95, 1.15, 0.85]), 18)
    canvas.tint(unmirror(outline, side), color, 0.85, 0.02)
    canvas.tint(unmirror(stroke(left[18:22], 0.5 * thick), side), darker(color, 0.8), 0.5, 0.03)


def _mouth(canvas: Canvas, who: Identity, shape: np.ndarray) -> None:
    inner_top, inner_bottom = curve(shape[60:65], 20), curve(shape[[60, 67, 66, 65, 64]], 20)
    opening = np.concatenate([inner_top, inner_bottom[::-1]])
    gap = float(shape[66, 1] - shape[62, 1])
    if gap > 1e-3:
        _inside_of_mouth(canvas, shape, opening, gap)
    outer_top, outer_bottom = curve(shape[48:55], 28), curve(shape[[48, *range(59, 53, -1)]], 28)
    upper = np.concatenate([outer_top, inner_top[::-1]])
    lower = np.concatenate([inner_bottom, outer_bottom[::-1]])
    canvas.tint(upper, darker(who.lips, 0.86), 0.85, 0.015)
    canvas.tint(lower, who.lips, 0.85, 0.015)
    thick = float(shape[57, 1] - shape[66, 1])
    shine = stroke(shape[[58, 57, 56]] - (0, 0.55 * thick), 0.35 * thick)
    canvas.tint(shine, (255, 235, 230), 0.28, 0.05)
    line = darker(who.lips, 0.32)
    canvas.tint(stroke(shape[60:65], 0.022, 20), line, 0.85)
    for side in SIDES:
        corner = half(shape, side)[48]
        canvas.tint(unmirror(ellipse(corner + (0.02, 0), (0.03, 0.02), 10), side), line, 0.6, 0.03)


def _inside_of_mouth(canvas: Canvas, shape: np.ndarray, opening: np.ndarray, gap: float) -> None:
    with canvas.inside(opening):
        canvas.fill(opening, (66, 18, 24))
        if gap > 0.12:
            at = ((shape[60, 0] + shape[64, 0]) / 2, shape[66, 1] + 0.03)
            canvas.tint(ellipse(at, (0.24, 0.6 * (gap - 0.12))), (182, 78, 84), 0.9, 0.05)
        top = curve(shape[60:65], 20)
        length = min(0.085, 0.75 * gap) * np.sin(np.linspace(0, np.pi, 20)) ** 0.5
        teeth = np.concatenate([top - (0, 0.05), (top + length[:, None] * (0, 1))[::-1]])
        canvas.tint(teeth * (0.9, 1), (243, 240, 232), 1.0, 0.012)
