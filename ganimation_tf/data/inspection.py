"""Is a dataset what its `dataset.json` says? Reads every byte; needs no Beam, no TensorFlow."""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np

from ganimation_tf.data import manifest, records, tfrecord
from ganimation_tf.data.report.pictures import read_records
from ganimation_tf.data.statistics.batches import Batches
from ganimation_tf.data.statistics.dataset import DatasetStatistics, to_dict
from ganimation_tf.data.statistics.findings import Finding, findings
from ganimation_tf.data.statistics.split import Face, SplitStatistics
from ganimation_tf.faces import images
from ganimation_tf.media import contact_sheet

MAX_PROBLEMS = 20
"""Problems named of each file; the others are counted."""

RECOUNTED = (
    *("records", "active_together", "confidence", "side", "roll", "sample", "subjects"),
    *("eyes", "bright_eyes", "upside_down", "doubtful"),
)
"""Entries of a split in `statistics.json` that the records alone determine."""

_COLUMNS = 8


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What an inspection found.

    Attributes:
        made: the dataset's description.
        statistics: counted anew from the records.
        problems: each a line; none: the dataset is as it was written.
        warnings: what is worth knowing of a sound dataset.
    """

    made: manifest.Manifest
    statistics: DatasetStatistics
    problems: Sequence[str]
    warnings: Sequence[Finding]

    def summary(self) -> str:
        """Records, AUs, warnings and problems in some lines."""
        made = self.made
        lines = [
            f"{split:10} {made.records(split)} records in {len(shards)} files"
            for split, shards in made.splits.items()
        ]
        rejected = sum(made.rejections.values())
        lines.append(f"rejected   {rejected} of {made.inputs} inputs")
        lines.append(f"crops      {made.crop.size} px, margin {made.crop.margin:g}")
        lines.append(f"AUs        {' '.join(made.action_units)}")
        lines.append(f"digest     {made.digest()}")
        lines += [f"warning    {warning.message}" for warning in self.warnings]
        lines += [f"problem    {problem}" for problem in self.problems]
        return "\n".join(lines)


def inspect(directory: str | pathlib.Path) -> Inspection:
    """Checks digests, checksums, counts, and that each record is a face of the stated kind.

    Raises:
        UserError: if there is no `dataset.json`, or it is none.
    """
    directory = pathlib.Path(directory)
    made = manifest.Manifest.load(directory)
    statistics = DatasetStatistics(len(made.action_units))
    problems: list[str] = []
    for split, shards in sorted(made.splits.items()):
        if not shards:  # a split that was not asked for has no statistics
            continue
        gathered = statistics.split(split)
        for shard in shards:
            in_file = list(_check_shard(directory, shard, made, gathered))
            problems += in_file[:MAX_PROBLEMS]
            if len(in_file) > MAX_PROBLEMS:
                more = len(in_file) - MAX_PROBLEMS
                problems.append(f"{shard.file}: and {more} more problems")
    for name, count in made.clipped.items():  # told by the job alone, and not of which split
        if name in made.action_units:
            unit = made.action_units.index(name)
            statistics.split(manifest.TRAIN).clipped[unit] += count
    problems += _check_splits(statistics.splits)
    problems += _check_rejections(directory, made)
    problems += _check_statistics(directory, made, statistics)
    problems += _check_sources(directory, made)
    rejected = sum(made.rejections.values())
    warnings = findings(statistics.splits, rejected, made.action_units)
    return Inspection(made, statistics, problems, warnings)


def sheet(directory: str | pathlib.Path, inspected: Inspection) -> np.ndarray | None:
    """The random sample of each split as one picture, uint8 (height, width, 3).

    None if there is no whole record.
    """
    facts = to_dict(inspected.statistics, inspected.made.action_units, ())
    faces = [face for split in facts["splits"].values() for face in split["sample"]]
    read = read_records(faces, lambda name: open(pathlib.Path(directory) / name, "rb"))
    tiles, labels = [], []
    for face in faces:
        record = read[face["file"], face["offset"]]
        tiles.append(images.decode(record.image))
        strongest = int(np.argmax(record.action_units))
        name = inspected.made.action_units[strongest]
        labels.append(f"{name} {record.action_units[strongest]:.2f}")
    return contact_sheet.grid(tiles, min(_COLUMNS, len(tiles)), labels) if tiles else None


def _check_shard(
    directory: pathlib.Path,
    shard: manifest.Shard,
    made: manifest.Manifest,
    statistics: SplitStatistics,
) -> Iterator[str]:
    """The problems of one file; its sound records are added to `statistics`."""
    path = directory / shard.file
    if path.name != shard.file:
        yield f"{shard.file}: must be a name in the dataset's directory"
        return
    try:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != shard.sha256:
                yield f"{shard.file}: SHA-256 is {digest}, {manifest.FILE} says {shard.sha256}"
            file.seek(0)
            yield from _check_records(file, shard, made, statistics)
    except OSError as error:
        yield f"{shard.file}: cannot be read: {error.strerror}"


def _check_records(
    file: BinaryIO,
    shard: manifest.Shard,
    made: manifest.Manifest,
    statistics: SplitStatistics,
) -> Iterator[str]:
    offset, count, keys = 0, 0, set()
    batches = Batches(statistics, made.crop.margin)
    try:
        for count, serialized in enumerate(tfrecord.read(file), start=1):
            offset += tfrecord.HEADER_BYTES
            where = f"{shard.file}: record {count - 1}"
            try:
                record = records.decode(serialized)
                check_record(record, made)
            except ValueError as error:
                yield f"{where}: {error}"
            else:
                if record.key in keys:
                    yield f"{where}: the key {record.key!r} is there twice"
                keys.add(record.key)
                batches.add(record, Face(record.key, shard.file, offset, len(serialized)))
            offset += len(serialized) + tfrecord.FOOTER_BYTES
    except ValueError as error:  # of the framing: what follows cannot be found
        yield f"{shard.file}: {error}"
    batches.flush()
    if count != shard.records:
        yield f"{shard.file}: has {count} readable records, {manifest.FILE} says {shard.records}"


def check_record(record: records.FaceRecord, made: manifest.Manifest) -> None:
    """Raises `ValueError` unless the record is a face as the dataset's description has it."""
    values = record.action_units
    units = len(made.action_units)
    if values.shape != (units,):
        raise ValueError(f"{record.key!r} must have {units} AUs, got {len(values)}")
    if not ((values >= 0) & (values <= 1)).all():  # NaN fails too
        unit = int(np.flatnonzero(~((values >= 0) & (values <= 1)))[0])
        name = made.action_units[unit]
        raise ValueError(f"{record.key!r}: {name} must be in [0, 1], got {values[unit]}")
    if not 0 <= record.confidence <= 1:
        raise ValueError(f"{record.key!r}: confidence must be in [0, 1], got {record.confidence}")
    if not np.isfinite(record.transform).all():
        raise ValueError(f"{record.key!r}: the transform must be finite")
    height, width = images.decode(record.image).shape[:2]
    size = made.crop.size
    if not height == width == record.size == size:
        raise ValueError(
            f"{record.key!r} must be {size} x {size} pixels, its image is {width} x {height}, "
            f"its record says {record.size}"
        )


def _check_splits(splits: Mapping[str, SplitStatistics]) -> Iterator[str]:
    """Subjects on both sides; of very many, the lowest hashes are compared."""
    train, held_out = (splits.get(name) for name in (manifest.TRAIN, manifest.EVAL))
    if train and held_out:
        both = len({*train.subjects} & {*held_out.subjects})
        if both:
            yield f"{both} subjects are in {manifest.TRAIN} and in {manifest.EVAL}"


def _check_rejections(directory: pathlib.Path, made: manifest.Manifest) -> Iterator[str]:
    listed: dict[str, int] = {}
    try:
        with open(directory / manifest.REJECTED, encoding="utf-8") as file:
            for line in file:
                code = json.loads(line)["code"]
                listed[code] = listed.get(code, 0) + 1
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield f"{manifest.REJECTED}: cannot be read: {error}"
    else:
        if listed != dict(made.rejections):
            yield f"{manifest.REJECTED}: has {listed}, {manifest.FILE} says {made.rejections}"
    written = sum(made.records(split) for split in made.splits)
    rejected = sum(made.rejections.values())
    if made.inputs != written + rejected:
        yield (
            f"{manifest.FILE}: {made.inputs} inputs must be {written} records + "
            f"{rejected} rejections"
        )


def _check_sources(directory: pathlib.Path, made: manifest.Manifest) -> Iterator[str]:
    """The list of input files, by which a model's card leads back to the photos."""
    if not made.sources:  # inputs that were read over a network are not listed
        return
    try:
        with open(directory / manifest.SOURCES, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        yield f"{manifest.SOURCES}: cannot be read: {error.strerror}"
        return
    stated = made.sources.get("sha256")
    if digest != stated:
        yield f"{manifest.SOURCES}: SHA-256 is {digest}, {manifest.FILE} says {stated}"


def _check_statistics(
    directory: pathlib.Path, made: manifest.Manifest, statistics: DatasetStatistics
) -> Iterator[str]:
    """Compares `statistics.json` with what the records say."""
    counted: dict[str, Any] = to_dict(statistics, made.action_units, ())["splits"]
    try:
        text = (directory / manifest.STATISTICS).read_text(encoding="utf-8")
        stated = json.loads(text)["splits"]
        wrong = [
            f"{split}.{name}"
            for split, numbers in counted.items()
            for name in RECOUNTED
            if stated[split][name] != json.loads(json.dumps(numbers[name]))
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield f"{manifest.STATISTICS}: cannot be read: {error!r}"
        return
    if wrong:
        yield f"{manifest.STATISTICS}: {', '.join(wrong)} are not those of the records"
