"""TFRecords to the batches of `GANimation.train_step`, deterministic by seed and position.

Every random number of training (order, flips, target AUs, the penalty's epsilon) is drawn in
`tf.data`, one per example from (seed, position), never in the training step: the replicas of a
distribution strategy would all draw the same numbers there. It also means that a run can go on at
any step with the very examples that it would have seen.
"""

import math
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ganimation_tf.config import TrainConfig
from ganimation_tf.data import manifest as manifest_lib
from ganimation_tf.data import records
from ganimation_tf.errors import UserError
from ganimation_tf.training import memory
from ganimation_tf.training.example import PARTNER, Example
from ganimation_tf.training.inputs import ACTION_UNITS, HAS_TRUTH, IMAGE, TARGET, TRUTH
from ganimation_tf.training.workers import WHOLE, Share

SHUFFLE_BUFFER = 10_000


def feature_spec(action_units: int) -> dict[str, tf.io.FixedLenFeature]:
    """What training reads of a record with `action_units` AUs."""
    return {
        records.IMAGE: tf.io.FixedLenFeature((), tf.string),
        records.ACTION_UNITS: tf.io.FixedLenFeature((action_units,), tf.float32),
        records.PAIR: tf.io.FixedLenFeature((), tf.string, ""),
    }


def shard_paths(
    directory: str | pathlib.Path, manifest: manifest_lib.Manifest, split: str
) -> list[str]:
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


def load_faces(directory, manifest: manifest_lib.Manifest, split: str) -> memory.Faces:
    """A split in memory, decoded if that fits."""
    size, faces = manifest.crop.size, manifest.records(split)
    decoded = memory.fits_decoded(faces, size)

    def face(record):
        image = record[records.IMAGE]
        return record | {records.IMAGE: memory.decode_image(image, size) if decoded else image}

    parsed = _parsed(directory, manifest, split)
    batches = list(parsed.map(face, tf.data.AUTOTUNE, deterministic=True).batch(256))
    with tf.device("CPU"):
        images = tf.concat([batch[records.IMAGE] for batch in batches], axis=0)
    units, pairs = (
        np.concatenate([batch[name].numpy() for batch in batches])
        for name in (records.ACTION_UNITS, records.PAIR)
    )
    return memory.Faces(images, units, memory.group_pairs(pairs.tolist()), size)


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


def training(
    directory: str | pathlib.Path,
    manifest: manifest_lib.Manifest,
    config: TrainConfig,
    start_step: int = 0,
    faces: memory.Faces | None = None,
    share: Share = WHOLE,
) -> tf.data.Dataset:
    """Endless batches for `GANimation.train_step`.

    Args:
        config: its batch size B, critic steps K, seed and what it says of targets and pictures.
        start_step: elements to leave out: where an interrupted run goes on.
        faces: the training faces in memory; None: streamed from the files, without pairs.
        share: the rows of each batch that are wanted.

    Returns:
        Dataset of dicts: `image` (B, K, S, S, 3), uint8, or float32 in [-1, 1] with jitter;
        `action_units` and `target_action_units` float32 (B, K, N), `epsilon` float32 (B, K) in
        [0, 1); with truth terms `truth`, as `image`, and `has_truth` float32 (B, K), 0 where the
        truth is not known; with augmentation its numbers, float32 (B, K, D) in [0, 1). The batch
        comes first because a strategy splits the first axis; micro-batch k is then the same
        images on 1 and on several replicas.
    """
    if faces is not None:
        return of_faces(faces, config, start_step, share)
    pool = load_action_units(directory, manifest, manifest_lib.TRAIN)
    first, begin = divmod(start_step * config.images_per_step, len(pool))
    records_of_epochs, parse = _epochs(directory, manifest, config.seed, first)
    make = Example(pool, config)
    size = manifest.crop.size

    def example(position: tf.Tensor, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        record = parse(serialized)
        image = memory.decode_image(record[records.IMAGE], size)
        return make(position, image, record[records.ACTION_UNITS])

    positioned = records_of_epochs.skip(begin).enumerate(first * len(pool) + begin)
    return _batched(positioned, example, config, share)


def of_faces(
    faces: memory.Faces, config: TrainConfig, start_step: int = 0, share: Share = WHOLE
) -> tf.data.Dataset:
    """`training` on faces in memory: each epoch in an order of its own, pairs with their truth."""
    count = len(faces)
    first, begin = divmod(start_step * config.images_per_step, count)
    units, make = tf.constant(faces.action_units), Example(faces.action_units, config)
    partners = memory.Partners(faces.groups)
    with_truth = bool(config.loss_weights.of_truth)

    def order(epoch: tf.Tensor) -> tf.data.Dataset:
        seed = tf.stack([tf.constant(config.seed, tf.int64), epoch])
        shuffled = tf.random.experimental.stateless_shuffle(tf.range(count), seed)
        return tf.data.Dataset.from_tensor_slices(shuffled)

    def example(position: tf.Tensor, index: tf.Tensor) -> dict[str, tf.Tensor]:
        if not with_truth:
            return make(position, faces.picture(index), units[index])
        steps = make.draw(position, PARTNER, count)
        partner, known = partners(index, steps)
        return make(
            position,
            faces.picture(index),
            units[index],
            faces.picture(partner),
            units[partner],
            known,
        )

    epochs = tf.data.Dataset.range(first, np.iinfo(np.int64).max).flat_map(order)
    positioned = epochs.skip(begin).enumerate(first * count + begin)
    return _batched(positioned, example, config, share)


def _batched(positioned: tf.data.Dataset, example, config: TrainConfig, share: Share):
    """Batches of the examples that are made of (position, ...), or a worker's rows of them."""
    if share.workers > 1:

        def is_ours(position: tf.Tensor, _) -> tf.Tensor:
            return share.has_row(position // config.critic_steps, config.batch_size)

        positioned = positioned.filter(is_ours)  # before anything is decoded
    examples = positioned.map(example, tf.data.AUTOTUNE, deterministic=True)
    elements = examples.batch(config.critic_steps, drop_remainder=True)
    rows = config.batch_size // share.replicas
    return elements.batch(rows, drop_remainder=True).prefetch(2)


def evaluation(
    directory: str | pathlib.Path,
    manifest: manifest_lib.Manifest,
    *,
    batch_size: int,
    split: str = manifest_lib.EVAL,
    replicas: int = 1,
    share: Share = WHOLE,
    at_most: int | None = None,
    chosen: Sequence[int] | None = None,
) -> tf.data.Dataset:
    """Each record of a split once, in order; the target is the next picture of its pair.

    Where it has none, the target is the AUs of the split's next face.

    Args:
        batch_size: over all replicas; the split may have fewer faces.
        replicas: devices that share a batch. With more than one all batches are full, what is left
            over is left out: a smaller batch is not shared evenly but fills one device after the
            other, and one without any face fails.
        share: the rows of each batch that are wanted.
        at_most: of more records, so many evenly spread over the split; None: all.
        chosen: positions of those that are wanted, in place of `at_most`.

    Returns:
        Dataset of dicts: `image` float32 (B, S, S, 3) in [-1, 1], `action_units` and
        `target_action_units` float32 (B, N); and, if the split has pairs, `truth`, as `image`, and
        `has_truth` float32 (B,). The last batch may be smaller.
    """
    faces = load_faces(directory, manifest, split)
    count = len(chosen) if chosen is not None else min(len(faces), at_most or len(faces))
    if replicas > 1:
        batch_size = min(batch_size, count // replicas * replicas)
        count = count // batch_size * batch_size
    units, following = tf.constant(faces.action_units), np.roll(faces.action_units, -1, axis=0)
    following, partners = tf.constant(following), memory.Partners(faces.groups)
    spread = np.arange(count) * len(faces) // count
    places = tf.constant(spread if chosen is None else np.asarray(chosen[:count]))

    def example(position):
        index = places[position]
        made = {IMAGE: memory.to_networks(faces.picture(index)), ACTION_UNITS: units[index]}
        if not faces.paired:
            return made | {TARGET: following[index]}
        partner, known = partners(index, tf.constant(0))
        return made | {
            TARGET: tf.where(known, units[partner], following[index]),
            TRUTH: memory.to_networks(faces.picture(partner)),
            HAS_TRUTH: tf.cast(known, tf.float32),
        }

    positions = tf.data.Dataset.range(count)
    if share.workers > 1:
        positions = positions.filter(lambda position: share.has_row(position, batch_size))
    examples = positions.map(example, tf.data.AUTOTUNE, deterministic=True)
    rows = batch_size // share.replicas
    batches = tf.data.experimental.assert_cardinality(math.ceil(count / share.workers / rows))
    return examples.batch(rows).apply(batches).prefetch(2)  # Keras warns if it must guess
