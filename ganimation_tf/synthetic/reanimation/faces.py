"""The faces that one portrait gives: a person in several looks, each with several expressions.

A look is the person as photographed or varied (shape, light, pose). Its expressions differ in
nothing else and share one frame, so each is the true target of the others: a pair. Which faces come
is a function of the seed, the portrait's name and two numbers: neither order nor number of the
others takes part.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator

import numpy as np

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.faces import alignment
from ganimation_tf.faces.decoded import Photo, Reduction
from ganimation_tf.synthetic.reanimation.face_model import FaceModel
from ganimation_tf.synthetic.reanimation.portrait import Portrait
from ganimation_tf.synthetic.reanimation.rendering import Rendering, Variation
from ganimation_tf.synthetic.reanimation.sampling import sample_expressions, sample_variation
from ganimation_tf.synthetic.reanimation.view import SAMPLES, View

EXPRESSIONS_PER_LOOK = 8
"""The first of them is neutral."""

FRAME_MARGIN = 0.4776
"""Margin of a picture that is to be cropped later: of 192 pixels the middle 128 are the crop that
`alignment.CropSpec()` cuts, pixel for pixel."""


@dataclasses.dataclass(frozen=True, eq=False)
class Face:
    """One face of a portrait.

    Attributes:
        look, expression: its two numbers.
        action_units: float32 (17,) in [0, 1], in the order of `action_units.OPENFACE`.
        rendering: picture and landmarks.
        anchors: float64 (3, 2), eyes and mouth of the look without expression in its pixels.
        transform: float64 (2, 3), its pixel -> pixel of the photo.
    """

    look: int
    expression: int
    action_units: np.ndarray
    rendering: Rendering
    anchors: np.ndarray
    transform: np.ndarray


def read_portrait(
    photo: Photo,
    landmarks: np.ndarray,
    model: FaceModel,
    expression: np.ndarray,
    spec: alignment.CropSpec,
) -> tuple[Portrait, Reduction]:
    """A portrait, decoded no larger than frames of `spec` can show.

    Args:
        photo: gives its pixels.
        landmarks: (68, 2) in its pixels, the iBUG mark-up.
        model: the face model.
        expression: float (E,), as `Portrait.from_photo` takes it.
        spec: of the frames to come.

    Returns:
        The portrait, and how its pixels lie on those of the photo.

    Raises:
        FileError, ImageError: as `photo`.
        RejectedPortrait: if the photo cannot be used.
    """
    landmarks = np.asarray(landmarks, np.float64)
    try:
        frame = alignment.crop_transform(alignment.anchors_from_landmarks(landmarks), spec)
        scale = alignment.scale_of(frame) / SAMPLES
    except ValueError:  # which `from_photo` has a reason code for
        scale = 1.0
    decoded = photo(scale)
    landmarks = decoded.reduction.points(landmarks)
    portrait = Portrait.from_photo(decoded.pixels, landmarks, model, expression)
    return portrait, decoded.reduction


def render_faces(
    portrait: Portrait,
    name: str,
    numbers: Iterable[tuple[int, int]],
    seed: int,
    spec: alignment.CropSpec,
) -> Iterator[Face]:
    """Faces of a portrait.

    Args:
        portrait: the fitted photo.
        name: of the portrait, from which its randomness starts.
        numbers: (look, expression) of each, those of one look together. Look 0 is the person as
            photographed; expression 0 is neutral.
        seed: at least 0.
        spec: size and margin of the pictures.
    """
    last = -1
    for look, expression in numbers:
        if look != last:
            view, transform, shown, anchors = _look(portrait, name, look, seed, spec)
            last = look
        rendering = view.render(shown[expression])
        yield Face(look, expression, shown[expression], rendering, anchors, transform)


def _look(portrait: Portrait, name: str, look: int, seed: int, spec: alignment.CropSpec):
    """View, transform, expressions (8, 17) and anchors of a look."""
    digest = hashlib.sha256(name.encode(errors="backslashreplace")).digest()
    rng = np.random.default_rng([seed, int.from_bytes(digest[:8], "big"), look])
    shown = sample_expressions(rng, EXPRESSIONS_PER_LOOK)
    people = len(portrait.model.identity)
    variation = sample_variation(rng, people) if look else Variation()
    neutral = np.zeros(len(OPENFACE))
    points = View(portrait, variation=variation).landmarks(neutral)
    transform = alignment.crop_transform(alignment.anchors_from_landmarks(points), spec)
    view = View(portrait, transform, (spec.size, spec.size), variation)
    return view, transform, shown, alignment.anchors_from_landmarks(view.landmarks(neutral))


def numbers_of(portrait: int, portraits: int, count: int) -> list[tuple[int, int]]:
    """(look, expression) of the faces of portrait number `portrait`, of `count` over all.

    Portraits take turns look by look, so that each has as many as the others.
    """
    looks = range(portrait, -(-count // EXPRESSIONS_PER_LOOK), portraits)
    return [
        (look // portraits, expression)
        for look in looks
        for expression in range(min(EXPRESSIONS_PER_LOOK, count - look * EXPRESSIONS_PER_LOOK))
    ]
