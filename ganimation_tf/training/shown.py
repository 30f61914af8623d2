"""Which faces the pictures of a run show: different people, chosen by seed."""

import pathlib

import numpy as np
import tensorflow as tf

from ganimation_tf.data import records
from ganimation_tf.data.manifest import Manifest
from ganimation_tf.training import dataset


def choose(subjects: list[bytes], count: int, seed: int) -> list[int]:
    """Positions of `count` faces, in order: another person each, and again only if they run out.

    Args:
        subjects: who each face shows.
    """
    rng = np.random.default_rng(seed)
    seen: dict[bytes, int] = {}
    turns = {}
    for position in rng.permutation(len(subjects)).tolist():
        turns[position] = seen[subjects[position]] = seen.get(subjects[position], -1) + 1
    # A stable sort: first faces of all people in random order, then second ones, ...
    return sorted(sorted(turns, key=turns.__getitem__)[:count])


def faces(
    directory: pathlib.Path, manifest: Manifest, split: str, count: int, seed: int
) -> dict[str, tf.Tensor]:
    """A batch as `dataset.evaluation` makes them, of at most `count` faces of different people.

    The target is the AUs of the next of them.
    """
    paths = dataset.shard_paths(directory, manifest, split)
    spec = {
        **dataset.feature_spec(len(manifest.action_units)),
        records.SUBJECT: tf.io.FixedLenFeature((), tf.string),
    }
    serialized = tf.data.TFRecordDataset(paths)
    names = serialized.map(lambda data: tf.io.parse_single_example(data, spec)[records.SUBJECT])
    chosen = choose(list(names.as_numpy_iterator()), count, seed)
    kept = serialized.enumerate().filter(lambda position, _: tf.reduce_any(position == chosen))
    parsed = [tf.io.parse_single_example(data, spec) for _, data in kept]
    units = tf.stack([record[records.ACTION_UNITS] for record in parsed])
    pictures = [
        dataset.decode_image(record[records.IMAGE], manifest.crop.size) for record in parsed
    ]
    return {
        dataset.IMAGE: tf.stack(pictures),
        dataset.ACTION_UNITS: units,
        dataset.TARGET: tf.roll(units, -1, axis=0),
    }
