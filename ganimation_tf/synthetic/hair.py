"""Hair and the outline of the skull, which no expression moves."""

import numpy as np

from ganimation_tf.synthetic.canvas import Canvas, curve, darker, ellipse, stroke
from ganimation_tf.synthetic.identity import Identity


def skull(who: Identity) -> np.ndarray:
    """The outline of the head over the ears, from the right temple to the left, (7, 2)."""
    width = 1.10 * who.proportions["face_width"]
    angle = np.linspace(0, np.pi, 9)[1:-1]
    return np.stack([width * np.cos(angle), -0.08 - 1.12 * np.sin(angle) ** 0.85], axis=1)


def behind(canvas: Canvas, who: Identity) -> None:
    """What shows beside and above the head."""
    width = 1.10 * who.proportions["face_width"]
    color = darker(who.hair, 0.72)
    if who.hair_style in ("long", "bob"):
        side = {
            "long": [(-0.7, -0.95), (-width - 0.06, -0.4), (-width - 0.2, 0.6), (-1.25, 1.9)],
            "bob": [(-0.7, -0.95), (-width - 0.06, -0.4), (-width - 0.22, 0.4), (-1.25, 1.15)],
        }[who.hair_style]
        bottom = {"long": (-0.9, 2.6), "bob": (-0.75, 1.42)}[who.hair_style]
        outline = np.array([*side, bottom])
        canvas.fill(curve(np.concatenate([outline, (outline * (-1, 1))[::-1]]), 48), color)
    elif who.hair_style == "bun":
        canvas.fill(ellipse((0, -1.42), (0.42, 0.36)), color)
    elif who.hair_style == "afro":
        canvas.fill(ellipse((0, -0.5), (width + 0.36, 1.15), 40), darker(who.hair, 0.9))


def in_front(canvas: Canvas, who: Identity) -> None:
    """What falls over the skull and its shadow on the forehead."""
    if who.hair_style == "bald":
        return
    dome = skull(who)
    width = dome[0, 0]
    crown = (dome - (0, -0.35)) * (1.07, 1.12) + (0, -0.35)
    lift = {"short": 0.0, "receding": 0.16, "afro": 0.04, "fringe": 0.0}.get(who.hair_style, 0.02)
    temple = 0.1 if who.hair_style == "receding" else 0.22
    outer = np.concatenate([[(width, temple)], crown, [(-width, temple)]])
    line = _hairline(who, width, lift)
    edge = [(-width * 0.98, temple), *line, (width * 0.98, temple)]
    hair = np.concatenate([curve(outer, 40), curve(edge, 40)])
    shadow = np.concatenate([curve(edge, 40), curve(np.add(edge, (0, -0.2))[::-1], 40)])
    canvas.tint(shadow + (0, 0.05), darker(who.skin, 0.45), 0.3, 0.1)
    with canvas.inside(hair):
        canvas.fill(hair, who.hair)
        for position in (-0.7, -0.4, -0.1, 0.2, 0.5, 0.8):
            _strand(canvas, who, line, position)


def _hairline(who: Identity, width: float, lift: float) -> list[tuple[float, float]]:
    top = -0.86 - lift
    if who.hair_style == "fringe":
        return [(-width * 0.9, -0.35), (-0.6, -0.6), (0, -0.64), (0.6, -0.6), (width * 0.9, -0.35)]
    if who.hair_style == "receding":
        return [(-width * 0.93, -0.5), (-0.55, top - 0.06), (0, top + 0.06), (0.55, top - 0.06)] + [
            (width * 0.93, -0.5)
        ]
    part = who.part
    high = (part, top - 0.08)
    left = (-0.62 + 0.2 * part, top + 0.16 + 0.1 * part)
    right = (0.62 + 0.2 * part, top + 0.16 - 0.1 * part)
    return [(-width * 0.92, -0.4), left, high, right, (width * 0.92, -0.4)]


def _strand(canvas: Canvas, who: Identity, line, position: float) -> None:
    """A lighter or darker lock from the crown down to the hairline."""
    root = np.array([0.35 * who.part + 0.25 * position, -1.32 + 0.12 * abs(position)])
    end = curve(line, 21)[round((position + 1) * 10)] + (0, -0.03)
    bend = (root + end) / 2 + (0.16 * position, -0.08)
    bright = 1.22 if position * who.light[0] > 0 else 0.8
    outline = stroke([root, bend, end], 0.11 + 0.03 * abs(position))
    canvas.tint(outline, darker(np.add(who.hair, 6), bright), 0.55, 0.03)
