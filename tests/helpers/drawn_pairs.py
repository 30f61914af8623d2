"""Drawn faces as `evaluation.samples.Samples`: pairs, with a truth for every edit."""

import hashlib
import pathlib

import numpy as np

from ganimation_tf import synthetic
from ganimation_tf.action_units import OPENFACE
from ganimation_tf.data import manifest, records, tfrecord
from ganimation_tf.evaluation.samples import Samples
from ganimation_tf.faces import alignment, images

CROP = alignment.CropSpec(64)


def face(key: str, units: np.ndarray, seed: int = 0, crop=CROP) -> np.ndarray:
    """The crop of a face named as by `synthetic.key`, with other AUs.

    The crop is that of the person's first expression, so that faces of a person differ in
    expression only.
    """
    person = int(key.split("_")[1])
    who, pose, first = synthetic.reproduce(seed, person, 0)
    anchors = alignment.anchors_from_landmarks(synthetic.render(who, first, 128, pose).landmarks)
    transform = alignment.crop_transform(anchors, crop)
    return alignment.crop(synthetic.render(who, units, 128, pose).image, transform, crop.size)


def draw(people: int, expressions: int, seed: int = 0, crop=CROP) -> Samples:
    """`expressions` faces of each of some people, all of one pose: one pair for each person."""
    pictures, units, persons, keys = [], [], [], []
    for person in range(people):
        for expression in range(expressions):
            key = synthetic.key(person, expression)
            _, _, wanted = synthetic.reproduce(seed, person, expression)
            # No two faces have the same AUs: the oracle knows them by these.
            wanted = np.clip(wanted + 1e-4 * len(units), 0, 1 - 1e-6 * len(units))
            pictures.append(face(key, wanted, seed, crop))
            units.append(wanted)
            persons.append(f"person_{person:03d}")
            keys.append(key)
    return Samples(
        images=np.stack(pictures),
        action_units=np.stack(units).astype(np.float32),
        people=persons,
        keys=keys,
        pairs=persons,
        names=OPENFACE,
        crop=crop,
        digest=f"drawn {seed}",
    )


class Oracle:
    """Finds the truth by the AUs that it is asked for; gives `share` of the way there."""

    name = "oracle"

    def __init__(self, samples: Samples, share: float = 1.0):
        self.samples = samples
        self.action_units, self.crop = samples.names, samples.crop
        self.share = share

    def edit(self, images, source_aus, target_aus):
        made = []
        for image, source, target in zip(images, source_aus, target_aus, strict=True):
            truth = self._face(target, self._person(source))
            made.append(image + self.share * (truth - image))
        return np.stack(made)

    def estimate(self, images):
        return None

    def _rows(self, units):
        return np.flatnonzero((np.abs(self.samples.action_units - units) < 1e-6).all(1))

    def _person(self, units):
        return self.samples.people[self._rows(units)[0]]

    def _face(self, units, person):
        (row,) = [row for row in self._rows(units) if self.samples.people[row] == person]
        return self.samples.images[row].astype(np.float32) / 255


def write(directory: pathlib.Path, train: Samples, evaluation: Samples) -> manifest.Manifest:
    """A dataset of both, with every pair in its records."""
    directory.mkdir(parents=True)
    splits = {}
    for split, samples in ((manifest.TRAIN, train), (manifest.EVAL, evaluation)):
        path = directory / f"{split}-00000-of-00001.tfrecord"
        with path.open("wb") as file:
            for row in range(len(samples)):
                tfrecord.write(file, records.encode(_record(samples, row)))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        splits[split] = (manifest.Shard(path.name, len(samples), digest),)
    facts = manifest.Manifest(
        action_units=train.names,
        action_units_maximum=5.0,
        crop=train.crop,
        splits=splits,
        inputs=len(train) + len(evaluation),
        rejections={},
        clipped={},
        options={},
    )
    (directory / manifest.FILE).write_text(facts.to_json())
    return facts


def _record(samples: Samples, row: int) -> records.FaceRecord:
    return records.FaceRecord(
        image=images.encode_png(samples.images[row]),
        format="png",
        size=samples.crop.size,
        key=samples.keys[row],
        action_units=samples.action_units[row],
        confidence=1.0,
        subject=samples.people[row],
        transform=np.eye(2, 3, dtype=np.float32),
        pair=samples.pairs[row] or None,
    )
