"""Photos shown again with known Action Units: the faces that one photo becomes."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.annotations.face import FaceAnnotation, choose_faces
from ganimation_tf.annotations.forms import Form
from ganimation_tf.annotations.geometry import Geometry, GeometryError
from ganimation_tf.annotations.reader import AnnotatedImage, Part, Reader
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.faces.decoded import Photo
from ganimation_tf.faces.images import ImageError
from ganimation_tf.inputs import FileError
from ganimation_tf.synthetic.reanimation import RejectedPortrait
from ganimation_tf.synthetic.reanimation.faces import (
    EXPRESSIONS_PER_LOOK,
    Face,
    read_portrait,
    render_faces,
)
from ganimation_tf.synthetic.reanimation.sources import KnownFace, known_face
from pipeline.reanimation_files import face_model, finder, read_landmarker, read_model

BLOCK = 8 * EXPRESSIONS_PER_LOOK
"""So many faces of a photo are a worker's task: the photo is fitted once for them."""

Made = tuple[str, FaceAnnotation, Face]
"""Name of the face, what is known of it, and one picture of it."""


@dataclasses.dataclass(frozen=True)
class NoAnnotations(Reader):
    """In place of a reader where a landmarker finds the faces: there is nothing to read."""

    form: Form = Form("landmarker", "{name}", 1.0)
    action_units: Sequence[str] = OPENFACE
    maximum: float = 1.0
    suffixes: Sequence[str] = ()

    def index(self, path: str, file: str) -> Iterator[Part]:
        """None."""
        return iter(())

    def images(self, key: str, file: str, reference: Any) -> Iterator[AnnotatedImage]:
        """None."""
        return iter(())


@dataclasses.dataclass(frozen=True)
class Reanimation:
    """What is made of each photo; plain values, since it is sent to workers.

    Attributes:
        faces: of each photo.
        seed: where the randomness starts.
        model: path of the face model.
        model_digest: `FaceModel.digest` of what is in it.
        landmarker: path of the landmarker's file; None: that of the installed distribution.
        landmarker_digest: `FaceLandmarker.digest` of what is in it; None: annotations tell where
            the faces are.
    """

    faces: int
    seed: int
    model: str
    model_digest: str
    landmarker: str | None = None
    landmarker_digest: str | None = None

    @classmethod
    def of_files(
        cls, faces: int, seed: int, model: str, finds: bool, landmarker: str | None
    ) -> "Reanimation":
        """What is to be made with a face model, and a landmarker where one `finds` the faces.

        Raises:
            UserError: if a file cannot be read.
        """
        digest = read_landmarker(landmarker).digest if finds else None
        return cls(faces, seed, model, read_model(model).digest, landmarker, digest)

    @property
    def finds(self) -> bool:
        """Whether a landmarker finds the faces."""
        return self.landmarker_digest is not None

    @property
    def blocks(self) -> range:
        """The numbers of a photo's tasks."""
        return range(-(-self.faces // BLOCK))

    def numbers(self, block: int) -> list[tuple[int, int]]:
        """(look, expression) of each face of a block."""
        wanted = range(block * BLOCK, min(self.faces, (block + 1) * BLOCK))
        return [divmod(number, EXPRESSIONS_PER_LOOK) for number in wanted]

    def digests(self) -> dict[str, str]:
        """What stands for the options' files where it is remembered what a dataset was made from:
        sha256 of what is in them, wherever they lie."""
        digests = {"reanimate": self.model_digest, "landmarker": self.landmarker_digest}
        return {name: digest for name, digest in digests.items() if digest}

    def of_rows(
        self,
        rows: Sequence[FaceAnnotation | Rejection],
        photo: Photo,
        task: tuple[str, int, str],
        geometry: Geometry,
        choice: tuple[str, float],
    ) -> Iterator[Made | Rejection]:
        """The faces of one photo's block, or why there is none.

        Args:
            rows: all that the annotation says about the photo.
            photo: gives its pixels.
            task: the photo's key, the block's number, and the photo's file for messages.
            geometry: size and margin of the crops, and which faces are refused.
            choice: the policy and the least confidence of `choose_faces`.
        """
        known = functools.partial(known_face, model=face_model(self.model, self.model_digest))
        yield from self._of_faces(rows, known, photo, task, geometry, choice)

    def of_photo(
        self,
        photo: Photo,
        task: tuple[str, int, str],
        geometry: Geometry,
        choice: tuple[str, float],
    ) -> Iterator[Made | Rejection]:
        """As `of_rows`, of the faces that the landmarker finds."""
        key, _, file = task
        source = finder((self.model, self.model_digest), self.landmarker, self.landmarker_digest)
        try:
            detected = source.find(photo(1.0).pixels)
        except (FileError, ImageError) as error:
            yield Rejection(key, error.code, f"{file}: {error}", file)
            return
        if not detected:
            yield Rejection(key, "no_face", f"{file}: the landmarker finds no face", file)
            return
        known = {str(number): source.read(face) for number, face in enumerate(detected)}
        faces = [
            FaceAnnotation(
                key=key,
                face=number,
                where=f"{file}:face {number}",
                action_units=OPENFACE,
                intensities=np.zeros(len(OPENFACE)),
                maximum=1.0,
                confidence=face.score,
                landmarks=known[number].landmarks,
                box=face.box,
            )
            for number, face in zip(known, detected, strict=True)
        ]
        yield from self._of_faces(
            faces, lambda face: known[face.face], photo, task, geometry, choice
        )

    def _of_faces(
        self,
        rows: Sequence[FaceAnnotation | Rejection],
        known: Callable[[FaceAnnotation], KnownFace],
        photo: Photo,
        task: tuple[str, int, str],
        geometry: Geometry,
        choice: tuple[str, float],
    ) -> Iterator[Made | Rejection]:
        key, block, file = task
        chosen, rejected = choose_faces(rows, *choice)
        yield from rejected
        for face in chosen:
            name = key if len(chosen) == 1 else face.own_key
            try:
                yield from self._render(face, known(face), name, photo, block, geometry)
            except (RejectedPortrait, GeometryError) as error:
                yield face.rejection(error.code, str(error), name)
            except (FileError, ImageError) as error:
                yield Rejection(name, error.code, f"{file}: {error}", file)

    def _render(
        self,
        face: FaceAnnotation,
        known: KnownFace,
        name: str,
        photo: Photo,
        block: int,
        geometry: Geometry,
    ) -> Iterator[Made]:
        anchors = geometry.anchors(face)
        if anchors is not None:
            geometry.transform(anchors)  # refuses what the limits refuse
        portrait, reduction = read_portrait(
            photo,
            known.landmarks,
            face_model(self.model, self.model_digest),
            known.expression,
            geometry.crop,
        )
        for made in render_faces(portrait, name, self.numbers(block), self.seed, geometry.crop):
            transform = reduction.back(made.transform)
            yield name, face, dataclasses.replace(made, transform=transform)
