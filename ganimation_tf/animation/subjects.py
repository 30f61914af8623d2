"""The faces of a photo that are edited: where each is, and what it shows."""

import dataclasses
import os
import pathlib

import numpy as np

from ganimation_tf import action_units, inputs
from ganimation_tf.animation.animator import Animator
from ganimation_tf.animation.compose import Composer
from ganimation_tf.animation.request import WHOLE, Request
from ganimation_tf.annotations import names
from ganimation_tf.annotations.face import FaceAnnotation
from ganimation_tf.errors import UserError
from ganimation_tf.faces import alignment, detector, finding, images, sampling

FEW_PIXELS = 20
"""Between the eyes: with fewer a face has hardly any features to move."""

MOSTLY_OUTSIDE = 0.35
"""Part of a crop that may lie outside of the photo before it is worth a word."""


@dataclasses.dataclass(frozen=True)
class Subject:
    """A face of the photo and what it is to show.

    Attributes:
        composer: puts it back.
        source: float32 (N,), what it shows.
        doubt: float32 (N,), how unsure that is; NaN where an annotation says it; None if it says
            all.
    """

    composer: Composer
    source: np.ndarray
    doubt: np.ndarray | None


def subjects_of(
    path: pathlib.Path, photo: np.ndarray, request: Request, animator: Animator
) -> tuple[list[Subject], list[str]]:
    """The faces that are meant, and what the user should know of them.

    Args:
        path: of the photo, for messages.
        photo: uint8 (height, width, 3).

    Raises:
        UserError: naming the file and what is wrong.
    """
    notes = [f"{path}: the first of its pictures is taken"] if images.is_animated(path) else []
    annotated = None
    if request.annotations is not None:
        from ganimation_tf.annotations.photo import face_in

        annotated = face_in(request.annotations, path)
        notes += _of_another_name(path, request.annotations, annotated)
        composers = [_annotated(path, photo, annotated, animator, notes)]
    elif request.crop == WHOLE:
        transform = centre_square(photo.shape[0], photo.shape[1], animator.image_size)
        composers = [Composer(photo, transform, animator.card.crop)]
    else:
        faces = animator.finder.find(photo)
        chosen = finding.choose(faces, request.face, str(path))
        if len(faces) > len(chosen):
            notes.append(
                f"{path}: {len(faces)} faces were found, {len(chosen)} of them is animated; "
                "choose with --face all, --face NUMBER or --face X,Y"
            )
        composers = [_composer(path, photo, face, animator, notes) for face in chosen]
    for composer in composers:
        outside = sampling.outside_fraction(
            composer.transform, animator.image_size, photo.shape[:2]
        )
        if outside > MOSTLY_OUTSIDE:
            notes.append(f"{path}: {outside:.0%} of the face's surroundings lie outside the photo")
    return [_subject(composer, annotated, animator) for composer in composers], notes


def _of_another_name(
    path: pathlib.Path, annotation: pathlib.Path, face: FaceAnnotation
) -> list[str]:
    """A note if an annotation of one photo is called like another, or its row names another."""
    if inputs.key_of(path.name) in (face.key, face.key.rpartition("/")[0]):
        return []
    own = inputs.key_of(os.path.abspath(path))
    if names.elsewhere(face.key, own):
        return [f"{annotation}: names {face.key}, not {path}: is it of this photo?"]
    if names.common_end(face.key, own):
        return []
    return [f"{annotation}: is called otherwise than {path.name}: is it of this photo?"]


def _composer(path, photo, face: finding.Face, animator: Animator, notes: list[str]) -> Composer:
    if face.between_eyes < FEW_PIXELS:
        notes.append(
            f"{path}: a face has {face.between_eyes:.0f} pixels between its eyes; from "
            f"{FEW_PIXELS} the result is worth looking at"
        )
    return animator.composer(photo, face)


def _annotated(
    path: pathlib.Path, photo: np.ndarray, face: FaceAnnotation, animator: Animator, notes: list
) -> Composer:
    """Where an annotated face is: by its points if there are any, else by the face finder."""
    anchors = face.anchors
    if anchors is None and face.landmarks is not None:
        anchors = alignment.anchors_from_landmarks(face.landmarks)
    if anchors is None:
        faces = finding.choose(animator.finder.find(photo), "all", str(path))
        best = faces[0]
        box = face.box
        if box is not None:
            best = max(faces, key=lambda one: detector.overlap(one.box, box))
            if not detector.overlap(best.box, box) > 0:
                raise UserError(f"{face.where}: no face that is found lies in the annotated box")
        elif len(faces) > 1:
            notes.append(
                f"{path}: {len(faces)} faces were found and the annotation does not say where its "
                "own is; the largest is taken"
            )
        return _composer(path, photo, best, animator, notes)
    height, width = photo.shape[:2]
    if (anchors < 0).any() or (anchors > [width, height]).any():
        raise UserError(
            f"{face.where}: eyes and mouth must lie in the photo of {width} x {height} pixels, "
            f"got {anchors.round().astype(int).tolist()}"
        )
    transform = alignment.crop_transform(anchors, animator.card.crop)
    return Composer(photo, transform, animator.card.crop)


def _subject(composer: Composer, annotated: FaceAnnotation | None, animator: Animator) -> Subject:
    """With the AUs that the annotation has; the others are estimated."""
    names = animator.action_units
    annotated_units = np.full(len(names), np.nan, np.float32)
    if annotated is not None:
        values, _ = action_units.normalise(annotated.intensities, annotated.maximum)
        by_name = dict(zip(annotated.action_units, values, strict=True))
        annotated_units = np.array([by_name.get(name, np.nan) for name in names], np.float32)
    if np.isfinite(annotated_units).all():
        return Subject(composer, annotated_units, None)
    estimate = animator.estimate_crop(composer.crop)
    known = np.isfinite(annotated_units)
    doubt = np.where(known, np.nan, animator.doubt(composer.crop, estimate))
    return Subject(composer, np.where(known, annotated_units, estimate).astype(np.float32), doubt)


def centre_square(height: int, width: int, size: int) -> np.ndarray:
    """(2, 3), crop pixel -> pixel of the largest square in the middle of a photo."""
    side = min(height, width)
    scale = side / size
    # Pixel centres: photo = (crop + 0.5) * scale - 0.5, from the corner of the square.
    shift = 0.5 * scale - 0.5
    left, top = (width - side) / 2, (height - side) / 2
    return np.array([[scale, 0.0, left + shift], [0.0, scale, top + shift]])
