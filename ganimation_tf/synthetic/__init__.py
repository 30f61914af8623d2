"""Synthetic faces with known truth: the data that comes with the project.

`render(identity, action_units, size, pose)` draws a portrait of an illustrated person with any
expression, and tells where its landmarks are. The same identity and pose with another AU vector
is the TRUE target image of that change, which no data set of photos has.

Everything is drawn from numpy Generators: the same seed gives the same pixels, whatever the
number of threads and however many other faces are drawn.
"""

import dataclasses

import numpy as np

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.synthetic.canvas import Canvas
from ganimation_tf.synthetic.expression import EXPRESSIONS, sample_expression
from ganimation_tf.synthetic.identity import HAIR_STYLES, Identity, Pose
from ganimation_tf.synthetic.portrait import paint
from ganimation_tf.synthetic.shape import expressed, neutral

__all__ = [
    "EXPRESSIONS",
    "EXPRESSIONS_PER_POSE",
    "HAIR_STYLES",
    "MIN_SIZE",
    "Face",
    "Identity",
    "Pose",
    "key",
    "neutral_landmarks",
    "pair_of",
    "render",
    "reproduce",
    "sample_expression",
]

MIN_SIZE = 32
"""Smallest side of a picture in pixels; below it eyes are a pixel high."""


EXPRESSIONS_PER_POSE = 4
"""So many expressions of a person are shown in one pose: pairs of which each has three."""


@dataclasses.dataclass(frozen=True, eq=False)
class Face:
    """A drawn face.

    Attributes:
        image: uint8 (size, size, 3) RGB.
        landmarks: float32 (68, 2), x and y in pixels, pixel centres at whole numbers, in the
            order of the iBUG 300-W mark-up that OpenFace uses.
    """

    image: np.ndarray
    landmarks: np.ndarray


def render(
    identity: Identity, action_units: np.ndarray, size: int, pose: Pose | None = None
) -> Face:
    """The portrait of `identity` with an expression.

    Args:
        action_units: float (17,) in [0, 1], in the order of `action_units.OPENFACE`.
        size: side of the picture in pixels, at least 32.
        pose: frontal and upright if not given.

    Raises:
        ValueError: if the AUs are not 17 numbers in [0, 1] or the size is too small.
    """
    intensity = np.asarray(action_units, np.float64)
    if intensity.shape != (len(OPENFACE),):
        raise ValueError(f"action_units must have shape ({len(OPENFACE)},), got {intensity.shape}")
    if not ((intensity >= 0) & (intensity <= 1)).all():  # also refuses NaN
        raise ValueError(f"action_units must be in [0, 1], got {intensity.tolist()}")
    if size < MIN_SIZE:
        raise ValueError(f"size must be at least {MIN_SIZE} pixels, got {size}")
    pose = pose or Pose()
    shape = expressed(neutral(identity.proportions), intensity)
    canvas = Canvas(size, pose.similarity(size), np.radians(pose.yaw))
    paint(canvas, identity, shape, dict(zip(OPENFACE, intensity.tolist(), strict=True)))
    return Face(canvas.result(), canvas.to_result(shape).astype(np.float32))


def neutral_landmarks(identity: Identity, size: int, pose: Pose) -> np.ndarray:
    """float32 (68, 2): the landmarks of the face without expression, as `Face.landmarks`."""
    shape = expressed(neutral(identity.proportions), np.zeros(len(OPENFACE)))
    canvas = Canvas(size, pose.similarity(size), np.radians(pose.yaw))
    return canvas.to_result(shape).astype(np.float32)


def key(person: int, expression: int) -> str:
    """The name of a face: `person_00012_expr_003`; what precedes `_expr` is the subject."""
    return f"person_{person:05d}_expr_{expression:03d}"


def pair_of(person: int, expression: int) -> str:
    """The name that faces of one person in one pose share: `person_00012_pose_000`."""
    return f"person_{person:05d}_pose_{expression // EXPRESSIONS_PER_POSE:03d}"


def reproduce(seed: int, person: int, expression: int) -> tuple[Identity, Pose, np.ndarray]:
    """What face number `expression` of `person` shows; independent of all other faces.

    `EXPRESSIONS_PER_POSE` expressions that follow each other have one pose: each is the true target
    of the others. To get that of any other AU vector, render it with the same identity and pose.

    Returns:
        The identity, the pose, and the AUs as float32 (17,) in [0, 1].
    """
    identity = Identity.sample(np.random.default_rng([seed, person, 0]))
    first = expression - expression % EXPRESSIONS_PER_POSE
    pose = Pose.sample(np.random.default_rng([seed, person, 1 + first]))
    rng = np.random.default_rng([seed, person, 1 + expression])
    Pose.sample(rng)  # what follows in this generator is the expression
    return identity, pose, sample_expression(rng)
