"""Inputs that are not in the output, and every reason for which one is left out.

An input is a face row that belongs to an image; or an image with its annotation if that has no
usable face row; or a file without partner. Each input ends as one record or as one `Rejection`.
"""

import dataclasses
import json
from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    "no_annotation": "an image without annotation",
    "no_split": "the source's own lists of training and test images do not settle where it goes",
    "no_image": "an annotation without image",
    "ambiguous_key": "several images or several annotations have the same key",
    "bad_name": "the file's name is not valid UTF-8",
    "broken_link": "a link, called like a file that counts, leads to no file",
    "sidecar": "a file ._NAME, which macOS leaves beside others: no picture and no table",
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
    "unknown_landmarks": "the landmarks are of no layout that is known",
    "duplicate_column": "a column is there twice",
    "no_face": "the annotator found no face",
    "bad_row": "a row has another number of fields than the header, or comes out of order",
    "bad_value": "a value is no finite number, or an intensity far outside of its scale",
    "duplicate_face": "two rows speak of the same face",
    "no_landmarks": "the annotation has neither landmarks nor a box to crop by",
    "not_detected": "the detector does not find the annotated face",
    "low_confidence": "the annotator's confidence is below the threshold",
    "extra_face": "another face of the image was chosen",
    "several_faces": "the image has several faces and the policy is to reject those",
    "bad_geometry": "eyes and mouth fall together, or the crop cannot be computed",
    "wrong_landmarks": "the landmarks are no upright face's: their order is another, or up is",
    "wrong_size": "the landmarks were measured on a picture of another size",
    "wrong_orientation": "the annotator read the pixels another way up than they are shown",
    "unknown_order": "which image is which frame of the annotation cannot be known",
    "drawing": "a picture that OpenFace drew of another one",
    "too_small": "the face has fewer pixels than --min-face-size",
    "turned_away": "the head is turned further than --max-roll, --max-yaw or --max-pitch, or than "
    "re-animation reaches",
    "cut_off": "more of the crop than --max-outside lies outside the image",
    "blurred": "the crop is less sharp than --min-sharpness",
    "bad_landmarks": "re-animation: the landmarks are not 68 finite points",
    "landmarks_elsewhere": "re-animation: the landmarks lie outside: those of another picture",
    "face_at_border": "re-animation: the face is cut off by the picture's edge",
    "too_wide": "re-animation: the photo has more pixels a side than can be warped",
    "eyes_too_small": "re-animation: the eyes have too few pixels to be shown moving",
    "eyes_closed": "re-animation: the eyes are closed, so nobody knows how they look",
    "residual": "re-animation: the face model does not fit: glasses, hands, other landmarks",
    "unlike": "re-animation: two portraits differ too much to exchange their skins",
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
