"""The vocabulary of facial Action Units (AUs) and their intensities.

Intensities are [0, 1] everywhere in this project. OpenFace 2 writes [0, 5] (FACS A to E);
`normalise` is the one place where a source's scale is divided out.

The AU list of a dataset, a run or an export is data and travels with it. `OPENFACE` is only the
list of the source that most people have.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from ganimation_tf.errors import UserError

DESCRIPTIONS: Mapping[str, str] = {
    "AU01": "inner brow raiser",
    "AU02": "outer brow raiser",
    "AU04": "brow lowerer",
    "AU05": "upper lid raiser",
    "AU06": "cheek raiser",
    "AU07": "lid tightener",
    "AU09": "nose wrinkler",
    "AU10": "upper lip raiser",
    "AU12": "lip corner puller",
    "AU14": "dimpler",
    "AU15": "lip corner depressor",
    "AU17": "chin raiser",
    "AU20": "lip stretcher",
    "AU23": "lip tightener",
    "AU25": "lips part",
    "AU26": "jaw drop",
    "AU45": "blink",
}
"""AU to its name in the Facial Action Coding System (Ekman and Friesen 1978)."""

APPEARANCES: Mapping[str, str] = {
    "AU01": "the inner ends of the brows rise; with AU04, grief",
    "AU02": "the outer ends of the brows rise; with AU01, surprise",
    "AU04": "the brows come down and together",
    "AU05": "the eyes open wide, white shows above the iris",
    "AU06": "the cheeks rise and wrinkle the eyes' corners; with AU12, a felt smile",
    "AU07": "the lids tighten, the eyes narrow",
    "AU09": "the nose wrinkles; disgust",
    "AU10": "the upper lip rises in its middle",
    "AU12": "the corners of the mouth go up and out; a smile",
    "AU14": "the corners of the mouth tighten into dimples; contempt where one-sided",
    "AU15": "the corners of the mouth go down; sadness",
    "AU17": "the chin's boss wrinkles and pushes the lower lip up",
    "AU20": "the lips are stretched sideways; fear",
    "AU23": "the lips tighten and narrow; anger",
    "AU25": "the lips part",
    "AU26": "the jaw drops, the mouth opens",
    "AU45": "both eyes close",
}
"""What one sees when an AU is strong."""

OPENFACE: tuple[str, ...] = tuple(DESCRIPTIONS)
"""The 17 AUs for which OpenFace 2 estimates an intensity, in its order."""

OPENFACE_MAXIMUM = 5.0
"""The top of OpenFace's intensity scale."""


def normalise(intensities: np.ndarray, maximum: float) -> tuple[np.ndarray, int]:
    """Intensities of a source as the [0, 1] of this project.

    Args:
        intensities: float (..., N), in [0, maximum] if the source keeps its word.
        maximum: the top of the source's scale: 5 for OpenFace, 1 for py-feat.

    Returns:
        float32 (..., N) in [0, 1], and how many values had to be clipped.

    Raises:
        ValueError: if a value is not finite.
    """
    scaled = np.asarray(intensities, np.float64) / maximum
    if not np.isfinite(scaled).all():
        raise ValueError(f"AU intensities must be finite, got {np.asarray(intensities).tolist()}")
    clipped = np.clip(scaled, 0.0, 1.0)
    return clipped.astype(np.float32), int(np.count_nonzero(clipped != scaled))


def require_same(expected: Sequence[str], given: Sequence[str], where: str) -> None:
    """Refuses two AU lists that differ in names or order.

    Raises:
        UserError: naming `where` and both lists.
    """
    if list(expected) != list(given):
        raise UserError(
            f"{where}: the AU lists differ: expected {' '.join(expected)}; found {' '.join(given)}"
        )
