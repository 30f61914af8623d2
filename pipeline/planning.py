"""Before the job: how many images there are, and so how many shards."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence

from ganimation_tf.errors import UserError, reason
from pipeline import files, sharding
from pipeline.annotations import AnnotationError, AnnotationReader
from pipeline.options import PreprocessOptions
from pipeline.readers.ganimation import GANimationReader, read_lists
from pipeline.readers.rows import csv_rows
from pipeline.readers.table import Table

_PEEK = 16  # rows of a clip's file that are measured


def make_plan(
    options: PreprocessOptions, sources: Sequence[files.Source], reader: AnnotationReader
) -> tuple[sharding.Sharding, int]:
    """The sharding and the number of images; the workers list the files again for themselves.

    Raises:
        UserError: if there are no images or no annotations, or frames are counted from elsewhere.
    """
    images, annotations = sources
    try:
        keys = [reader.image_key(file) for _, file in images.files()]
        annotated = any(True for _ in annotations.files())
        weights = _frames(annotations) if reader.clips else {}
    except OSError as error:
        raise UserError(f"cannot list the input: {reason(error)}") from None
    for name, found, source in (("images", keys, images), ("annotations", annotated, annotations)):
        if not found:
            suffixes = ", ".join(source.suffixes)
            with_suffix = f"with suffix {suffixes}" if suffixes else ""
            raise UserError(f"--{name} {getattr(options, name)}: no file {with_suffix}".rstrip())
    if isinstance(reader, Table) and reader.frames:
        _check_numbers(reader, keys)
    weighed = itertools.chain.from_iterable(
        itertools.repeat(key, weights.get(key, 1)) for key in keys
    )
    plan, total = sharding.plan(
        weighed,
        options.eval_fraction,
        options.subject_pattern or reader.subject_pattern,
        options.records_per_shard,
        options.shards,
        _listed(annotations) if isinstance(reader, GANimationReader) else None,
    )
    return plan, total


def _frames(annotations: files.Source) -> Mapping[str, int]:
    """About how many frames each clip has, by the size of its annotation."""
    return {files.key_of(file): _rows(path) for path, file in annotations.files()}


def _rows(path: str) -> int:
    try:
        sample = [
            sum(map(len, row)) + 2 * len(row) for row in itertools.islice(csv_rows(path), _PEEK)
        ]
    except AnnotationError:
        return 1
    per_row = sum(sample[1:]) / max(1, len(sample) - 1)
    return max(1, round((files.size(path) - sample[0]) / per_row)) if per_row else 1


def _check_numbers(reader: Table, keys: Sequence[str]) -> None:
    """Refuses frames numbered from below `--first-frame`: every label would be a frame late."""
    first = reader.form.first_frame
    for key in keys:
        number = key.rpartition("/")[2]
        if number.lstrip("-").isdigit() and int(number) < first:
            counted = int(number) - first + reader.first_image
            raise UserError(
                f"--first-frame is {reader.first_image}, but {key.rpartition('/')[0]} has a frame "
                f"numbered {counted}"
            )


def _listed(annotations: files.Source) -> Counter:
    """How many images the source's own lists put into each split.

    Raises:
        UserError: if a list cannot be read.
    """
    counts: Counter = Counter()
    for path, file in annotations.files():
        try:
            counts.update(filter(None, read_lists(path).values()))
        except AnnotationError as error:
            raise UserError(f"{file} needs its lists of images beside it: {error}") from None
    return counts
