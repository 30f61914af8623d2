"""From one key's image and annotation to records and rejections, one for each input."""

import contextlib
import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ganimation_tf import action_units
from ganimation_tf.action_units import OPENFACE
from ganimation_tf.annotations.face import AnnotationError, FaceAnnotation, choose_faces
from ganimation_tf.annotations.fit import GeometryError
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.data import records
from ganimation_tf.faces import images
from ganimation_tf.faces.decoded import Photo
from ganimation_tf.faces.video import VIDEO_SUFFIXES, Frames
from pipeline import files, reanimation
from pipeline.crops import crop_faces, read_photo
from pipeline.entries import LOOKED_AT, REJECTED, Entry
from pipeline.job import Job
from pipeline.same_video import require_same_video

Outcome = records.FaceRecord | Rejection


class RecordMaker:
    """Turns the entries of one key into records and rejections, and counts what it saw.

    Attributes:
        images: images and frames so far.
        inputs: number of inputs so far; counted where they are read, to be compared with the
            number of records and rejections, which are counted where they are written.
        clipped: AU values outside the source's scale so far, by AU.
        poses: head poses of the records so far, of those that have one.
    """

    def __init__(self, job: Job):
        self.job = job
        self.images = 0
        self.inputs = 0
        self.clipped: dict[str, int] = {}
        self.poses: list[np.ndarray] = []

    def outcomes(self, key: str, entries: Sequence[Entry]) -> Iterator[Outcome]:
        """One record or rejection for each input."""
        finds = self.job.reanimation is not None and self.job.reanimation.finds
        needed = [files.IMAGE] if finds else [files.ANNOTATION, files.IMAGE]
        if entries[0].block:  # what is wrong with a photo, its first part tells
            entries = [one for one in entries if one.kind in needed]
            if {one.kind for one in entries} != set(needed):
                return
        usable = []
        looked_at = None
        for entry in entries:
            if entry.kind == REJECTED:
                self.inputs += 1
                code, message = entry.reference
                yield Rejection(key, code, message, entry.file)
            elif entry.kind == LOOKED_AT:
                looked_at = entry
            else:
                usable.append(entry)
        usable = sorted(_join(usable), key=lambda entry: entry.kind)
        if [entry.kind for entry in usable] != needed:
            yield from self._unpaired(key, usable, looked_at)
        elif finds:
            yield from self._of_photo(key, *usable)
        else:
            annotation, image = usable
            yield from self._of_pair(key, image, annotation)

    def _unpaired(
        self, key: str, entries: Sequence[Entry], looked_at: Entry | None
    ) -> Iterator[Rejection]:
        """Why nothing comes of inputs that are not one image and one annotation."""
        if any(entry.block for entry in entries):
            return
        self.inputs += len(entries)
        self.images += sum(entry.kind == files.IMAGE for entry in entries)
        for entry in entries:
            if len(entries) > 1:
                others = ", ".join(other.file for other in entries if other is not entry)
                code, message = "ambiguous_key", f"has the same key {key!r} as {others}"
            elif entry.kind != files.IMAGE:
                code, message = "no_image", f"there is no image with the key {key!r}"
            elif looked_at:
                code, message = "no_face", f"{looked_at.file} is there, and no annotation with it"
            else:
                code, message = "no_annotation", f"there is no annotation with the key {key!r}"
            yield Rejection(key, code, f"{entry.file}: {message}", entry.file)

    def _of_pair(self, key: str, image: Entry, annotation: Entry) -> Iterator[Outcome]:
        said = self.job.reader.images(key, annotation.file, annotation.reference)
        try:
            require_same_video(self.job.reader, image, annotation)
            with self._photos(image) as photo:
                for index, name, rows in said:
                    if self.job.reanimation:
                        task = (name, image.block, image.file)
                        made = self.job.reanimation.of_rows(
                            rows, photo(index), task, self.job.geometry, self._choice
                        )
                        yield from self._reanimated(key, image.block, made)
                        continue
                    self.images += 1
                    yield from self._of_rows(key, name, rows, photo(index), image.file)
        except AnnotationError as error:
            if image.block:
                return
            self.inputs += 1
            yield Rejection(key, error.code, str(error), annotation.file)

    def _of_photo(self, key: str, image: Entry) -> Iterator[Outcome]:
        """What comes of a photo that needs no annotation."""
        assert self.job.reanimation is not None  # it alone finds faces itself
        with self._photos(image) as photo:
            task = (key, image.block, image.file)
            made = self.job.reanimation.of_photo(photo(0), task, self.job.geometry, self._choice)
            yield from self._reanimated(key, image.block, made)

    @property
    def _choice(self) -> tuple[str, float]:
        """The policy and the least confidence of `choose_faces`."""
        return self.job.policy, self.job.min_confidence

    @contextlib.contextmanager
    def _photos(self, image: Entry) -> Iterator[Callable[[int], Photo]]:
        """The frames of a video by their index, or a photo, whatever the index."""
        if image.file.lower().endswith(VIDEO_SUFFIXES):
            with Frames(image.reference, files.local_copy) as frames:
                yield frames.photo
        else:
            photo = functools.partial(read_photo, image.reference, self.job.max_pixels)
            yield lambda index: photo

    def _of_rows(
        self,
        source: str,
        key: str,
        rows: Sequence[FaceAnnotation | Rejection],
        photo: Photo,
        file: str,
    ) -> Iterator[Outcome]:
        """What comes of the rows of one image.

        Args:
            source: key of the image or clip, by which the split was chosen.
            key: of the image or frame.
            rows: all that the annotation says about it.
            photo: gives its pixels.
            file: the image or clip, for messages.
        """
        job = self.job
        self.inputs += len(rows)
        chosen, rejected = choose_faces(rows, *self._choice)
        yield from rejected
        alone = sum(isinstance(row, FaceAnnotation) for row in rows) == 1
        for face, outcome in crop_faces(photo, chosen, alone, job.geometry):
            name = key if len(chosen) == 1 else face.own_key
            if isinstance(outcome, GeometryError):
                yield face.rejection(outcome.code, str(outcome), name)
            elif isinstance(outcome, ValueError):
                yield Rejection(name, outcome.code, f"{file}: {outcome}", file)
            else:
                subject = job.sharding.subject(source, face.subject)
                yield self._record(name, subject, face, *outcome)

    def _reanimated(
        self, source: str, block: int, outcomes: Iterator[reanimation.Made | Rejection]
    ) -> Iterator[Outcome]:
        """The records of the faces that one block of a photo becomes.

        Each face that is made is an input, and so is each that cannot be.
        """
        for outcome in outcomes:
            if isinstance(outcome, Rejection):
                if not block:
                    self.inputs += 1
                    yield outcome
                continue
            name, face, made = outcome
            self.inputs += 1
            self.images += 1
            look = f"{name}_look_{made.look:04d}"
            shown = dataclasses.replace(
                face,
                action_units=OPENFACE,
                intensities=made.action_units,
                maximum=1.0,
                pose=None,
                pair=look,
            )
            subject = self.job.sharding.subject(source, face.subject)
            key = f"{look}_expr_{made.expression:03d}"
            yield self._record(key, subject, shown, made.rendering.image, made.transform)

    def _record(
        self, name: str, subject: str, face: FaceAnnotation, crop: np.ndarray, transform: np.ndarray
    ) -> records.FaceRecord:
        """The record of one face. `crop` is uint8 (size, size, 3)."""
        job = self.job
        intensities, clipped = action_units.normalise(face.intensities, face.maximum)
        if clipped:
            outside = (face.intensities < 0) | (face.intensities > face.maximum)
            for index in np.flatnonzero(outside).tolist():
                unit = face.action_units[index]
                self.clipped[unit] = self.clipped.get(unit, 0) + 1
        if face.pose is not None:
            self.poses.append(face.pose)
        return records.FaceRecord(
            image=images.encode_jpeg(crop, job.jpeg_quality),
            format="jpeg",
            size=job.crop.size,
            key=name,
            action_units=intensities,
            confidence=float(np.float32(face.confidence)),  # as it is stored
            subject=subject,
            transform=transform.astype(np.float32),
            pair=face.pair,
        )


def _join(entries: Sequence[Entry]) -> list[Entry]:
    """Makes one annotation of the parts that one file has to say about an image."""
    joined = []
    for (kind, file), group in itertools.groupby(entries, key=lambda entry: entry[1:3]):
        parts = list(group)
        if kind == files.ANNOTATION and len(parts) > 1:
            references = itertools.chain.from_iterable(part.reference for part in parts)
            parts = [Entry(parts[0].key, kind, file, list(references))]
        joined += parts
    return joined
