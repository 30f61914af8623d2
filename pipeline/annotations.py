"""What annotation readers hand over, and every reason for which an input is left out.

Each source is a module of `readers`, and what it offers fits `AnnotationReader`. Reading has two
steps, so that workers exchange file names and not rows where that is possible: `index` says which
image keys a file speaks of, with a small reference for each; `faces` turns one reference into
faces. A reader of one file per image takes the path for its reference and opens nothing in
`index`; a reader of a table reads in `index` and hands the parsed rows over. A reader of clips
takes the path, and `frames` walks through the clip's rows as the clip is decoded.

An input is a face row that belongs to an image; or an image with its annotation if that has no
usable face row; or a file without partner. Each input ends as one record or as one `Rejection`.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ganimation_tf.errors import CodedError

REASONS: Mapping[str, str] = {
    "no_annotation": "an image without annotation",
    "no_split": "the source's own lists of training and test images do not settle where it goes",
    "no_image": "an annotation without image",
    "ambiguous_key": "several images or several annotations have the same key",
    "bad_name": "the file's name is not valid UTF-8",
    "broken_link": "a link, called like a file that counts, leads to no file",
    "not_a_file": "something called like a file that counts is a directory or a device",
    "unreadable_directory": "a directory could not be listed, so what is in it is unknown",
    "unreadable_file": "the file system refused to give the file's bytes",
    "file_too_large": "the file is larger than any real one of its kind",
    "empty_image": "the image has 0 bytes",
    "unreadable_image": "the image is damaged",
    "unsupported_format": "the image is in no supported format, whatever its name says",
    "too_many_pixels": "the photo has more pixels than --max-megapixels",
    "empty_annotation": "the annotation has no text",
    "bad_annotation": "the annotation is no CSV text",
    "not_per_image": "the annotation describes a video",
    "unsafe_pickle": "the pickle refers to something other than numbers and arrays",
    "unreadable_video": "the video cannot be decoded",
    "no_frame": "the video has no frame of that number",
    "not_tracked": "the annotator had lost the face in this frame",
    "no_key": "a row does not say which image it is about",
    "missing_column": "a column is missing",
    "duplicate_column": "a column is there twice",
    "no_face": "the annotator found no face",
    "bad_row": "a row has another number of fields than the header",
    "bad_value": "a value is not a finite number",
    "duplicate_face": "two rows have the same face id",
    "no_landmarks": "the annotation has neither landmarks nor a box to crop by",
    "not_detected": "the detector does not find the annotated face",
    "low_confidence": "the annotator's confidence is below the threshold",
    "extra_face": "another face of the image was chosen",
    "several_faces": "the image has several faces and the policy is to reject those",
    "bad_geometry": "eyes and mouth fall together, or the crop cannot be computed",
    "too_small": "the face has fewer pixels than --min-face-size",
    "turned_away": "the head is turned further than --max-roll, --max-yaw or --max-pitch",
    "cut_off": "more of the crop than --max-outside lies outside the image",
    "blurred": "the crop is less sharp than --min-sharpness",
    "outside_image": "eyes or mouth lie outside the image: labels of another image or size",
}
"""Reason codes and what they mean; nothing is rejected for any other reason."""


@dataclasses.dataclass(frozen=True, order=True)
class Rejection:
    """One input that is not in the output.

    Attributes:
        key: the image's key, with `#face` behind it where one face of several is meant.
        code: a key of `REASONS`.
        message: the thing, the rule and the value, in one line.
        file: the file to look at, relative to the directory it was found in.
    """

    key: str
    code: str
    message: str
    file: str

    def __post_init__(self):
        if self.code not in REASONS:
            raise ValueError(f"{self.code!r} is not a reason code; add it to REASONS")

    def to_json(self) -> str:
        """One line of `rejected.jsonl`, without its line end."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)


class AnnotationError(CodedError, ValueError):
    """An annotation file of which no row can be used.

    Attributes:
        code: a key of `REASONS`.
    """


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

    def area(self) -> float:
        """Size of the face in square pixels: that of its box, else of its landmarks' extent."""
        if self.box is not None:
            return float(self.box[2] * self.box[3])
        if self.landmarks is not None:
            return float(np.prod(np.ptp(self.landmarks, axis=0)))
        return 0.0


class AnnotationReader(Protocol):
    """One source of annotations. Readers are pickled to workers, so they hold plain values only.

    Attributes:
        name: the source, as it stands in `dataset.json`.
        suffixes: what its files are called.
        image_suffixes: what the images or clips are called.
        action_units: the AUs that each face has, in order.
        maximum: top of the intensity scale.
        reads_index: whether `index` opens the file.
        clips: whether images are videos; then `frames` is called instead of `faces`.
        assigns: whether `assignment` may answer.
        subject_pattern: as `options.PreprocessOptions` has it, where the user gives none.
        beside: names of further files that are read from an annotation's directory.
    """

    name: str
    suffixes: Sequence[str]
    image_suffixes: Sequence[str]
    action_units: Sequence[str]
    maximum: float
    reads_index: bool
    clips: bool
    assigns: bool
    subject_pattern: str | None
    beside: Sequence[str]

    def image_key(self, file: str) -> str:
        """The key of an image file, by its name relative to where it was found."""

    def index(self, path: str, file: str) -> Iterator[tuple[str, Any] | Rejection]:
        """(image key, reference) for each image that the file speaks of.

        A key may come again, if its rows are not together in the file; its references are then
        lists, which are joined.

        Args:
            path: where to open the file.
            file: its name relative to the directory it was found in.
        """

    def assignment(self, reference: Any) -> tuple[str | None, str | None]:
        """The split and the subject that the source itself gives to an image."""

    def faces(self, key: str, file: str, reference: Any) -> list[FaceAnnotation | Rejection]:
        """The faces of one image; one entry for each row, a rejection where the row is unusable.

        Raises:
            AnnotationError: if no row can be used.
        """

    def frames(
        self, key: str, file: str, reference: Any
    ) -> Iterator[tuple[int, str, list[FaceAnnotation | Rejection]]]:
        """(index in the video from 0, key, faces) of each annotated frame, in ascending order.

        Raises:
            AnnotationError: if no further row can be used.
        """


def face_key(face: FaceAnnotation) -> str:
    """`image#face`: the name of one face of several."""
    return f"{face.key}#{face.face}"


def choose_faces(
    faces: Sequence[FaceAnnotation], policy: str, min_confidence: float
) -> tuple[list[FaceAnnotation], list[tuple[FaceAnnotation, str, str]]]:
    """Those of one image's faces that become records.

    Ties go to the other criterion, then to the earlier row.

    Args:
        faces: in the order of their rows.
        policy: a key of `options.POLICIES`.
        min_confidence: in [0, 1]; faces below it do not count as faces.

    Returns:
        The chosen faces, and (face, reason code, message) for each of the others.
    """
    sure = [face for face in faces if face.confidence >= min_confidence]
    rejected = [
        (face, "low_confidence", f"confidence {face.confidence:g} is below {min_confidence:g}")
        for face in faces
        if face.confidence < min_confidence
    ]
    if len(sure) < 2 or policy == "all":
        return sure, rejected
    if policy == "reject":
        message = f"the image has {len(sure)} faces and --faces is reject"
        return [], rejected + [(face, "several_faces", message) for face in sure]
    if policy == "largest":
        chosen = max(sure, key=lambda face: (face.area(), face.confidence))
    else:
        chosen = max(sure, key=lambda face: (face.confidence, face.area()))
    message = f"face {chosen.face} was chosen as the {policy.replace('-', ' ')}"
    others = [(face, "extra_face", message) for face in sure if face is not chosen]
    return [chosen], rejected + others
