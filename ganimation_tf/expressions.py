"""The eight expressions that have names, as AUs.

Their combinations are the ones of the Facial Action Coding System (Ekman and Friesen 1978; EMFACS),
as far as the 17 AUs of this project reach; the eight of them are the expressions of the Radboud
Faces Database (Langner et al. 2010).
"""

from collections.abc import Mapping, Sequence

import numpy as np

EXPRESSIONS: Mapping[str, Mapping[str, float]] = {
    "neutral": {},
    "happiness": {"AU06": 0.8, "AU12": 1.0},
    "sadness": {"AU01": 1.0, "AU04": 0.6, "AU15": 1.0},
    "surprise": {"AU01": 1.0, "AU02": 1.0, "AU05": 0.8, "AU26": 1.0},
    "fear": {
        **{"AU01": 1.0, "AU02": 0.6, "AU04": 0.7, "AU05": 1.0, "AU07": 0.5},
        **{"AU20": 1.0, "AU26": 0.6},
    },
    "anger": {"AU04": 1.0, "AU05": 0.5, "AU07": 0.8, "AU23": 1.0},
    "disgust": {"AU09": 1.0, "AU15": 0.6, "AU17": 0.6},
    "contempt": {"AU12": 0.3, "AU14": 1.0},
}
"""Name to AUs with their intensities at full strength. AUs that an expression does not name stay as
the face has them; `neutral` names none and takes all away."""


def prototypes(names: Sequence[str]) -> np.ndarray:
    """Each expression at full strength, float32 (8, N), in the order of `EXPRESSIONS`.

    Args:
        names: the N AUs; those that an expression has beside them are left out.
    """
    return np.array(
        [[units.get(name, 0.0) for name in names] for units in EXPRESSIONS.values()], np.float32
    )
