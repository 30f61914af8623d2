"""`dataset.json`: what a directory of records holds, written by the Beam job, read by training."""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from ganimation_tf.errors import MALFORMED, UserError, as_user_error
from ganimation_tf.faces import alignment

FILE = "dataset.json"
REJECTED = "rejected.jsonl"
STATISTICS = "statistics.json"
REPORT = "report.html"
SOURCES = "sources.jsonl"
FINGERPRINT = "fingerprint.json"
TRAIN = "train"
EVAL = "eval"
VERSION = 1


@dataclasses.dataclass(frozen=True)
class Shard:
    """One TFRecord file: its name in the directory, records in it and SHA-256 of its bytes."""

    file: str
    records: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Manifest:
    """The facts of a dataset.

    Attributes:
        action_units: AU names, the order of every record's intensities.
        action_units_maximum: top of the source's intensity scale, already divided out.
        crop: size and margin of the face crops.
        splits: the shards of "train" and of "eval".
        inputs: faces and files that the job saw; always records + rejections.
        rejections: how many inputs were rejected, by reason code.
        clipped: AU values that lay outside the source's scale, by AU.
        options: the job's options that shape the output.
        sources: numbers of the input files, and SHA-256 of `sources.jsonl`, which lists them with
            their digests; empty where the inputs were not files of the machine.
    """

    action_units: tuple[str, ...]
    action_units_maximum: float
    crop: alignment.CropSpec
    splits: Mapping[str, Sequence[Shard]]
    inputs: int
    rejections: Mapping[str, int]
    clipped: Mapping[str, int]
    options: Mapping[str, Any]
    sources: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def records(self, split: str) -> int:
        """Number of records in a split."""
        return sum(shard.records for shard in self.splits.get(split, ()))

    def to_json(self) -> str:
        """The text of `dataset.json`: sorted keys, so that equal facts are equal bytes."""
        facts = {"version": VERSION, **dataclasses.asdict(self)}
        return json.dumps(facts, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = FILE) -> "Manifest":
        """The inverse of `to_json`.

        Raises:
            UserError: naming `where` and what is wrong with it.
        """
        with as_user_error(f"{where} is not a dataset description", *MALFORMED):
            facts = json.loads(text)
            version = facts.pop("version")
            if version != VERSION:
                raise UserError(f"{where}: version must be {VERSION}, found {version!r}")
            _require_kinds(facts)
            facts["action_units"] = tuple(facts["action_units"])
            facts["crop"] = alignment.CropSpec(**facts["crop"])
            facts["splits"] = {
                split: tuple(Shard(**shard) for shard in shards)
                for split, shards in facts["splits"].items()
            }
            return cls(**facts)

    @classmethod
    def load(cls, directory: str | pathlib.Path) -> "Manifest":
        """Reads `directory/dataset.json`.

        Raises:
            UserError: if there is none: the directory is no dataset, or its job did not finish.
        """
        path = pathlib.Path(directory) / FILE
        with as_user_error(
            f"{directory} is not a finished dataset: cannot read {path}",
            OSError,
            UnicodeDecodeError,
        ):
            text = path.read_text(encoding="utf-8")
        return cls.from_json(text, str(path))

    def digest(self) -> str:
        """SHA-256 over the AU list and the shards' digests: changes when the data does."""
        digest = hashlib.sha256(" ".join(self.action_units).encode())
        for split in sorted(self.splits):
            for shard in self.splits[split]:
                digest.update(f"{split} {shard.file} {shard.sha256}".encode())
        return digest.hexdigest()


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value >= 0


def _are_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _are_counts(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_count, value.values()))


def _are_splits(value: object) -> bool:
    return isinstance(value, dict) and all(
        _is_count(shard["records"]) and _are_names([shard["file"], shard["sha256"]])
        for shards in value.values()
        for shard in shards
    )


_RULES = {
    "action_units": (_are_names, "a list of names"),
    "action_units_maximum": (lambda value: isinstance(value, int | float), "a number"),
    "splits": (_are_splits, "lists of files, each with records, file and sha256"),
    "inputs": (_is_count, "a count"),
    "rejections": (_are_counts, "a count for each reason"),
    "clipped": (_are_counts, "a count for each AU"),
    "options": (_is_object, "an object"),
    "sources": (_is_object, "an object"),
}


def _require_kinds(facts: Mapping[str, Any]) -> None:
    """Raises `ValueError` naming the first fact of a `dataset.json` that is of another kind."""
    for name, (holds, what) in _RULES.items():
        if name in facts and not holds(facts[name]):
            raise ValueError(f"{name} must be {what}, got {facts[name]!r:.80}")
