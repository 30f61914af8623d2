"""AUs as the blendshapes of Google's face landmarker, which never saw an AU annotation of ours.

Blendshapes are monotonic in what AUs name but have a scale of their own: 0.5 of `mouthSmile` is no
intensity of AU12. Weights: Apache-2.0; data: Google's own photographs of people who agreed, fitted
with a face model (arXiv:2309.05782).
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from ganimation_tf.evaluation.judges.meshes import FaceMeshes
from ganimation_tf.faces.alignment import CropSpec
from ganimation_tf.faces.landmarker import BLENDSHAPE_NAMES, FaceLandmarker

SHAPES: Mapping[str, Sequence[str]] = {
    "AU01": ("browInnerUp",),
    "AU02": ("browOuterUpLeft", "browOuterUpRight"),
    "AU04": ("browDownLeft", "browDownRight"),
    "AU05": ("eyeWideLeft", "eyeWideRight"),
    "AU07": ("eyeSquintLeft", "eyeSquintRight"),
    "AU10": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "AU12": ("mouthSmileLeft", "mouthSmileRight"),
    "AU14": ("mouthDimpleLeft", "mouthDimpleRight"),
    "AU15": ("mouthFrownLeft", "mouthFrownRight"),
    "AU17": ("mouthShrugLower",),
    "AU20": ("mouthStretchLeft", "mouthStretchRight"),
    "AU23": ("mouthPressLeft", "mouthPressRight", "mouthRollUpper", "mouthRollLower"),
    "AU25": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "AU26": ("jawOpen",),
    "AU45": ("eyeBlinkLeft", "eyeBlinkRight"),
}
"""The blendshapes whose mean speaks of an AU. AU06 and AU09 have none: the network's `cheekSquint`
and `noseSneer` are always 0."""

_WEIGHTS = np.array(
    [[(name in shapes) / len(shapes) for name in BLENDSHAPE_NAMES] for shapes in SHAPES.values()]
)


class BlendshapeJudge:
    """A `Judge` by blendshapes."""

    name = "blendshapes"
    provenance = "blendshapes of MediaPipe's face landmarker (Apache-2.0; Google's own photographs)"
    action_units = tuple(SHAPES)
    on_scale = False

    def __init__(self, meshes: FaceMeshes):
        self.meshes = meshes

    @classmethod
    def load(cls) -> "BlendshapeJudge":
        """The judge of the installed landmarker.

        Raises:
            UserError: if it is not installed.
        """
        return cls(FaceMeshes(FaceLandmarker.load()))

    def read(self, images: np.ndarray, crop: CropSpec) -> np.ndarray:
        """See `Judge.read`; in [0, 1]."""
        rows = np.full((len(images), len(BLENDSHAPE_NAMES)), np.nan)
        for place, points in enumerate(self.meshes.read(images, crop)):
            if np.isfinite(points).all():
                rows[place] = self.meshes.landmarker.blendshapes(points)
        return rows @ _WEIGHTS.T

    def trained_on(self, dataset: str) -> Collection[str]:
        """Nobody of any dataset."""
        return ()
