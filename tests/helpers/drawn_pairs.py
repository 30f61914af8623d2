"""Drawn faces as `evaluation.samples.Samples`: pairs, with a truth for every edit."""

import numpy as np

from ganimation_tf import synthetic
from ganimation_tf.action_units import OPENFACE
from ganimation_tf.evaluation.samples import Samples
from ganimation_tf.faces import alignment

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
    images, units, persons, keys = [], [], [], []
    for person in range(people):
        for expression in range(expressions):
            key = synthetic.key(person, expression)
            _, _, wanted = synthetic.reproduce(seed, person, expression)
            # No two faces have the same AUs: the oracle knows them by these.
            wanted = np.clip(wanted + 1e-4 * len(units), 0, 1 - 1e-6 * len(units))
            images.append(face(key, wanted, seed, crop))
            units.append(wanted)
            persons.append(f"person_{person:03d}")
            keys.append(key)
    return Samples(
        images=np.stack(images),
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
