"""The faces of a photo, found, turned upright and cut out as training cut them.

Google's face landmarker finds them (`landmarker`): BlazeFace for where a face is, on the whole
photo and on parts of it, since it sees only faces that fill a fifth of what it is shown; the face
mesh for whether it is one and for its points.
"""

import dataclasses
from collections.abc import Iterator

import cv2
import numpy as np

from ganimation_tf.errors import UserError
from ganimation_tf.faces import alignment, blazeface
from ganimation_tf.faces.landmarker import FaceLandmarker
from ganimation_tf.faces.mediapipe_points import landmarks_68

PARTS = (1, 2, 4)
"""Into how many parts each side of a photo is divided, level by level."""

SEARCHED = 2 * blazeface.SIDE * PARTS[-1]
"""Longest side of what is searched; the parts of a larger photo would be reduced anyway."""

FILLED = 0.25
"""Part of a picture's side from which BlazeFace sees a face for sure."""

PRESENCE = 0.5
"""What the mesh network must give a face to be one, in [0, 1]."""

SURROUNDINGS = 2.5
"""Side of what a face is looked for in once more, as a multiple of its own."""

SMALLEST = 6.0
"""Least distance between the eyes that is a face and no texture, in pixels."""


@dataclasses.dataclass(frozen=True)
class Face:
    """A face of a photo.

    Attributes:
        points: float32 (478, 3), the mesh, in pixels of the photo.
        anchors: float64 (3, 2), eyes and mouth, as `alignment.ANCHORS`.
        score: how sure the network is, in [0, 1].
    """

    points: np.ndarray
    anchors: np.ndarray
    score: float

    @property
    def box(self) -> np.ndarray:
        """float64 (4,): left, top, width, height of the mesh."""
        low, high = self.points[:, :2].min(0), self.points[:, :2].max(0)
        return np.concatenate([low, high - low]).astype(np.float64)

    @property
    def between_eyes(self) -> float:
        """Pixels from eye to eye."""
        return float(np.hypot(*(self.anchors[1] - self.anchors[0])))


class FaceFinder:
    """Finds faces, in one photo or from frame to frame. Not to be shared between threads."""

    def __init__(self, landmarker: FaceLandmarker | None = None):
        self._landmarker = landmarker or FaceLandmarker.load()

    def find(self, photo: np.ndarray, smallest: float = 0.0) -> list[Face]:
        """The faces in a photo, the largest first.

        Args:
            photo: uint8 (height, width, 3) RGB.
            smallest: side in pixels from which a face matters; the search ends sooner.
        """
        detections = self._detections(photo, smallest)
        meshes = [self._face(photo, one.box, one.roll) for one in detections]
        faces: list[Face] = []
        for face in sorted(filter(None, meshes), key=lambda face: -face.between_eyes):
            # A part of the photo that shows a cheek and a mouth can pass for a smaller face.
            if not any(within(face, other) for other in faces) and self._seen_again(photo, face):
                faces.append(face)
        return faces

    def follow(self, photo: np.ndarray, face: Face) -> Face | None:
        """The same face in the next frame, None where it is not seen near its last place."""
        roll = alignment.roll_of(alignment.crop_transform(face.anchors, alignment.CropSpec()))
        # Its last place is as good as what a first round would find.
        again = self._face(photo, face.box, float(np.deg2rad(roll)), rounds=1)
        return again if again and within(again, face) else None

    def _seen_again(self, photo: np.ndarray, face: Face) -> bool:
        """Whether a face is found too in the middle of a picture of itself and its surroundings.

        An ear or a wall that fills a part of the photo may pass for one; from farther away not.
        """
        side = SURROUNDINGS * face.box[2:].max()
        centre = face.box[:2] + face.box[2:] / 2
        scale = side / blazeface.SIDE
        middle = centre - scale * (blazeface.SIDE - 1) / 2
        transform = np.array([[scale, 0.0, middle[0]], [0.0, scale, middle[1]]])
        shown = alignment.crop(photo, transform, blazeface.SIDE)
        return any(
            np.abs(one.box[:2] + one.box[2:] / 2 - blazeface.SIDE / 2).max() < blazeface.SIDE / 6
            for one in self._landmarker.detect(shown)
        )

    def _face(
        self, photo: np.ndarray, box: np.ndarray, roll: float, rounds: int = 2
    ) -> Face | None:
        try:
            mesh = self._landmarker.landmarks(photo, box, roll, rounds)
        except ValueError:  # it lies outside of the photo
            return None
        anchors = alignment.anchors_from_landmarks(landmarks_68(mesh.points))
        face = Face(mesh.points, anchors, mesh.presence)
        return face if mesh.presence >= PRESENCE and face.between_eyes >= SMALLEST else None

    def _detections(self, photo: np.ndarray, smallest: float) -> list[blazeface.Detection]:
        """Of all levels, the surest first, one for each face."""
        height, width = photo.shape[:2]
        ratio = min(1.0, SEARCHED / max(height, width))
        if ratio < 1:
            size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
            photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        detections = []
        for left, top, part in _parts(photo, smallest * ratio):
            for one in self._landmarker.detect(part):
                shift = np.array([left, top], np.float64)
                box = np.concatenate([one.box[:2] + shift, one.box[2:]])
                detections.append(blazeface.Detection(box, one.points + shift, one.score))
        detections.sort(key=lambda one: -one.score)
        if not detections:
            return []
        rows = np.array([[*one.box, *one.points.ravel()] for one in detections])
        merged = blazeface.merge(rows, np.array([one.score for one in detections]))
        return [
            blazeface.Detection(row[:4] / ratio, row[4:].reshape(-1, 2) / ratio, score)
            for row, score in merged
        ]


def _parts(photo: np.ndarray, smallest: float) -> Iterator[tuple[int, int, np.ndarray]]:
    """Left, top and pixels: the photo, then squares of a part of its longer side that overlap by
    half, as long as such a face fills less than `FILLED` of them."""
    height, width = photo.shape[:2]
    for parts in PARTS:
        side = max(height, width) // parts
        if parts == 1:
            yield 0, 0, photo
        elif smallest >= FILLED * 2 * side:
            return
        elif side >= blazeface.SIDE // 2:
            for top in _starts(height, side):
                for left in _starts(width, side):
                    yield left, top, photo[top : top + side, left : left + side]


def _starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [0]
    count = int(np.ceil((length - side) / (side / 2))) + 1
    return np.linspace(0, length - side, count).round().astype(int).tolist()


def within(face: Face, other: Face) -> bool:
    """Whether the middle of a face lies in the box of another."""
    middle = face.anchors.mean(0) - other.box[:2]
    return bool((middle >= 0).all() and (middle <= other.box[2:]).all())


def choose(faces: list[Face], which: str, where: str) -> list[Face]:
    """Those of the faces that are meant.

    Args:
        faces: the largest first.
        which: `largest`, `all`, a number from 1, the largest being 1, or `X,Y`: the face at this
            pixel.
        where: the photo's name, for errors.

    Raises:
        UserError: if there is no such face or `which` is none of these.
    """
    if not faces:
        raise UserError(f"{where}: no face was found")
    if which == "all":
        return faces
    if which == "largest":
        return faces[:1]
    x, comma, y = which.partition(",")
    try:
        if comma:
            place = np.array([float(x), float(y)])
            nearest = min(faces, key=lambda face: np.hypot(*(face.anchors.mean(0) - place)))
            low, extent = nearest.box[:2], nearest.box[2:]
            if ((place < low) | (place > low + extent)).any():
                raise UserError(f"{where}: there is no face at {which}")
            return [nearest]
        number = int(which)
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"a face is largest, all, a number or X,Y; got {which!r}") from None
    if not 1 <= number <= len(faces):
        many = "1 face was" if len(faces) == 1 else f"{len(faces)} faces were"
        raise UserError(f"{where}: {many} found, there is no number {number}")
    return [faces[number - 1]]
