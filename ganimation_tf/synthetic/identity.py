"""Who a synthetic person is, and how the head is held: everything that is not expression."""

import dataclasses
import math
from collections.abc import Iterable, Mapping

import numpy as np

Color = tuple[float, float, float]
"""Red, green, blue in [0, 255]."""

HAIR_STYLES = ("bald", "short", "side", "fringe", "bob", "long", "bun", "afro", "receding")

_SKINS = (
    *((250, 224, 204), (243, 208, 180), (232, 190, 156), (220, 172, 132)),
    *((196, 146, 106), (166, 116, 80), (130, 88, 60), (98, 66, 47)),
)
_HAIRS = (
    *((34, 28, 28), (58, 42, 34), (92, 62, 42), (130, 88, 54), (176, 130, 76)),
    *((214, 178, 118), (152, 70, 38), (178, 176, 174), (104, 104, 108)),
)
_HAIR_ODDS = (0.24, 0.2, 0.16, 0.1, 0.07, 0.07, 0.06, 0.05, 0.05)
_IRISES = ((92, 58, 34), (70, 44, 28), (104, 118, 66), (78, 116, 152), (110, 134, 146))
_FACTORS = {  # name: (low, high); see `shape.neutral`
    "face_width": (0.92, 1.06),
    "jaw_width": (0.95, 1.06),
    "chin": (0.95, 1.04),
    "eye_height": (0.9, 1.25),
    "eye_tilt": (-0.06, 0.1),
    "brow_height": (-0.03, 0.04),
    "brow_arch": (0.7, 1.3),
    "nose_width": (0.85, 1.25),
    "nose_length": (0.93, 1.07),
    "mouth_width": (0.88, 1.1),
    "mouth_height": (-0.02, 0.03),
    "upper_lip": (0.75, 1.35),
    "lower_lip": (0.8, 1.3),
}


@dataclasses.dataclass(frozen=True)
class Identity:
    """One synthetic person in front of one background.

    Attributes:
        skin, hair, iris, lips, clothes: RGB in [0, 255].
        hair_style: one of `HAIR_STYLES`.
        part: where the hair parts, in [-1, 1] from left to right.
        brow_thickness: in face units.
        lashes: 0 (faint) to 1 (strong).
        beard: 0 (none) to 1 (full).
        blush: 0 to 1.
        freckles: 0 to 1.
        age: 0 (smooth) to 1 (lined at rest).
        proportions: see `shape.neutral`.
        background: two RGB colours, at either end of a gradient.
        background_angle: direction of the gradient, in radians.
        spots: blurred lights of the background, as (x, y, radius) in fractions of the side.
        light: where the light comes from, (x, y) in [-1, 1]; (-1, 0) is the picture's left.
    """

    skin: Color
    hair: Color
    iris: Color
    lips: Color
    clothes: Color
    hair_style: str
    part: float
    brow_thickness: float
    lashes: float
    beard: float
    blush: float
    freckles: float
    age: float
    proportions: Mapping[str, float]
    background: tuple[Color, Color]
    background_angle: float
    spots: tuple[tuple[float, float, float], ...]
    light: tuple[float, float]

    @classmethod
    def sample(cls, rng: np.random.Generator) -> "Identity":
        """A random person; the same state of `rng` gives the same one."""
        tone = rng.uniform(0, len(_SKINS) - 1)
        skin = _between(_SKINS, tone, rng, jitter=5)
        hair = _jitter(_HAIRS[rng.choice(len(_HAIRS), p=_HAIR_ODDS)], rng, 8)
        if tone > 4.5:  # dark skin goes with dark hair and eyes
            hair = _jitter(_HAIRS[rng.integers(2)], rng, 6)
        iris = _jitter(_IRISES[rng.integers(len(_IRISES) if tone < 4 else 2)], rng, 8)
        style = HAIR_STYLES[rng.integers(len(HAIR_STYLES))]
        short = style in ("bald", "short", "side", "receding", "afro")
        red = rng.uniform(0.25, 0.6)
        lips = _mix(_color(0.86 * np.array(skin)), (176, 62, 70), red)
        beard = rng.uniform(0.3, 1) if short and rng.random() < 0.5 else 0.0
        hues = rng.uniform(0, 2 * math.pi, 2)
        side = rng.choice([-1.0, 1.0])
        return cls(
            skin=skin,
            hair=hair,
            iris=iris,
            lips=lips,
            clothes=_pastel(rng.uniform(0, 2 * math.pi), rng.uniform(50, 170), 60),
            hair_style=style,
            part=float(rng.uniform(-0.6, 0.6)),
            brow_thickness=float(rng.uniform(0.055, 0.11)),
            lashes=float(rng.uniform(0, 0.5) if short else rng.uniform(0.4, 1)),
            beard=float(beard),
            blush=float(rng.uniform(0.1, 0.8)),
            freckles=float(rng.uniform(0.3, 1) if tone < 3 and rng.random() < 0.2 else 0.0),
            age=float(rng.beta(1.2, 3)),
            proportions={name: float(rng.uniform(*r)) for name, r in _FACTORS.items()},
            background=(
                _pastel(hues[0], rng.uniform(90, 215), rng.uniform(4, 40)),
                _pastel(hues[1], rng.uniform(70, 190), rng.uniform(4, 40)),
            ),
            background_angle=float(rng.uniform(0, 2 * math.pi)),
            spots=tuple(map(tuple, rng.uniform((0, 0, 0.08), (1, 0.7, 0.25), (3, 3)).tolist())),
            light=(float(side * rng.uniform(0.2, 1)), float(rng.uniform(-0.8, -0.1))),
        )


@dataclasses.dataclass(frozen=True)
class Pose:
    """How the head is held in the picture.

    Attributes:
        roll: turn in the picture plane, in degrees, clockwise positive.
        yaw: turn to the picture's right, in degrees; small, within about 20.
        scale: factor on the size of the head; 1 leaves a portrait's margin round it.
        shift: (x, y) of the head, as fractions of the picture's side.
    """

    roll: float = 0.0
    yaw: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> "Pose":
        """A random pose, mostly upright and frontal."""
        roll, yaw = np.clip(rng.normal(0, 1, 2), -2, 2) * (5, 6)
        x, y = rng.uniform(-0.035, 0.035, 2)
        return cls(float(roll), float(yaw), float(rng.uniform(0.93, 1.05)), (float(x), float(y)))

    def similarity(self, size: int) -> np.ndarray:
        """float64 (2, 3), face units -> pixels of a square picture `size` wide."""
        unit = self.scale * size / 4.4  # 4.4 face units: the head with air round it
        cosine, sine = (unit * f(math.radians(self.roll)) for f in (math.cos, math.sin))
        linear = np.array([[cosine, -sine], [sine, cosine]])
        center = (np.array([0.5, 0.5]) + self.shift) * size - 0.5
        return np.column_stack([linear, center - linear @ [0, 0.45]])


def _color(values: Iterable[float]) -> Color:
    red, green, blue = map(float, values)
    return red, green, blue


def _mix(a: Color, b: Color, share: float) -> Color:
    return _color([x + (y - x) * share for x, y in zip(a, b, strict=True)])


def _jitter(color: Color, rng: np.random.Generator, amount: float) -> Color:
    moved = np.add(color, rng.normal(0, amount)) + rng.normal(0, amount / 3, 3)
    return _color(np.clip(moved, 4, 252))


def _between(colors, position: float, rng: np.random.Generator, jitter: float) -> Color:
    first = min(int(position), len(colors) - 2)
    return _jitter(_mix(colors[first], colors[first + 1], position - first), rng, jitter)


def _pastel(hue: float, value: float, chroma: float) -> Color:
    wheel = np.cos(hue - np.array([0, 2, 4]) * math.pi / 3)
    return _color(np.clip(value + chroma * wheel, 8, 248))
