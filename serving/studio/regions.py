"""Where on a face each AU acts, which muscle it is, and a small picture of it."""

from collections.abc import Mapping

import numpy as np

from ganimation_tf import synthetic
from ganimation_tf.action_units import DESCRIPTIONS, OPENFACE
from ganimation_tf.faces import images

REGIONS: Mapping[str, tuple[str, ...]] = {
    "Brows and forehead": ("AU01", "AU02", "AU04"),
    "Eyes": ("AU05", "AU06", "AU07", "AU45"),
    "Nose": ("AU09",),
    "Mouth": ("AU10", "AU12", "AU14", "AU15", "AU20", "AU23", "AU25"),
    "Chin and jaw": ("AU17", "AU26"),
}

MUSCLES: Mapping[str, str] = {
    "AU01": "frontalis, inner part: raises the inner ends of the brows",
    "AU02": "frontalis, outer part: raises the outer ends of the brows",
    "AU04": "corrugator supercilii: draws the brows down and together",
    "AU05": "levator palpebrae superioris: opens the eyes wide",
    "AU06": "orbicularis oculi, outer part: raises the cheeks, crow's feet",
    "AU07": "orbicularis oculi, inner part: narrows the eyes",
    "AU09": "levator labii superioris alaeque nasi: wrinkles the nose",
    "AU10": "levator labii superioris: raises the upper lip",
    "AU12": "zygomaticus major: pulls the corners of the lips up, a smile",
    "AU14": "buccinator: tightens the corners of the lips into dimples",
    "AU15": "depressor anguli oris: pulls the corners of the lips down",
    "AU17": "mentalis: pushes the chin and the lower lip up",
    "AU20": "risorius: stretches the lips sideways",
    "AU23": "orbicularis oris: tightens the lips",
    "AU25": "depressor labii, or a mentalis that lets go: parts the lips",
    "AU26": "masseter that lets go: drops the jaw",
    "AU45": "levator palpebrae that lets go: closes the eyes",
}
"""After the Facial Action Coding System (Ekman and Friesen 1978)."""

PICTURE_SIDE = 64
_PERSON = 3


def grouped(names: tuple[str, ...]) -> list[dict]:
    """The model's AUs by region, as the page shows them; those without a region come last."""
    placed = {au for units in REGIONS.values() for au in units}
    regions = {**REGIONS, "Other": tuple(name for name in names if name not in placed)}
    return [
        {"name": region, "units": [_unit(au) for au in units if au in names]}
        for region, units in regions.items()
        if any(au in names for au in units)
    ]


def _unit(name: str) -> dict:
    return {
        "name": name,
        "title": DESCRIPTIONS.get(name, name),
        "muscle": MUSCLES.get(name, ""),
        "drawn": name in OPENFACE,
    }


def picture(name: str) -> bytes:
    """PNG of a drawn face that shows one AU, as the project's synthetic faces do.

    Raises:
        KeyError: if it cannot be drawn.
    """
    if name not in OPENFACE:
        raise KeyError(name)
    person = synthetic.Identity.sample(np.random.default_rng([0, _PERSON, 0]))
    units = np.zeros(len(OPENFACE))
    units[OPENFACE.index(name)] = 1.0
    drawn = synthetic.render(person, units, 2 * PICTURE_SIDE)
    # The middle of the face at rest, so that all pictures show the same part.
    rest = synthetic.render(person, np.zeros(len(OPENFACE)), 2 * PICTURE_SIDE).landmarks
    left, top = np.round((rest.min(0) + rest.max(0) - PICTURE_SIDE) / 2).astype(int)
    return images.encode_png(drawn.image[top : top + PICTURE_SIDE, left : left + PICTURE_SIDE])
