"""TFRecords to the batches of `GANimation.train_step`, deterministic by seed and position.

Every random number of training (order, flips, target AUs, the penalty's epsilon) is drawn here,
one per example from (seed, position), never in the training step: the replicas of a distribution
strategy would all draw the same numbers there. It also means that a run can go on at any step
with the very examples that it would have seen.
"""

import math
import pathlib

import keras
import numpy as np
import tensorflow as tf

from ganimation_tf.config import TrainConfig
from ganimation_tf.data import manifest as manifest_lib
from ganimation_tf.data import records
from ganimation_tf.errors import UserError
from ganimation_tf.training import targets

IMAGE = "image"
ACTION_UNITS = "action_units"
TARGET = "target_action_units"
EPSILON = "epsilon"

SHUFFLE_BUFFER = 10_000


def feature_spec(action_units: int) -> dict[str, tf.io.FixedLenFeature]:
    """What training reads of a record with `action_units` AUs."""
    return {
        records.IMAGE: tf.io.FixedLenFeature((), tf.string),
        records.ACTION_UNITS: tf.io.FixedLenFeature((action_units,), tf.float32),
    }


def shard_paths(directory: str | pathlib.Path, manifest: manifest_lib.Manifest, split: str):
    """The TFRecord files of a split, in order.

    Raises:
        UserError: if the split is empty or a file is missing.
    """
    if not manifest.records(split):
        raise UserError(f"{directory}: split {split!r} has no records")
    paths = [pathlib.Path(directory) / shard.file for shard in manifest.splits[split]]
    for path in paths:
        if not path.is_file():
            raise UserError(f"{path} is missing; {manifest_lib.FILE} lists it")
    return [str(path) for path in paths]


def _parsed(directory, manifest, split) -> tf.data.Dataset:
    spec = feature_spec(len(manifest.action_units))
    files = shard_paths(directory, manifest, split)
    return tf.data.TFRecordDataset(files).map(
        lambda serialized: tf.io.parse_single_example(serialized, spec)
    )


def load_action_units(directory, manifest: manifest_lib.Manifest, split: str) -> np.ndarray:
    """The AUs of a split, float32 (records, N): 68 bytes per record for 17 AUs."""
    parsed = _parsed(directory, manifest, split).batch(1024)
    return np.concatenate([batch[records.ACTION_UNITS].numpy() for batch in parsed])


def decode_image(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """An encoded crop as float32 (size, size, 3) in [-1, 1]."""
    image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    image = tf.ensure_shape(image, (size, size, 3))
    return tf.cast(image, tf.float32) / 127.5 - 1.0


def _epochs(directory, manifest: manifest_lib.Manifest, seed: int, first: int):
    """Endless training records from epoch `first` on, each epoch in an order of its own.

    An epoch's order depends on (seed, epoch) alone, so that any of them can be the first.
    """
    files = tf.constant(shard_paths(directory, manifest, manifest_lib.TRAIN))
    spec = feature_spec(len(manifest.action_units))

    def epoch_records(epoch: tf.Tensor) -> tf.data.Dataset:
        both = tf.stack([tf.constant(seed, tf.int64), epoch])
        order = tf.random.experimental.stateless_shuffle(files, both)
        within = tf.random.stateless_uniform((), both, maxval=2**31 - 1, dtype=tf.int64)
        tf.random.set_seed(1)  # of this function's graph: `shuffle` mixes it in, and fails at 0
        return tf.data.TFRecordDataset(order).shuffle(
            SHUFFLE_BUFFER, seed=within, reshuffle_each_iteration=False
        )

    serialized = tf.data.Dataset.range(first, np.iinfo(np.int64).max).flat_map(epoch_records)
    return serialized, lambda record: tf.io.parse_single_example(record, spec)


def _make_jitter(share: float):
    """A function of (image, seed): brightness and contrast changed by U(-share, share), clipped.

    By Keras's layers, but with numbers of ours: their own generators count calls, and a run that
    goes on after an interruption would draw others.
    """
    low, high = -1.0, 1.0
    brighten = keras.layers.RandomBrightness(share, (low, high))
    contrast = keras.layers.RandomContrast(share, (low, high))

    def jittered(image, seed):
        drawn = tf.random.stateless_uniform((2, 1, 1, 1), seed, -share, share)
        image = brighten.transform_images(image, {"rgb_delta": drawn[0] * (high - low)})
        return contrast.transform_images(image, {"contrast_factor": 1.0 + drawn[1]})

    return jittered


def training(
    directory: str | pathlib.Path,
    manifest: manifest_lib.Manifest,
    config: TrainConfig,
    start_step: int = 0,
) -> tf.data.Dataset:
    """Endless batches for `GANimation.train_step`.

    Args:
        config: its batch size B, critic steps K, seed and what it says of targets and jitter.
        start_step: elements to leave out: where an interrupted run goes on.

    Returns:
        Dataset of dicts: `image` float32 (B, K, S, S, 3) in [-1, 1], `action_units` and
        `target_action_units` float32 (B, K, N), `epsilon` float32 (B, K) in [0, 1). The batch
        comes first because a strategy splits the first axis; micro-batch k is then the same
        images on 1 and on several replicas.
    """
    pool = load_action_units(directory, manifest, manifest_lib.TRAIN)
    sample = targets.make_sampler(config.target_sampling, pool, config.target_noise)
    jittered = _make_jitter(config.jitter) if config.jitter else lambda image, seed: image
    size = manifest.crop.size
    first, begin = divmod(start_step * config.images_per_step, len(pool))
    records_of_epochs, parse = _epochs(directory, manifest, config.seed, first)

    def example(position: tf.Tensor, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        record = parse(serialized)
        stream = tf.random.split(tf.stack([tf.constant(config.seed, tf.int64), position]), 4)
        image = decode_image(record[records.IMAGE], size)
        image = tf.image.stateless_random_flip_left_right(image, stream[0])
        source = record[records.ACTION_UNITS]
        return {
            IMAGE: jittered(image, stream[2]),
            ACTION_UNITS: source,
            TARGET: tf.ensure_shape(sample(source, stream[1]), source.shape),
            EPSILON: tf.random.stateless_uniform((), stream[3]),
        }

    positioned = records_of_epochs.skip(begin).enumerate(first * len(pool) + begin)
    examples = positioned.map(example, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    elements = examples.batch(config.critic_steps, drop_remainder=True)
    return elements.batch(config.batch_size, drop_remainder=True).prefetch(2)


def evaluation(
    directory: str | pathlib.Path,
    manifest: manifest_lib.Manifest,
    *,
    batch_size: int,
    split: str = manifest_lib.EVAL,
    replicas: int = 1,
) -> tf.data.Dataset:
    """Each record of a split once, in order; the target is the AUs of the split's next face.

    Args:
        batch_size: over all replicas; the split may have fewer faces.
        replicas: devices that share a batch. With more than one all batches are full, what is left
            over is left out: a smaller batch is not shared evenly but fills one device after the
            other, and one without any face fails.

    Returns:
        Dataset of dicts: `image` float32 (B, S, S, 3) in [-1, 1], `action_units` and
        `target_action_units` float32 (B, N). The last batch may be smaller.
    """
    units = load_action_units(directory, manifest, split)
    faces = len(units)
    if replicas > 1:
        batch_size = min(batch_size, faces // replicas * replicas)
        faces = faces // batch_size * batch_size
    wanted = tf.data.Dataset.from_tensor_slices(np.roll(units, -1, axis=0))
    size = manifest.crop.size

    def example(record, target):
        return {
            IMAGE: decode_image(record[records.IMAGE], size),
            ACTION_UNITS: record[records.ACTION_UNITS],
            TARGET: target,
        }

    pairs = tf.data.Dataset.zip(_parsed(directory, manifest, split), wanted).take(faces)
    examples = pairs.map(example, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    batches = tf.data.experimental.assert_cardinality(math.ceil(faces / batch_size))
    return examples.batch(batch_size).apply(batches).prefetch(2)  # Keras warns if it must guess
