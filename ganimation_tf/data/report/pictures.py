"""Small pictures of the faces that statistics point to, read from where the records lie."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO

import cv2
import numpy as np

from ganimation_tf.data import records
from ganimation_tf.faces import images

SIZE = 112
"""Side of the small pictures in pixels."""

_QUALITY = 85

Place = tuple[str, int]
"""TFRecord file, and offset of the record in it."""


def chosen_faces(facts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All faces that the statistics point to: samples, the doubtful and the AUs' strongest."""
    splits = facts["splits"].values()
    groups = [split[name] for split in splits for name in ("sample", "doubtful")]
    return [face for group in (*groups, *facts["strongest"].values()) for face in group]


def read_records(
    faces: Iterable[Mapping[str, Any]], open_shard: Callable[[str], BinaryIO]
) -> dict[Place, records.FaceRecord]:
    """The records of these faces; each file is opened once.

    Args:
        faces: with `file`, `offset` and `length`, as in `statistics.json`.
        open_shard: opens a file by its name in the dataset, for reading and seeking.

    Raises:
        ValueError: if there is no record in one of the places.
    """
    places: dict[str, set[tuple[int, int]]] = {}
    for face in faces:
        places.setdefault(face["file"], set()).add((face["offset"], face["length"]))
    serialized = {}
    for file, wanted in sorted(places.items()):
        with open_shard(file) as shard:
            for offset, length in sorted(wanted):
                shard.seek(offset)
                serialized[file, offset] = records.decode(shard.read(length))
    return serialized


@dataclasses.dataclass(frozen=True)
class Picture:
    """A small picture, and what is on it.

    Attributes:
        jpeg: encoded, square, at most `SIZE` pixels.
        action_units: float32 (N,) in [0, 1].
    """

    jpeg: bytes
    action_units: np.ndarray


def pictures(
    facts: Mapping[str, Any], open_shard: Callable[[str], BinaryIO]
) -> dict[Place, Picture]:
    """The small picture of each face that the statistics point to; see `read_records`."""
    records = read_records(chosen_faces(facts), open_shard)
    return {place: _picture(record) for place, record in records.items()}


def _picture(record: records.FaceRecord) -> Picture:
    pixels = images.decode(record.image)
    if record.size > SIZE:
        pixels = cv2.resize(pixels, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return Picture(images.encode_jpeg(pixels, _QUALITY), record.action_units)
