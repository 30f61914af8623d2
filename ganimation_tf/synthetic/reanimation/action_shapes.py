"""From action units to the shapes of the face model, and from blendshapes to the same shapes."""

from collections.abc import Mapping, Sequence

import numpy as np

from ganimation_tf.action_units import OPENFACE

ACTION_SHAPES: Mapping[str, Mapping[str, float]] = {
    "AU01": {"browInnerUp": 1.5},
    "AU02": {"browOuterUp": 1.25},
    "AU04": {"browDown": 2.1},
    "AU05": {"eyeWide": 1.5},
    "AU06": {"cheekSquint": 1.1, "cheekRaiser": 0.75, "eyeSquint": 0.35},
    "AU07": {"eyeSquint": 2.2, "eyeBlink": 0.2},
    "AU09": {"noseSneer": 0.72, "browDown": 0.35},
    "AU10": {"mouthUpperUp": 0.95},
    "AU12": {"mouthSmile": 1.0},
    "AU14": {"mouthDimple": 1.15, "mouthPress": 0.4},
    "AU15": {"mouthFrown": 1.6},
    "AU17": {"mouthShrugLower": 1.5, "mouthShrugUpper": 0.6},
    "AU20": {"mouthStretch": 1.4},
    "AU23": {"mouthPress": 0.9, "mouthRollUpper": 0.75, "mouthRollLower": 0.75, "mouthPucker": 0.3},
    "AU25": {"mouthLowerDown": 1.25, "jawOpen": 0.1, "mouthUpperUp": 0.12, "mouthFunnel": 0.15},
    "AU26": {"jawOpen": 0.66},
    "AU45": {"eyeBlink": 1.0},
}
"""Coefficients at intensity 1; a shape without side is shown on both."""

EXPONENTS: Mapping[str, float] = {"AU10": 0.75, "AU12": 1.25, "AU17": 0.85, "AU26": 0.9}
"""Powers of the intensity that make what MediaPipe's blendshapes read nearly proportional to it;
1 where not named."""

SIDED = tuple(f"{name}{side}" for name in OPENFACE for side in "LR")
"""Names of one side's action units, the person's left and right: `AU12L`."""

REST: Mapping[str, float] = {
    "eyeSquint": 0.35,
    "eyeBlink": 0.12,
    "browOuterUp": 0.2,
    "browInnerUp": 0.12,
    "mouthPucker": 0.25,
}
"""What MediaPipe's blendshapes read on a face at rest: taken off before they count.

A quarter of the portraits without a smile read more than that of brows and lips: arched brows and
full lips, which are the person's. Taken for an expression they would be flattened.
"""

MOST: Mapping[str, float] = {
    "browDown": 2.1,
    "eyeSquint": 2.2,
    "mouthPress": 1.0,
    "mouthSmile": 1.0,
}
"""What several action units together may reach of a shape that they share."""

_KEPT = ("eyeLook",)

Intensities = np.ndarray | Mapping[str, float]
"""float (17,) in the order of `action_units.OPENFACE`, or by name; each in [0, 1]."""


def coefficients(action_units: Intensities, names: Sequence[str]) -> np.ndarray:
    """float64 (E,): the expression's coefficients.

    Args:
        action_units: float (17,) in [0, 1] in the order of `action_units.OPENFACE`, or intensities
            by name, where `AU12L` is the person's left side of `AU12` and goes before it.
        names: the shapes of the face model.

    Raises:
        ValueError: if it is not 17 numbers in [0, 1], or a name is unknown.
    """
    strengths = dict.fromkeys(names, 0.0)
    for (name, side), intensity in by_side(action_units).items():
        strength = intensity ** EXPONENTS.get(name, 1.0)
        for shape, weight in ACTION_SHAPES[name].items():
            sided = f"{shape}_{side}"
            if sided in strengths:
                strengths[sided] += strength * weight
            elif shape in strengths:
                strengths[shape] += strength * weight / 2
    _settle(strengths)
    return np.array([strengths[name] for name in names])


def by_side(action_units: Intensities) -> dict[tuple[str, str], float]:
    """{(AU, "L" or "R"): intensity in [0, 1]} of what `coefficients` takes."""
    if isinstance(action_units, Mapping):
        unknown = [name for name in action_units if name not in (*OPENFACE, *SIDED)]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not an action unit; known: {' '.join(OPENFACE)}")
        both = {
            (name, side): float(action_units.get(f"{name}{side}", action_units.get(name, 0.0)))
            for name in OPENFACE
            for side in "LR"
        }
    else:
        values = np.asarray(action_units, np.float64)
        if values.shape != (len(OPENFACE),):
            raise ValueError(f"action_units must have shape ({len(OPENFACE)},), got {values.shape}")
        both = {
            (name, side): float(value)
            for name, value in zip(OPENFACE, values, strict=True)
            for side in "LR"
        }
    outside = [value for value in both.values() if not 0.0 <= value <= 1.0]  # also NaN
    if outside:
        raise ValueError(f"action_units must be in [0, 1], got {outside[0]}")
    return both


def expression_from_blendshapes(
    blendshapes: Mapping[str, float], names: Sequence[str]
) -> np.ndarray:
    """float64 (E,): the coefficients that MediaPipe's 52 blendshapes tell.

    Args:
        blendshapes: scores in [0, 1] by MediaPipe's names (`mouthSmileLeft`).
    """
    result = []
    for name in names:
        shape, _, side = name.partition("_")
        full = shape + {"L": "Left", "R": "Right", "": ""}[side]
        score = float(blendshapes.get(full, blendshapes.get(shape, 0.0)))
        rest = REST.get(shape, 0.0)
        result.append(max(0.0, score - rest) / (1 - rest))
    return np.array(result)


def kept(names: Sequence[str]) -> np.ndarray:
    """bool (E,): shapes that are no expression and stay as the portrait has them: the gaze."""
    return np.array([name.startswith(_KEPT) for name in names])


def _settle(result: dict[str, float]) -> None:
    """Limits what action units that pull at the same skin do together.

    A lid cannot be wide and closed, squinting adds nothing to a closed one, and a lip that the
    nose has raised is raised by less.
    """
    for name in result:
        shape = name.partition("_")[0]
        result[name] = min(result[name], MOST.get(shape, np.inf))
    for side in "LR":
        closed = min(result.get(f"eyeBlink_{side}", 0.0), 1.0)
        result[f"eyeBlink_{side}"] = closed
        for shape in ("eyeWide", "eyeSquint"):
            result[f"{shape}_{side}"] *= 1 - closed
        sneer = min(result[f"noseSneer_{side}"], 1.0)
        result[f"mouthUpperUp_{side}"] *= 1 - 0.2 * sneer
