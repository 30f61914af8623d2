"""Photographs shown again with any expression: faces with exact AUs and true targets.

A photograph is fitted with a free 3D face model, neutralised, and rendered with other action
units. People, hair, light and background are the photo's own. The same `View` with other action
units is the true target of that change: outside the moved face its pictures are equal to the bit.

    model = load_face_model(path)
    portrait = Portrait.from_photo(photo, landmarks, model, expression)
    view = View(portrait, transform, (128, 128))
    view.render(action_units).image
"""

import numpy as np

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.synthetic.reanimation.action_shapes import (
    Intensities,
    coefficients,
    expression_from_blendshapes,
)
from ganimation_tf.synthetic.reanimation.face_model import FaceModel
from ganimation_tf.synthetic.reanimation.portrait import Portrait, RejectedPortrait
from ganimation_tf.synthetic.reanimation.reading import load_face_model, read_obj_folder
from ganimation_tf.synthetic.reanimation.rendering import Rendering, Variation
from ganimation_tf.synthetic.reanimation.sampling import (
    sample_action_units,
    sample_expressions,
    sample_variation,
)
from ganimation_tf.synthetic.reanimation.skin import (
    Appearance,
    exchange_skin,
    skin_difference,
)
from ganimation_tf.synthetic.reanimation.view import View

__all__ = [
    "Appearance",
    "FaceModel",
    "Portrait",
    "RejectedPortrait",
    "Rendering",
    "Variation",
    "View",
    "coefficients",
    "exchange_skin",
    "expression_from_blendshapes",
    "load_face_model",
    "neutralise",
    "read_obj_folder",
    "reanimate",
    "sample_action_units",
    "sample_expressions",
    "sample_variation",
    "skin_difference",
]


def reanimate(
    image: np.ndarray,
    landmarks: np.ndarray,
    action_units: Intensities,
    face_model: FaceModel,
    expression: np.ndarray | None = None,
) -> Rendering:
    """The photograph with other action units, at its own size.

        >>> shown = gan.reanimate(photo, landmarks, {"AU12": 1.0}, head)
        >>> shown.image.shape == photo.shape
        True

    Args:
        image: uint8 (height, width, 3) RGB.
        landmarks: float (68, 2) in its pixels, the iBUG mark-up.
        action_units: float (17,) in [0, 1] in the order of `action_units.OPENFACE`, or a mapping
            of names to intensities, where `AU12L` is the person's left side of `AU12`.
        face_model: as `load_face_model` reads it.
        expression: float (E,), what the face shows already, from `expression_from_blendshapes` or
            `coefficients`; None: nothing. What is not known here stays in the picture.

    Returns:
        `image` uint8 (height, width, 3), `landmarks` float32 (68, 2) of the face that it shows, and
        `moved` bool (height, width): where it is no pixel of the photograph's.

    Raises:
        RejectedPortrait: with a reason code, if the photo cannot be used.
        ValueError: if the action units are not in [0, 1] or the image is not RGB.
    """
    portrait = Portrait.from_photo(image, landmarks, face_model, expression)
    low, high = portrait.box
    shift = np.array([[1.0, 0.0, low[0]], [0.0, 1.0, low[1]]])
    rendering = View(portrait, shift, (int(high[1] - low[1]), int(high[0] - low[0]))).render(
        action_units
    )
    result, moved = image.copy(), np.zeros(image.shape[:2], bool)
    place = np.s_[low[1] : high[1], low[0] : high[0]]
    result[place][rendering.moved] = rendering.image[rendering.moved]
    moved[place] = rendering.moved
    return Rendering(result, rendering.landmarks + low.astype(np.float32), moved)


def neutralise(
    image: np.ndarray,
    landmarks: np.ndarray,
    face_model: FaceModel,
    expression: np.ndarray | None = None,
) -> Rendering:
    """The photograph without expression.

        >>> calm = gan.neutralise(photo, landmarks, head)
        >>> calm.landmarks.shape
        (68, 2)

    Args:
        image, landmarks, face_model, expression: as `reanimate` takes them.

    Returns:
        As `reanimate`.

    Raises:
        RejectedPortrait, ValueError: as `reanimate` does.
    """
    return reanimate(image, landmarks, np.zeros(len(OPENFACE)), face_model, expression)
