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
    """A batch of `dataset.evaluation`: at most `count` faces of different people."""
    spec = {records.SUBJECT: tf.io.FixedLenFeature((), tf.string)}
    names = tf.data.TFRecordDataset(dataset.shard_paths(directory, manifest, split)).map(
        lambda data: tf.io.parse_single_example(data, spec)[records.SUBJECT]
    )
    chosen = choose(list(names.as_numpy_iterator()), count, seed)
    batches = dataset.evaluation(
        directory, manifest, batch_size=len(chosen), split=split, chosen=chosen
    )
    return next(iter(batches))
