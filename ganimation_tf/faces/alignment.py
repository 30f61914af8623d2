"""Face geometry: from landmarks to an upright square crop, and back into the photo.

One crop for training and for use: the Beam job and `ganimation animate` both call `crop`.
Coordinates are (x, y) in pixels with pixel centres at whole numbers, as OpenCV has them.
"""

import dataclasses
import functools
import math

import cv2
import numpy as np

from ganimation_tf.faces import sampling
from ganimation_tf.faces.decoded import WHOLE, Reduction

ANCHORS = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, 1.04]])
"""Left eye, right eye and mouth of an average face, in units of the distance between the eyes,
from the point between the eyes. Left is the picture's left. The mouth is the mean over the 1332
faces of a real OpenFace annotation run."""

BOX_ANCHORS = np.array([[0.267, 0.399], [0.733, 0.399], [0.5, 0.748]])
"""The same points in a detector's box, from its top left corner, in units of its width and height.

Means over 274 faces of MTCNN's boxes, which reach from the hairline to the chin, against OpenFace's
landmarks; RetinaFace and others trained on WIDER FACE draw such boxes too. The crop that follows
is off by 3 % of its side in the middle (7 % in the worst of 20), its scale by 4 % (8 %), and the
face's roll is left in: landmarks are better wherever they are to be had."""

FACE_CENTER = np.array([0.0, 0.72])
FACE_SIDE = 2.4
"""The square that holds brows, jaw and chin of an average face, in the same units."""


MAX_COORDINATE = 1e6
"""No point of a photo is further out, in pixels; beyond it float arithmetic loses pixels."""


WARP_LIMIT = 32_766
"""OpenCV warps no image that is wider or higher, in pixels."""


@dataclasses.dataclass(frozen=True)
class CropSpec:
    """What a crop shows.

    Attributes:
        size: side of the crop in pixels.
        margin: what is added on each side of the face's square, as a fraction of its side.
    """

    size: int = 128
    margin: float = 0.15

    def __post_init__(self):
        if self.size < 8:
            raise ValueError(f"crop size must be at least 8 pixels, got {self.size}")
        if not 0.0 <= self.margin <= 2.0:
            raise ValueError(f"crop margin must be in [0, 2], got {self.margin}")


def anchors_from_landmarks(landmarks: np.ndarray) -> np.ndarray:
    """Eye centres and mouth centre of the 68 landmarks of OpenFace (the iBUG 300-W mark-up).

    The mouth's centre is the middle between its corners, not the corners themselves: a smile or
    a stretched mouth moves the corners apart and must not change the scale of the crop.

    Args:
        landmarks: float (68, 2) in pixels.

    Returns:
        float64 (3, 2): left eye, right eye, mouth, as in `ANCHORS`.

    Raises:
        ValueError: if the shape differs or a coordinate is not finite.
    """
    landmarks = np.asarray(landmarks, np.float64)
    if landmarks.shape != (68, 2):
        raise ValueError(f"landmarks must have shape (68, 2), got {landmarks.shape}")
    if not np.isfinite(landmarks).all():
        raise ValueError("landmarks must be finite")
    mouth = (landmarks[48] + landmarks[54]) / 2
    return np.stack([landmarks[36:42].mean(0), landmarks[42:48].mean(0), mouth])


def anchors_from_five_points(points: np.ndarray) -> np.ndarray:
    """The same anchors from a detector's five points: eyes, nose, mouth corners.

    Args:
        points: float (5, 2) in pixels: left eye, right eye, nose, left and right mouth corner.

    Returns:
        float64 (3, 2).
    """
    points = np.asarray(points, np.float64)
    if points.shape != (5, 2):
        raise ValueError(f"points must have shape (5, 2), got {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError("points must be finite")
    return np.stack([points[0], points[1], (points[3] + points[4]) / 2])


def anchors_from_box(box: np.ndarray) -> np.ndarray:
    """Where eyes and mouth of an upright face lie in a detector's box, as a rule.

    Args:
        box: float (4,): left, top, width, height in pixels.

    Returns:
        float64 (3, 2).

    Raises:
        ValueError: if the shape differs, the box has no extent, or it is too far out.
    """
    box = np.asarray(box, np.float64)
    if box.shape != (4,):
        raise ValueError(f"box must have shape (4,), got {box.shape}")
    if not (np.abs(box) < MAX_COORDINATE).all() or not (box[2:] > 0).all():
        raise ValueError(
            f"box must have positive width and height and lie within {MAX_COORDINATE:g} pixels, "
            f"got {box.tolist()}"
        )
    return box[:2] + BOX_ANCHORS * box[2:]


def crop_transform(anchors: np.ndarray, spec: CropSpec) -> np.ndarray:
    """The similarity that takes a crop pixel to the source pixel under it.

    Rotation, one scale and a shift are fitted by least squares, so that the face's anchors come
    to rest where `ANCHORS` says; a similarity keeps the proportions of the face.

    Args:
        anchors: float (3, 2) in source pixels, as `anchors_from_landmarks` returns them.

    Returns:
        float64 (2, 3).

    Raises:
        ValueError: if the anchors fall together in one point or are too far apart to compute with.
    """
    anchors = np.asarray(anchors, np.float64)
    if not (np.abs(anchors) < MAX_COORDINATE).all():  # also refuses NaN
        raise ValueError(
            f"eyes and mouth must be within {MAX_COORDINATE:g} pixels, got {anchors.tolist()}"
        )
    # A similarity is multiplication by a complex number: least squares has a closed form.
    target_mean, weights = _template(spec)
    source = [complex(x, y) for x, y in anchors.tolist()]
    source_mean = sum(source) / len(source)
    factor = sum(
        weight * (point - source_mean) for weight, point in zip(weights, source, strict=True)
    )
    if not abs(factor) > 1e-6:
        raise ValueError(f"eyes and mouth must be distinct points, got {anchors.tolist()}")
    shift = source_mean - factor * target_mean
    return np.array(
        [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]]
    )


@functools.cache
def _template(spec: CropSpec) -> tuple[complex, tuple[complex, ...]]:
    """The mean of the places x + iy of `ANCHORS` in the crop, and with which weight each counts.

    conj(t) / sum |t|^2 for the places t about their mean: least squares for a factor.
    """
    side = FACE_SIDE * (1 + 2 * spec.margin)
    unit = (spec.size - 1) / side  # crop pixels per distance between the eyes
    target = ((ANCHORS - FACE_CENTER + side / 2) * unit) @ [1, 1j]
    centred = target - target.mean()
    weights = centred.conj() / np.vdot(centred, centred).real
    return complex(target.mean()), tuple(weights.tolist())


def scale_of(transform: np.ndarray) -> float:
    """Source pixels per crop pixel."""
    return math.hypot(transform[0, 0], transform[1, 0])


def roll_of(transform: np.ndarray) -> float:
    """How far the face is turned in the picture plane, in degrees, clockwise positive."""
    return math.degrees(math.atan2(transform[1, 0], transform[0, 0]))


def crop(
    image: np.ndarray,
    transform: np.ndarray,
    size: int,
    reduction: Reduction = WHOLE,
) -> np.ndarray:
    """The crop as uint8 (size, size, 3); what lies outside the image is filled by reflection.

    A crop much smaller than its source is sampled from a reduced image, since bilinear sampling
    alone looks at four source pixels and would alias.

    Args:
        image: uint8 (height, width, 3).
        transform: (2, 3), crop pixel -> source pixel.
        size: side of the crop in pixels.
        reduction: how `image` lies on the source, if it is a reduced copy of it.

    Raises:
        ValueError: if the crop lies wholly outside the image or is very much larger than it.
    """
    transform = reduction.onto(np.asarray(transform, np.float64))
    corners = sampling.corners(transform, size)
    sampling.require_overlap(corners, image.shape[:2])
    reduce = int(scale_of(transform))
    if reduce >= 2 or max(image.shape) > WARP_LIMIT:
        left, top, right, bottom = sampling.region(corners, image.shape[:2], max(1, reduce))
        image = image[top:bottom, left:right]
        transform[:, 2] -= (left, top)
    if reduce >= 2:
        height, width = image.shape[:2]
        reduced = (max(1, height // reduce), max(1, width // reduce))
        image = cv2.resize(image, reduced[::-1], interpolation=cv2.INTER_AREA)
        transform = sampling.rescaled(transform, (height, width), reduced)
    return cv2.warpAffine(
        image,
        transform,
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )


def paste(image: np.ndarray, face: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """The photo with `face` put back where `crop` took it from, its edge faded over a tenth.

    Args:
        image: uint8 (height, width, 3).
        face: uint8 (size, size, 3).
        transform: (2, 3), crop pixel -> source pixel.

    Returns:
        uint8 (height, width, 3).
    """
    size = face.shape[0]
    inside = np.arange(size)
    to_edge = np.minimum(inside, inside[::-1]) / (0.1 * size)
    ramp = np.clip(to_edge, 0, 1)
    mask = np.minimum(ramp[:, None], ramp[None, :]).astype(np.float32)
    shape = (image.shape[1], image.shape[0])
    transform = np.asarray(transform, np.float64)
    laid = cv2.warpAffine(face, transform, shape, borderMode=cv2.BORDER_REPLICATE)
    weight = cv2.warpAffine(mask, transform, shape)[..., None]
    return np.round(laid * weight + image * (1 - weight)).astype(np.uint8)
