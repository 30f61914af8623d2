"""Which file of the dataset an image's faces go to: a function of its key and nothing else.

Since neither order nor workers take part, the same inputs fill the same files everywhere; and
image and annotation, which know the key each by itself, meet in the worker that writes the file.
"""

import dataclasses
import functools
import hashlib
import math
import re
from collections.abc import Iterable, Mapping

from ganimation_tf.data import manifest


@dataclasses.dataclass(frozen=True)
class Sharding:
    """The assignment of keys to splits and shards.

    Attributes:
        eval_fraction: share of the subjects that goes to "eval", in [0, 1).
        subject_pattern: regular expression whose first group, searched in the key, is the
            subject; None: each key is its own subject.
        shards: number of shards of each split.
    """

    eval_fraction: float
    subject_pattern: str | None
    shards: Mapping[str, int]

    def subject(self, key: str, given: str | None = None) -> str:
        """Identity or clip of the key.

        Args:
            key: of the image or clip.
            given: what the annotation says; counts if there is no pattern.

        Returns:
            The key itself where nothing else is found.
        """
        if not self.subject_pattern:
            return given or key
        match = re.search(self.subject_pattern, key)
        return (match and match.group(1)) or key

    def split(self, key: str, given: str | None = None) -> str:
        """ "train" or "eval"; all keys of one subject are on one side."""
        part = _hash(self.subject(key, given), 0) / 2**64
        return manifest.EVAL if part < self.eval_fraction else manifest.TRAIN

    def shard(
        self, key: str, given: str | None = None, split: str | None = None, block: int = 0
    ) -> str:
        """Name of the TFRecord file, as `shard_name` makes it.

        Args:
            key: of the image or clip.
            given: its subject, as in `subject`.
            split: where its source has put it; counts more than the subject.
            block: as an entry's: parts of one image are spread over the shards of its split.
        """
        split = split or self.split(key, given)
        # Other bits than the split takes: those are not uniform within a split.
        part = f"{key}\0{block}" if block else key
        return shard_name(split, _hash(part, 8) % self.shards[split], self.shards[split])

    def names(self) -> list[str]:
        """Names of all shards, in order."""
        return [
            shard_name(split, number, count)
            for split, count in self.shards.items()
            for number in range(count)
        ]


def plan(
    keys: Iterable[str],
    eval_fraction: float,
    subject_pattern: str | None,
    records_per_shard: int,
    train_shards: int | None,
    listed: Mapping[str, int] | None = None,
) -> tuple[Sharding, int]:
    """The sharding for these image keys, and how many keys there are.

    Args:
        keys: keys of the images.
        eval_fraction: in [0, 1).
        subject_pattern: as in `Sharding`.
        records_per_shard: about how many images go into one shard.
        train_shards: number of training shards, and as many for evaluation as its fraction
            calls for; None: as `records_per_shard` asks.
        listed: number of images of each split, where the source chooses; None: the keys do.
    """
    unsharded = Sharding(eval_fraction, subject_pattern, {})
    counts = {manifest.TRAIN: 0, manifest.EVAL: 0}
    for key in keys:
        counts[unsharded.split(key)] += 1
    total = sum(counts.values())
    if listed is not None:
        counts = {split: listed.get(split, 0) for split in counts}
    if train_shards:
        in_eval = round(train_shards * eval_fraction / (1 - eval_fraction))
        shards = {manifest.TRAIN: train_shards, manifest.EVAL: max(1, in_eval)}
    else:
        # At least one each: a key without image may fall into a split that has no images.
        shards = {
            split: max(1, math.ceil(count / records_per_shard)) for split, count in counts.items()
        }
    if not eval_fraction and not (listed and counts[manifest.EVAL]):
        del shards[manifest.EVAL]
    return dataclasses.replace(unsharded, shards=shards), total


def shard_name(split: str, number: int, count: int) -> str:
    """`train-00003-of-00018.tfrecord`."""
    return f"{split}-{number:05}-of-{count:05}.tfrecord"


SHARD_PATTERN = rf"({manifest.TRAIN}|{manifest.EVAL})-\d{{5,}}-of-\d{{5,}}\.tfrecord"
"""Regular expression that `shard_name` matches."""


def _hash(text: str, offset: int) -> int:
    """64 bits of the text's SHA-256, which is the same in each process; `hash` is not."""
    return int.from_bytes(_digest(text)[offset : offset + 8], "big")


@functools.lru_cache(maxsize=1)  # a key is mostly its own subject: split and shard ask in turn
def _digest(text: str) -> bytes:
    encoded = text.encode(errors="backslashreplace")  # file names need not be valid UTF-8
    return hashlib.sha256(encoded).digest()
