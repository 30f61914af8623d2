"""The public functions about faces. Each imports what it needs when it is called.

Pictures are uint8 (height, width, 3) RGB arrays, AUs float in [0, 1]. A wrong argument raises
`ValueError`.
"""

import typing
from collections.abc import Mapping

import numpy as np

if typing.TYPE_CHECKING:
    from ganimation_tf.synthetic import Face


def align_face(
    photo: np.ndarray,
    landmarks: np.ndarray | None = None,
    size: int = 128,
    margin: float = 0.15,
) -> tuple[np.ndarray, np.ndarray]:
    """The upright crop of a face: the one that training sees and that a model is to be given.

        >>> face = gan.render_face({"AU12": 1.0}, size=192)
        >>> crop, transform = gan.align_face(face.image, face.landmarks, size=64)
        >>> crop.shape
        (64, 64, 3)

    Args:
        photo: uint8 (height, width, 3).
        landmarks: float (68, 2), x and y in pixels in iBUG's order, or (5, 2): eyes, nose, mouth
            corners, left before right in the picture. None: a detector finds the face (extra
            `faces`).
        size: S, side of the crop in pixels.
        margin: added on each side of the face's square, as a fraction of its side.

    Returns:
        uint8 (S, S, 3), and float64 (2, 3) that takes a crop pixel to the photo's, for
        `paste_face`.

    Raises:
        ValueError: if the landmarks have another shape or mark no face in the photo.
        UserError: if no face is found.
    """
    from ganimation_tf.faces import alignment

    if landmarks is None:
        from ganimation_tf.faces import detector

        landmarks = detector.find_face(photo)
    landmarks = np.asarray(landmarks, np.float64)
    five = landmarks.shape == (5, 2)
    of = alignment.anchors_from_five_points if five else alignment.anchors_from_landmarks
    transform = alignment.crop_transform(of(landmarks), alignment.CropSpec(size, margin))
    return alignment.crop(photo, transform, size), transform


def paste_face(photo: np.ndarray, face: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """The photo with a crop put back where `align_face` took it from, its edge faded.

        >>> drawn = gan.render_face({"AU12": 1.0}, size=192)
        >>> crop, transform = gan.align_face(drawn.image, drawn.landmarks, size=64)
        >>> gan.paste_face(drawn.image, crop, transform).shape
        (192, 192, 3)

    Args:
        photo: uint8 (height, width, 3).
        face: uint8 (S, S, 3).
        transform: float (2, 3) of `align_face`.

    Returns:
        uint8 (height, width, 3).
    """
    from ganimation_tf.faces import alignment

    return alignment.paste(photo, face, transform)


def render_face(
    action_units: Mapping[str, float] | np.ndarray, person: int = 0, size: int = 192
) -> "Face":
    """A drawn face with exactly these AUs, and where its landmarks lie.

        >>> smile = gan.render_face({"AU12": 1.0, "AU06": 0.6}, person=3)
        >>> smile.image.shape, smile.landmarks.shape
        ((192, 192, 3), (68, 2))

    Args:
        action_units: name to intensity in [0, 1], the others 0; or float (17,), in the order of
            `ACTION_UNITS`.
        person: which person; the same number draws the same one.
        size: side of the picture in pixels, at least 32.

    Returns:
        `image` uint8 (size, size, 3) and `landmarks` float32 (68, 2), x and y in pixels.

    Raises:
        ValueError: if an AU is unknown or its intensity is not in [0, 1].
    """
    from ganimation_tf import synthetic
    from ganimation_tf.action_units import OPENFACE

    if isinstance(action_units, Mapping):
        if unknown := sorted(action_units.keys() - set(OPENFACE)):
            raise ValueError(f"{unknown[0]!r} is not one of the AUs {' '.join(OPENFACE)}")
        action_units = np.array([action_units.get(name, 0.0) for name in OPENFACE])
    identity, pose, _ = synthetic.reproduce(0, person, 0)
    return synthetic.render(identity, np.asarray(action_units), size, pose)
