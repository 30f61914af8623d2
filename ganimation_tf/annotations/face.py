"""What annotators say about one face, and which of an image's faces count."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.errors import InputError


class AnnotationError(InputError):
    """An annotation, or a row of one, that cannot be used."""


@dataclasses.dataclass(frozen=True)
class FaceAnnotation:
    """What the source says about one face.

    Attributes:
        key: the image's key.
        face: id of the face within the image.
        where: `file:row`, for messages.
        action_units: names, in the order of `intensities`.
        intensities: float64 (N,), finite, in the source's scale: [0, maximum] if it keeps its word.
        maximum: top of the source's scale.
        confidence: the annotator's confidence, in [0, 1].
        landmarks: float64 (68, 2) in pixels of the image, finite; None if the source has none.
        box: float64 (4,) left, top, width, height in pixels; None if the source has none.
        pose: float64 (3,) pitch, yaw and roll of the head in degrees, finite; None if the source
            has none.
        subject: identity or clip, where the source says it.
        pair: of faces that differ in expression only, where the source knows them: those of one
            name show the same person, pose and light, and have the same `anchors`.
        anchors: float64 (3, 2), eyes and mouth as `alignment.ANCHORS`, by which the face is cropped
            in place of its landmarks; None if the source has none.
        frame_size: float64 (2,) width and height in pixels of the picture that the annotator
            looked at; None if it does not say.
        position: float64 (3,) of the head in OpenFace's camera, from which the size of its picture
            can be told (see `camera`); None if the source has none.
        time: in seconds, when the frame is shown; None if the source does not say.
        as_stored: whether the annotator does not turn pictures that say how they are to be turned.
    """

    key: str
    face: str
    where: str
    action_units: Sequence[str]
    intensities: np.ndarray
    maximum: float
    confidence: float
    landmarks: np.ndarray | None = None
    box: np.ndarray | None = None
    pose: np.ndarray | None = None
    subject: str | None = None
    pair: str | None = None
    anchors: np.ndarray | None = None
    frame_size: np.ndarray | None = None
    position: np.ndarray | None = None
    time: float | None = None
    as_stored: bool = False

    def area(self) -> float:
        """Size of the face in square pixels: that of its box, else of its landmarks' extent."""
        if self.box is not None:
            return float(self.box[2] * self.box[3])
        if self.landmarks is not None:
            return float(np.prod(np.ptp(self.landmarks, axis=0)))
        return 0.0

    @property
    def own_key(self) -> str:
        """`image#face`: the name of one face of several."""
        return f"{self.key}#{self.face}"

    def rejection(self, code: str, message: str, key: str | None = None) -> Rejection:
        """Of this face.

        Args:
            code: a key of `rejections.REASONS`.
            message: the rule and the value; where the face is stands before it.
            key: the face's name; None: `own_key`.
        """
        file = self.where.rpartition(":")[0]
        return Rejection(key or self.own_key, code, f"{self.where}: {message}", file)


def choose_faces(
    rows: Sequence[FaceAnnotation | Rejection], policy: str, min_confidence: float
) -> tuple[list[FaceAnnotation], list[Rejection]]:
    """Those of one image's faces that become records, and the rejections of its other rows.

    Ties go to the other criterion, then to the earlier row.

    Args:
        rows: all that an annotation says about the image, in order.
        policy: a key of `options.POLICIES`.
        min_confidence: in [0, 1]; faces below it do not count as faces.
    """
    rejected = [row for row in rows if isinstance(row, Rejection)]
    faces = [row for row in rows if isinstance(row, FaceAnnotation)]
    sure = [face for face in faces if face.confidence >= min_confidence]
    rejected += [
        face.rejection(
            "low_confidence", f"confidence {face.confidence:g} is below {min_confidence:g}"
        )
        for face in faces
        if face.confidence < min_confidence
    ]
    if len(sure) < 2 or policy == "all":
        return sure, rejected
    if policy == "reject":
        message = f"the image has {len(sure)} faces and --faces is reject"
        return [], rejected + [face.rejection("several_faces", message) for face in sure]
    if policy == "largest":
        chosen = max(sure, key=lambda face: (face.area(), face.confidence))
    else:
        chosen = max(sure, key=lambda face: (face.confidence, face.area()))
    message = f"face {chosen.face} was chosen as the {policy.replace('-', ' ')}"
    others = [face.rejection("extra_face", message) for face in sure if face is not chosen]
    return [chosen], rejected + others
