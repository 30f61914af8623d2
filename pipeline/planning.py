"""Before the job: who annotated, how many images there are, and so how many shards."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ganimation_tf import inputs
from ganimation_tf.annotations.face import AnnotationError
from ganimation_tf.annotations.reader import Reader
from ganimation_tf.annotations.recognition import SUFFIXES, Annotations, make_reader
from ganimation_tf.errors import UserError
from ganimation_tf.faces.video import VIDEO_SUFFIXES
from pipeline import files, sharding
from pipeline.entries import Entry, entry_of_annotation, entry_of_image
from pipeline.inventory import Listed
from pipeline.options import PreprocessOptions


class _Files:
    """Annotation files as `Annotations` wants them, for any number of times."""

    def __init__(self, listed: Listed):
        self._listed = listed

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return (
            (found.path, found.file) for found in self._listed.of(SUFFIXES) if not found.problem
        )


def reader_for(options: PreprocessOptions, photos: Listed, annotations: Listed) -> Reader:
    """The reader that the options and the files call for.

    Raises:
        UserError: as `recognition.make_reader` does.
    """
    described = Annotations(
        _Files(annotations),
        options.annotations,
        options.source,
        options.action_units,
        options.action_units_maximum,
        files.opened,
    )
    videos = photos.any_of(VIDEO_SUFFIXES)
    return make_reader(described, photos.source.root, videos, options.first_frame)


class Plan(NamedTuple):
    """What is to be done.

    Attributes:
        keys: of the images that `reader` may take, in the order of their listing.
        sharding: which file of the dataset each goes to.
        total: number of images, of videos about that of their frames.
        exact: whether `total` is no estimate.
    """

    keys: Sequence[str]
    sharding: sharding.Sharding
    total: int
    exact: bool


def make_plan(
    options: PreprocessOptions, photos: Listed, annotations: Listed, reader: Reader
) -> Plan:
    """What is to be done with the files that were listed.

    Raises:
        UserError: if there are no images or no annotations, or their names do not fit.
    """
    keys = reader.image_keys([found.file for found in photos.of(reader.image_suffixes)])
    problems = [found.problem for found in photos.of(reader.image_suffixes)]
    readable = [key for key, problem in zip(keys, problems, strict=True) if not problem]
    _require_files("images", options.images, readable, photos, reader.image_suffixes)
    given = [found for found in annotations.of(reader.suffixes) if not found.problem]
    _require_files("annotations", options.annotations, given, annotations, reader.suffixes)
    weights = {}
    counts: Counter[str] | None = None
    for found in given:
        weight = reader.weight(found.path, found.size)
        if weight != 1:
            weights[inputs.key_of(found.file)] = weight
        in_lists = _split_counts(reader, found)
        counts = counts if in_lists is None else (counts or Counter()) + Counter(in_lists)
    made = options.faces_per_photo if options.reanimate else 1
    weighed = itertools.chain.from_iterable(
        itertools.repeat(key, made * weights.get(key, 1)) for key in readable
    )
    planned, total = sharding.plan(
        weighed,
        options.eval_fraction,
        options.subject_pattern or reader.subject_pattern,
        options.records_per_shard,
        options.shards,
        counts,
    )
    return Plan(keys, planned, total, exact=not weights)


def entries(plan: Plan, photos: Listed, annotations: Listed, reader: Reader) -> Iterator[Entry]:
    """The entries of all images and annotation files."""
    pictures = photos.of(reader.image_suffixes)
    yield from itertools.starmap(entry_of_image, zip(pictures, plan.keys, strict=True))
    yield from map(entry_of_annotation, annotations.of(reader.suffixes))


def _require_files(
    name: str, where: str, present: object, listed: Listed, suffixes: Sequence[str]
) -> None:
    if not present:
        endings = f"with suffix {', '.join(suffixes)}" if listed.source.suffixes else ""
        raise UserError(f"--{name} {where}: no file {endings}".rstrip())


def _split_counts(reader: Reader, found: files.Found) -> Mapping[str, int] | None:
    try:
        return reader.split_counts(found.path)
    except AnnotationError as error:
        message = f"{found.file} needs its lists of images beside it: {error}"
        raise UserError(message) from None
