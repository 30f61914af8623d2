"""Expressions as people show them: few AUs at a time, and those that belong together."""

import numpy as np

from ganimation_tf.action_units import OPENFACE

EXPRESSIONS: dict[str, tuple[float, dict[str, float]]] = {
    "neutral": (0.10, {}),
    "smile": (0.14, {"AU06": 0.8, "AU12": 1.0}),
    "laugh": (0.10, {"AU06": 0.9, "AU07": 0.4, "AU12": 1.0, "AU25": 1.0, "AU26": 0.6}),
    "surprise": (0.09, {"AU01": 1.0, "AU02": 1.0, "AU05": 0.8, "AU25": 0.6, "AU26": 1.0}),
    "anger": (0.09, {"AU04": 1.0, "AU05": 0.5, "AU07": 0.8, "AU23": 0.9}),
    "sadness": (0.09, {"AU01": 1.0, "AU04": 0.6, "AU15": 0.9, "AU17": 0.6}),
    "disgust": (0.08, {"AU04": 0.3, "AU09": 1.0, "AU10": 0.8, "AU17": 0.5}),
    "fear": (
        0.07,
        {"AU01": 0.9, "AU02": 0.6, "AU04": 0.5, "AU05": 0.9, "AU20": 0.9, "AU25": 0.7},
    ),
    "contempt": (0.05, {"AU14": 1.0, "AU12": 0.2}),
    "talk": (0.05, {"AU25": 0.8, "AU26": 0.4}),
}
"""name: (probability, intensities at their strongest). What is left to 1 is one to three single
AUs at random, so that every AU also occurs alone. After Ekman and Friesen's prototypes."""

_BLINKS = 0.03


def sample_expression(rng: np.random.Generator) -> np.ndarray:
    """A random expression.

    A prototype is shown at a strength between weak and full, and each of its AUs varies on its
    own by a third; now and then one of them is missing. In 3 % of the faces the eyes are closed
    or closing.

    Returns:
        float32 (17,) in [0, 1], in the order of `OPENFACE`.
    """
    names = list(EXPRESSIONS)
    odds = np.array([EXPRESSIONS[name][0] for name in names])
    drawn = int(np.searchsorted(np.cumsum(odds), rng.random(), side="right"))
    action_units = np.zeros(len(OPENFACE))
    if drawn < len(names):
        strength = rng.uniform(0.3, 1.0)
        for name, intensity in EXPRESSIONS[names[drawn]][1].items():
            shown = rng.random() > 0.1
            action_units[OPENFACE.index(name)] = (
                shown * strength * intensity * rng.uniform(0.67, 1.2)
            )
    else:
        chosen = rng.choice(len(OPENFACE), size=rng.integers(1, 4), replace=False)
        action_units[chosen] = rng.uniform(0.2, 1.0, len(chosen))
    if rng.random() < _BLINKS:
        action_units[OPENFACE.index("AU45")] = rng.uniform(0.4, 1.0)
    return np.clip(action_units, 0, 1).astype(np.float32)
