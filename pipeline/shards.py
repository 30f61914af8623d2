"""From the names of images and annotations to one TFRecord file: the work of one Beam element.

Everything between reading a file's bytes and writing the record happens here in one process, one
image at a time: pixels never pass through the runner, and memory does not grow with the shard.
"""

import dataclasses
import hashlib
import itertools
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from ganimation_tf import action_units, faces, images, manifest, records, tfrecord
from pipeline import files
from pipeline.annotations import (
    AnnotationError,
    AnnotationReader,
    FaceAnnotation,
    Rejection,
    choose_faces,
    face_key,
)
from pipeline.progress import TEMPORARY, ShardProgress
from pipeline.sharding import Sharding

MAX_IMAGE_BYTES = 256 << 20
BAD_NAME = "bad_name"
"""Kind of an entry whose name no worker could be told: it is not valid UTF-8."""


class Entry(NamedTuple):
    """One input file, or one image's part of an annotation file.

    Attributes:
        key: what image and annotation have in common.
        kind: `files.IMAGE`, `files.ANNOTATION` or `BAD_NAME`.
        file: name relative to the directory it was found in.
        reference: the image's path, or what the annotation reader needs to find its faces.
    """

    key: str
    kind: str
    file: str
    reference: Any


@dataclasses.dataclass(frozen=True)
class Job:
    """What each worker has to know; plain values, since it is sent to other machines.

    Attributes:
        output: directory of the dataset.
        reader: the source of the annotations.
        sharding: the assignment of keys to shards.
        crop: size and margin of the crops.
        policy: a key of `options.POLICIES`.
        min_confidence: faces below it are rejected.
        jpeg_quality: of the crops, in [1, 100].
    """

    output: str
    reader: AnnotationReader
    sharding: Sharding
    crop: faces.CropSpec
    policy: str
    min_confidence: float
    jpeg_quality: int


@dataclasses.dataclass
class ShardFacts:
    """What came of one shard.

    Attributes:
        shard: the written file.
        entries: input files and annotated images that were assigned to it.
        inputs: inputs found in them, as `annotations` defines the word.
        rejected: how many of the inputs were rejected.
        clipped: AU values outside the source's scale, by AU.
    """

    shard: manifest.Shard
    entries: int
    inputs: int
    rejected: int
    clipped: dict[str, int]


def write_shard(
    name: str, entries: Sequence[Entry], job: Job
) -> tuple[ShardFacts, list[Rejection]]:
    """Writes the TFRecord file `name`, keys in sorted order.

    The file appears under its name only when it is complete. A second run of the same work, as
    runners do after a lost worker, writes the same bytes.
    """
    entries = sorted(entries, key=lambda entry: entry[:3])
    maker = _RecordMaker(job)
    rejections: list[Rejection] = []
    path = FileSystems.join(job.output, f"{TEMPORARY}{uuid.uuid4().hex}-{name}")
    digest, count = hashlib.sha256(), 0
    progress = ShardProgress(job.output, name)
    with FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        sink = _Digesting(file.write, digest.update)
        for key, group in itertools.groupby(entries, key=lambda entry: entry.key):
            group = list(group)
            for outcome in maker.outcomes(key, group):
                if isinstance(outcome, Rejection):
                    rejections.append(outcome)
                else:
                    tfrecord.write(sink, records.encode(outcome))
                    count += 1
            progress.add(images_in(group), len(rejections))
    FileSystems.rename([path], [FileSystems.join(job.output, name)])
    progress.write()
    shard = manifest.Shard(name, count, digest.hexdigest())
    facts = ShardFacts(shard, len(entries), maker.inputs, len(rejections), maker.clipped)
    return facts, rejections


def images_in(entries: Iterable[Entry]) -> int:
    """How many of the entries are images."""
    return sum(entry.kind == files.IMAGE for entry in entries)


class _Digesting:
    """The write method of a file, with a digest of what passes."""

    def __init__(self, write: Callable[[bytes], Any], update: Callable[[bytes], None]):
        self._write = write
        self._update = update

    def write(self, data: bytes) -> None:
        self._write(data)
        self._update(data)


class _RecordMaker:
    """Turns the entries of one key into records and rejections, and counts what it saw.

    Attributes:
        inputs: number of inputs so far; counted where they are read, to be compared with the
            number of records and rejections, which are counted where they are written.
        clipped: AU values outside the source's scale so far, by AU.
    """

    def __init__(self, job: Job):
        self.job = job
        self.inputs = 0
        self.clipped: dict[str, int] = {}

    def outcomes(
        self, key: str, entries: Sequence[Entry]
    ) -> Iterator[records.FaceRecord | Rejection]:
        """One record or rejection for each input."""
        kinds = [entry.kind for entry in entries]
        if sorted(kinds) == [files.ANNOTATION, files.IMAGE]:
            annotation, image = sorted(entries, key=lambda entry: entry.kind)
            yield from self._of_pair(key, image, annotation)
            return
        self.inputs += len(entries)
        for entry in entries:
            if entry.kind == BAD_NAME:
                code, message = "bad_name", "the name is not valid UTF-8"
            elif len(entries) > 1:
                others = ", ".join(other.file for other in entries if other is not entry)
                code, message = "ambiguous_key", f"has the same key {key!r} as {others}"
            elif entry.kind == files.IMAGE:
                code, message = "no_annotation", f"there is no annotation with the key {key!r}"
            else:
                code, message = "no_image", f"there is no image with the key {key!r}"
            yield Rejection(key, code, f"{entry.file}: {message}", entry.file)

    def _of_pair(
        self, key: str, image: Entry, annotation: Entry
    ) -> Iterator[records.FaceRecord | Rejection]:
        job = self.job
        try:
            rows = job.reader.faces(key, annotation.file, annotation.reference)
        except AnnotationError as error:
            self.inputs += 1
            yield Rejection(key, error.code, str(error), annotation.file)
            return
        self.inputs += len(rows)
        found = [row for row in rows if isinstance(row, FaceAnnotation)]
        yield from (row for row in rows if isinstance(row, Rejection))
        chosen, others = choose_faces(found, job.policy, job.min_confidence)
        for face, code, message in others:
            yield Rejection(face_key(face), code, f"{face.where}: {message}", annotation.file)
        if not chosen:
            return
        try:
            pixels = images.decode(files.read(image.reference, MAX_IMAGE_BYTES))
        except (images.ImageError, files.FileError) as error:
            for _ in chosen:
                yield Rejection(key, error.code, f"{image.file}: {error}", image.file)
            return
        for face in chosen:
            name = key if len(chosen) == 1 else face_key(face)
            yield self._record(name, face, pixels, annotation.file)

    def _record(
        self, name: str, face: FaceAnnotation, pixels: np.ndarray, file: str
    ) -> records.FaceRecord | Rejection:
        """The record of one face, or why there is none. `pixels` is uint8 (height, width, 3)."""
        job = self.job
        if face.landmarks is None:
            return Rejection(name, "no_landmarks", f"{face.where}: has no landmarks", file)
        anchors = faces.anchors_from_landmarks(face.landmarks)
        height, width = pixels.shape[:2]
        if not ((anchors >= -0.5) & (anchors <= [width - 0.5, height - 0.5])).all():
            points = " ".join(f"({x:.0f}, {y:.0f})" for x, y in anchors)
            message = f"eyes and mouth at {points} must lie inside the {width} x {height} image"
            return Rejection(name, "outside_image", f"{face.where}: {message}", file)
        try:
            transform = faces.crop_transform(anchors, job.crop)
            crop = faces.crop(pixels, transform, job.crop.size)
        except (ValueError, cv2.error) as error:
            message = " ".join(str(error).split())
            return Rejection(name, "bad_geometry", f"{face.where}: {message}", file)
        intensities, clipped = action_units.normalise(face.intensities, face.maximum)
        if clipped:
            outside = (face.intensities < 0) | (face.intensities > face.maximum)
            for index in np.flatnonzero(outside):
                unit = face.action_units[index]
                self.clipped[unit] = self.clipped.get(unit, 0) + 1
        return records.FaceRecord(
            image=images.encode_jpeg(crop, job.jpeg_quality),
            format="jpeg",
            size=job.crop.size,
            key=name,
            action_units=intensities,
            confidence=face.confidence,
            subject=job.sharding.subject(face.key),
            transform=transform.astype(np.float32),
        )
