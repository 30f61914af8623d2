"""The record: one face crop with its Action Units, as a `tf.train.Example` without TensorFlow.

The only format between the Beam job and training. A Beam worker needs protobuf (whose encoder is
C) and `protos.example_pb2`, and not TensorFlow (560 MiB).
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from google.protobuf import message

from ganimation_tf.protos.example_pb2 import Example

IMAGE = "image/encoded"
FORMAT = "image/format"
HEIGHT = "image/height"
WIDTH = "image/width"
KEY = "image/key"
ACTION_UNITS = "face/action_units"
CONFIDENCE = "face/confidence"
SUBJECT = "face/subject"
TRANSFORM = "face/transform"
PAIR = "face/pair"
TARGET = "face/target_action_units"
"""No part of a dataset: what a request asks of the record's face, as `action_units`."""


@dataclasses.dataclass(frozen=True)
class FaceRecord:
    """One face, cropped and aligned.

    Attributes:
        image: the encoded square crop.
        format: "jpeg" or "png".
        size: height and width of the crop in pixels.
        key: stable id of the face: the image's key, and `#face` behind it where an image has
            several.
        action_units: float32 (N,) intensities in [0, 1], in the order of the dataset's list.
        confidence: the annotator's confidence in [0, 1].
        subject: identity or clip, or the key where neither is known; the split hashes it.
        transform: float32 (2, 3), crop pixel (x, y, 1) -> source pixel (x, y).
        pair: records of one value show the same person, pose and light in the same crop, and
            differ in expression only; None where there is none.
    """

    image: bytes
    format: str
    size: int
    key: str
    action_units: np.ndarray
    confidence: float
    subject: str
    transform: np.ndarray
    pair: str | None = None


def encode(record: FaceRecord) -> bytes:
    """The record as a serialized `tf.train.Example`, the same bytes on every machine."""
    example = Example()
    feature = example.features.feature
    feature[IMAGE].bytes_list.value.append(record.image)
    feature[FORMAT].bytes_list.value.append(record.format.encode())
    feature[HEIGHT].int64_list.value.append(record.size)
    feature[WIDTH].int64_list.value.append(record.size)
    feature[KEY].bytes_list.value.append(record.key.encode())
    feature[ACTION_UNITS].float_list.value.extend(record.action_units.tolist())
    feature[CONFIDENCE].float_list.value.append(record.confidence)
    feature[SUBJECT].bytes_list.value.append(record.subject.encode())
    feature[TRANSFORM].float_list.value.extend(np.ravel(record.transform).tolist())
    if record.pair is not None:
        feature[PAIR].bytes_list.value.append(record.pair.encode())
    return example.SerializeToString(deterministic=True)


def with_target(serialized: bytes, action_units: np.ndarray) -> bytes:
    """A record that asks for an edit, as the signature `edit_examples` takes it.

    Args:
        serialized: what `encode` returned.
        action_units: float (N,), the wanted intensities in [0, 1], in the record's order.
    """
    example = Example.FromString(serialized)
    example.features.feature[TARGET].float_list.value[:] = action_units.tolist()
    return example.SerializeToString(deterministic=True)


def decode(serialized: bytes) -> FaceRecord:
    """The inverse of `encode`.

    Raises:
        ValueError: naming the feature that is missing or has a wrong number of values; or if it
            is no `tf.train.Example`.
    """
    try:
        feature = Example.FromString(serialized).features.feature
    except message.DecodeError as error:
        raise ValueError(f"record: is no tf.train.Example: {error}") from None

    def values(name: str, kind: str, count: int | None = 1) -> Sequence:
        given = getattr(feature[name], kind).value if name in feature else []
        if count is not None and len(given) != count:
            raise ValueError(f"record: {name} must have {count} value(s), found {len(given)}")
        return given

    return FaceRecord(
        image=values(IMAGE, "bytes_list")[0],
        format=values(FORMAT, "bytes_list")[0].decode(),
        size=values(HEIGHT, "int64_list")[0],
        key=values(KEY, "bytes_list")[0].decode(),
        action_units=np.array(values(ACTION_UNITS, "float_list", None), np.float32),
        confidence=values(CONFIDENCE, "float_list")[0],
        subject=values(SUBJECT, "bytes_list")[0].decode(),
        transform=np.array(values(TRANSFORM, "float_list", 6), np.float32).reshape(2, 3),
        pair=values(PAIR, "bytes_list")[0].decode() if PAIR in feature else None,
    )
