"""Where the face of a portrait is and what it shows already: from annotations or a landmarker."""

import dataclasses
import hashlib
import pathlib
from collections.abc import Iterable
from typing import Protocol

import numpy as np

from ganimation_tf import action_units
from ganimation_tf.annotations.face import FaceAnnotation, choose_faces
from ganimation_tf.annotations.folder import Folder
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.faces import images
from ganimation_tf.faces.finding import Face, FaceFinder
from ganimation_tf.faces.landmarker import BLENDSHAPE_NAMES, FaceLandmarker
from ganimation_tf.faces.mediapipe_points import landmarks_68
from ganimation_tf.synthetic.reanimation.action_shapes import (
    coefficients,
    expression_from_blendshapes,
)
from ganimation_tf.synthetic.reanimation.face_model import FaceModel
from ganimation_tf.synthetic.reanimation.portrait import RejectedPortrait

MIN_CONFIDENCE = 0.8
"""Annotated faces below it are no faces, as `ganimation preprocess` has it."""


@dataclasses.dataclass(frozen=True, eq=False)
class KnownFace:
    """What has to be known of a face to re-animate it.

    Attributes:
        landmarks: float64 (68, 2) in pixels of the photo, the iBUG mark-up.
        expression: float64 (E,), what it shows, as `Portrait.from_photo` takes it.
        subject: who it is; None: nobody says.
    """

    landmarks: np.ndarray
    expression: np.ndarray
    subject: str | None = None


class Source(Protocol):
    """Anything that knows the faces of photos."""

    def known(self, key: str, path: pathlib.Path) -> tuple[KnownFace | None, list[Rejection]]:
        """The face of a photo to be re-animated, None if there is none; and the others of it.

        Raises:
            RejectedPortrait: if there is one that cannot be used.
        """


def digest_of(faces: Iterable[tuple[str, pathlib.Path, KnownFace]]) -> str:
    """SHA-256 over what re-animated faces follow from: names, photos and what is known of them."""
    digest = hashlib.sha256()
    for name, path, known in faces:
        photo = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{photo} {name!r} {known.subject!r}\n".encode(errors="surrogateescape"))
        for values in (known.landmarks, known.expression):
            digest.update(np.asarray(values, "<f8").tobytes())
    return digest.hexdigest()


def known_face(face: FaceAnnotation, model: FaceModel) -> KnownFace:
    """The face of an annotation; its Action Units tell the expression that is there.

    Raises:
        RejectedPortrait: if it has no landmarks.
    """
    if face.landmarks is None:
        message = "re-animation needs the 68 landmarks, and the annotation has none"
        raise RejectedPortrait("no_landmarks", message)
    intensities, _ = action_units.normalise(face.intensities, face.maximum)
    shown = dict(zip(face.action_units, intensities.tolist(), strict=True))
    shown = {name: value for name, value in shown.items() if name in action_units.OPENFACE}
    expression = coefficients(shown, model.expression_names)
    return KnownFace(face.landmarks, expression, face.subject)


class AnnotatedFaces:
    """Faces as the annotations of a folder have them; of several in a photo the largest.

    Args:
        where: the annotations, of any annotator.
        photos: the folder of the photos.
        model: the face model.

    Raises:
        UserError: as `Folder`.
    """

    def __init__(self, where: pathlib.Path, photos: pathlib.Path, model: FaceModel):
        self._folder = Folder(where, photos)
        self._model = model

    def known(self, key: str, path: pathlib.Path) -> tuple[KnownFace | None, list[Rejection]]:
        """As `Source.known`."""
        rows = self._folder.faces(key)
        if not rows:
            message = f"{path.name}: there is no annotation with the key {key!r}"
            return None, [Rejection(key, "no_annotation", message, path.name)]
        chosen, rejected = choose_faces(rows, "largest", MIN_CONFIDENCE)
        return (known_face(chosen[0], self._model) if chosen else None), rejected


class FoundFaces:
    """Faces as Google's face landmarker finds them; of several in a photo the largest.

    Args:
        model: the face model.
        landmarker: the networks; None: those of the installed distribution.

    Raises:
        UserError: if there are none.
    """

    def __init__(self, model: FaceModel, landmarker: FaceLandmarker | None = None):
        self._model = model
        self._landmarker = landmarker or FaceLandmarker.load(threads=1)
        self._finder = FaceFinder(self._landmarker)

    def known(self, key: str, path: pathlib.Path) -> tuple[KnownFace | None, list[Rejection]]:
        """As `Source.known`."""
        faces = self.find(images.decode(path.read_bytes()))
        if not faces:
            message = f"{path.name}: the landmarker finds no face"
            return None, [Rejection(key, "no_face", message, path.name)]
        message = f"{path.name}: face 0 was chosen as the largest"
        others = [
            Rejection(f"{key}#{number}", "extra_face", message, path.name)
            for number in range(1, len(faces))
        ]
        return self.read(faces[0]), others

    def find(self, photo: np.ndarray) -> list[Face]:
        """The faces in a photo, uint8 (height, width, 3) RGB, the largest first."""
        return self._finder.find(photo)

    def read(self, face: Face) -> KnownFace:
        """What has to be known of a face that was found."""
        points = face.points
        scores = self._landmarker.blendshapes(points).tolist()
        shown = dict(zip(BLENDSHAPE_NAMES, scores, strict=True))
        expression = expression_from_blendshapes(shown, self._model.expression_names)
        return KnownFace(landmarks_68(points).astype(np.float64), expression)
