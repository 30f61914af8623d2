"""Do landmarks and pixels belong together? What is checked of each face, before it is cropped."""

import math

import numpy as np

from ganimation_tf.annotations import camera
from ganimation_tf.annotations.face import FaceAnnotation
from ganimation_tf.errors import InputError
from ganimation_tf.faces.alignment import MAX_COORDINATE
from ganimation_tf.faces.decoded import Decoded
from ganimation_tf.faces.orientation import AS_STORED

SLACK = 0.25
"""By how much parts of a face may lie against their order, in distances between the eyes. On 1370
faces of a real annotation run the least distance between any two is 0.07 the right way."""

MAX_ROLL = 60.0
"""Degrees by which a face may lie on its side in a photo that was turned upright."""


SAME = 0.05
"""By how much of itself a side that is told by head and landmarks may be off."""


class GeometryError(InputError):
    """A face of which no crop is made."""


def require_face(landmarks: np.ndarray, anchors: np.ndarray) -> None:
    """Refuses landmarks in another order than iBUG 300-W's, or of a face that is mirrored.

    From brows over eyes, nose and mouth to the chin one goes down, along the line from the eyes to
    the mouth, however the head is turned.

    Args:
        landmarks: float64 (68, 2) in pixels.
        anchors: float64 (3, 2), left eye, right eye and mouth of these landmarks.

    Raises:
        GeometryError: naming the first part that is out of its order.
    """
    left, right, mouth = anchors
    across = right - left
    unit = math.hypot(*across)
    down = mouth - (left + right) / 2
    length = math.hypot(*down)
    if not (0 < unit < MAX_COORDINATE and 0 < length < MAX_COORDINATE):
        return  # one point, or too far out: said where the crop is computed
    across, down = across / unit, down / length
    unit = max(unit, length)  # in profile the eyes come together
    parts = [
        ("brows", landmarks[17:27].mean(axis=0)),
        ("eyes", landmarks[36:48].mean(axis=0)),
        ("tip of the nose", landmarks[30]),
        ("mouth", mouth),
        ("chin", landmarks[8]),
    ]
    for (upper, above), (lower, below) in zip(parts[:-1], parts[1:], strict=True):
        if (below - above) @ down < -SLACK * unit:
            message = f"the {upper} must lie above the {lower}: the 68 points have another order"
            raise GeometryError("wrong_landmarks", message)
    # The picture's left is the left of who looks down the face: a mirrored mesh is another order.
    if across[0] * down[1] - across[1] * down[0] < 0:
        message = "left and right are exchanged: the 68 points have another order"
        raise GeometryError("wrong_landmarks", message)


def require_same_picture(face: FaceAnnotation, decoded: Decoded, roll: float) -> None:
    """Refuses landmarks that were measured on other pixels than those of the upright picture.

    Args:
        face: what the annotator says.
        decoded: the picture.
        roll: of the face in it, in degrees.

    Raises:
        GeometryError: if they do not fit.
    """
    height, width = decoded.shape
    turned = decoded.orientation != AS_STORED
    advice = "turn the pixels themselves, without EXIF or a video's header, and annotate them again"
    told = _size_told(face, (width, height))
    if told is not None:
        (across, down), about = told
        message = (
            f"was measured on {about}{across} x {down} pixels, the upright picture has "
            f"{width} x {height}"
        )
        if turned and abs(across - height) < SAME * height and abs(down - width) < SAME * width:
            raise GeometryError("wrong_orientation", f"{message}: {advice}")
        raise GeometryError("wrong_size", f"{message}: annotate the picture as it is now")
    if turned and face.as_stored:
        message = f"the annotator does not turn pictures, this one is turned upright: {advice}"
        raise GeometryError("wrong_orientation", message)
    if turned and abs(roll) > MAX_ROLL:
        message = f"lies on its side ({roll:.0f} degrees) in a picture that was turned upright"
        raise GeometryError("wrong_orientation", f"{message}: {advice}")


def _size_told(face: FaceAnnotation, size: tuple[int, int]) -> tuple[tuple[int, int], str] | None:
    """The size that the annotator's picture had, and `about ` before it where it is an estimate.

    None if it is `size`, as far as one can tell.
    """
    if face.frame_size is not None:
        width, height = (round(float(side)) for side in face.frame_size)
        return None if (width, height) == size else ((width, height), "")
    if face.position is None or face.landmarks is None:
        return None
    if camera.fits(face.landmarks, face.position, size):
        return None
    estimate = camera.frame_size(face.landmarks, face.position)
    return None if estimate is None else ((round(estimate[0]), round(estimate[1])), "about ")
