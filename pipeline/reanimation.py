"""Photos shown again with known Action Units: the faces that one photo becomes."""

import dataclasses
import functools
import pathlib
from collections.abc import Iterator, Sequence

from ganimation_tf.annotations.face import FaceAnnotation, choose_faces, face_key
from ganimation_tf.annotations.geometry import Geometry, GeometryError
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.faces.images import ImageError, Photo
from ganimation_tf.inputs import FileError
from ganimation_tf.synthetic.reanimation import FaceModel, RejectedPortrait, load_face_model
from ganimation_tf.synthetic.reanimation.faces import (
    EXPRESSIONS_PER_LOOK,
    Face,
    read_portrait,
    render_faces,
)
from ganimation_tf.synthetic.reanimation.sources import known_face
from pipeline import files

BLOCK = 8 * EXPRESSIONS_PER_LOOK
"""So many faces of a photo are a worker's task: the photo is fitted once for them."""


@dataclasses.dataclass(frozen=True)
class Reanimation:
    """What is made of each photo; plain values, since it is sent to workers.

    Attributes:
        face_model: path of the face model.
        faces: of each photo.
        seed: where the randomness starts.
    """

    face_model: str
    faces: int
    seed: int

    @property
    def blocks(self) -> range:
        """The numbers of a photo's tasks."""
        return range(-(-self.faces // BLOCK))

    def numbers(self, block: int) -> list[tuple[int, int]]:
        """(look, expression) of each face of a block."""
        wanted = range(block * BLOCK, min(self.faces, (block + 1) * BLOCK))
        return [divmod(number, EXPRESSIONS_PER_LOOK) for number in wanted]

    def of_rows(
        self,
        rows: Sequence[FaceAnnotation | Rejection],
        photo: Photo,
        task: tuple[str, int, str],
        geometry: Geometry,
        choice: tuple[str, float],
    ) -> Iterator[tuple[str, FaceAnnotation, Face] | Rejection]:
        """Name, annotation and picture of each face of one photo's block, or why there is none.

        Args:
            rows: all that the annotation says about the photo.
            photo: gives its pixels.
            task: the photo's key, the block's number, and the photo's file for messages.
            geometry: size and margin of the crops, and which faces are refused.
            choice: the policy and the least confidence of `choose_faces`.
        """
        key, block, file = task
        yield from (row for row in rows if isinstance(row, Rejection))
        found = [row for row in rows if isinstance(row, FaceAnnotation)]
        chosen, others = choose_faces(found, *choice)
        for face, code, message in others:
            yield Rejection(face_key(face), code, f"{face.where}: {message}", _file_of(face))
        for face in chosen:
            name = key if len(chosen) == 1 else face_key(face)
            try:
                yield from self._render(face, name, photo, block, geometry)
            except RejectedPortrait as error:
                yield Rejection(name, error.reason, f"{face.where}: {error}", _file_of(face))
            except GeometryError as error:
                yield Rejection(name, error.code, f"{face.where}: {error}", _file_of(face))
            except (FileError, ImageError) as error:
                yield Rejection(name, error.code, f"{file}: {error}", file)

    def _render(
        self, face: FaceAnnotation, name: str, photo: Photo, block: int, geometry: Geometry
    ) -> Iterator[tuple[str, FaceAnnotation, Face]]:
        model = face_model(self.face_model)
        known = known_face(face, model)
        anchors = geometry.anchors(face)
        if anchors is not None:
            geometry.transform(anchors)  # refuses what the limits refuse
        portrait, reduced = read_portrait(
            photo, known.landmarks, model, known.expression, geometry.crop
        )
        numbers = self.numbers(block)
        for made in render_faces(portrait, name, numbers, self.seed, geometry.crop):
            transform = made.transform * reduced
            transform[:, 2] += 0.5 * reduced - 0.5  # pixel centres lie at whole numbers
            yield name, face, dataclasses.replace(made, transform=transform)


@functools.lru_cache(maxsize=1)
def face_model(path: str) -> FaceModel:
    """The face model in a file.

    Raises:
        UserError: if it is none.
    """
    with files.local_copy(path) as local:
        return load_face_model(pathlib.Path(local))


def _file_of(face: FaceAnnotation) -> str:
    return face.where.rpartition(":")[0]
