"""Before the job: who annotated, how many images there are, and so how many shards."""

import itertools
import pathlib
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from ganimation_tf import inputs
from ganimation_tf.annotations.drawings import drawn
from ganimation_tf.annotations.face import AnnotationError
from ganimation_tf.annotations.reader import Reader
from ganimation_tf.annotations.recognition import SUFFIXES, Annotations, make_reader
from ganimation_tf.errors import UserError
from ganimation_tf.faces import unusual
from ganimation_tf.faces.video import VIDEO_SUFFIXES
from pipeline import files, sharding
from pipeline.entries import Entry, entry_of_annotation, entry_of_image
from pipeline.inventory import Listed
from pipeline.options import PreprocessOptions
from pipeline.reanimation import NoAnnotations

_LOOKED_THROUGH = 10_000  # names in a directory without any that counts


class _Files:
    """Annotation files as `Annotations` wants them, for any number of times."""

    def __init__(self, listed: Listed):
        self._listed = listed

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return (
            (listed.path, listed.file) for listed in self._listed.of(SUFFIXES) if not listed.problem
        )


def reader_for(options: PreprocessOptions, photos: Listed, annotations: Listed) -> Reader:
    """The reader that the options and the files call for; without annotations one of none.

    Raises:
        UserError: as `recognition.make_reader` does.
    """
    if options.annotations is None:
        return NoAnnotations()
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
        reader: that knows the images.
        keys: of the images that it may take, in the order of their listing.
        sharding: which file of the dataset each goes to.
        total: number of images, of videos about that of their frames.
        drawings: keys of pictures that an annotator drew.
        exact: whether `total` is no estimate.
        notes: (code, message) of what should be said before the work.
    """

    reader: Reader
    keys: Sequence[str]
    sharding: sharding.Sharding
    total: int
    drawings: Collection[str]
    exact: bool
    notes: Sequence[tuple[str, str]]


def make_plan(
    options: PreprocessOptions, photos: Listed, annotations: Listed, reader: Reader
) -> Plan:
    """What is to be done with the files that were listed.

    Raises:
        UserError: if there are no images or no annotations, or their names do not fit.
    """
    reader, keys = reader.for_images(
        [listed.file for listed in photos.of(reader.image_suffixes)],
        [listed.file for listed in annotations.of(reader.suffixes)],
    )
    annotated = [inputs.key_of(listed.file) for listed in annotations.of(reader.suffixes)]
    drawings = drawn(keys, annotated) if reader.form.draws else frozenset()
    readable = [
        key
        for listed, key in zip(photos.of(reader.image_suffixes), keys, strict=True)
        if not listed.problem and key not in drawings
    ]
    _require_files("images", options.images, readable, photos, reader.image_suffixes)
    given = [listed for listed in annotations.of(reader.suffixes) if not listed.problem]
    if options.annotations is not None:
        _require_files("annotations", options.annotations, given, annotations, reader.suffixes)
    weights = {}
    counts: Counter[str] | None = None
    for listed in given:
        weight = reader.weight(listed.path, listed.size)
        if weight != 1:
            weights[reader.key_of(listed.file)] = weight
        in_lists = _split_counts(reader, listed)
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
    notes = [*reader.notes, *_unmatched(options.subject_pattern, readable)]
    return Plan(reader, keys, planned, total, drawings, not weights, notes)


def _unmatched(pattern: str | None, keys: Sequence[str]) -> Iterator[tuple[str, str]]:
    """A note on a pattern that finds no subject anywhere."""
    if pattern and not any(re.search(pattern, key) for key in keys):
        message = (
            f"--subject-pattern {pattern!r} matches none of the {len(keys)} images, such as "
            f"{keys[0]!r}: each is taken for a subject of its own, and pictures of one person may "
            "be on both sides of the split"
        )
        yield "subject_pattern", message


def entries(plan: Plan, photos: Listed, annotations: Listed) -> Iterator[Entry]:
    """The entries of all images and annotation files."""
    reader = plan.reader
    pictures = photos.of(reader.image_suffixes)
    for picture, key in zip(pictures, plan.keys, strict=True):
        yield entry_of_image(picture, key, key in plan.drawings)
    yield from map(entry_of_annotation, annotations.of(reader.suffixes))


def _require_files(
    name: str, where: str, present: object, listed: Listed, suffixes: Sequence[str]
) -> None:
    if not present:
        endings = f"with suffix {', '.join(suffixes)}" if listed.source.suffixes else ""
        raise UserError(f"--{name} {where}: no file {endings}".rstrip() + _others(listed.source))


def _others(source: files.Source) -> str:
    """What else is in a local directory without a file that counts."""
    if not source.suffixes or not files.is_local(source.root):
        return ""
    names = itertools.islice(pathlib.Path(source.root).rglob("*.*"), _LOOKED_THROUGH)
    endings = Counter(name.suffix for name in names if name.is_file())
    if not endings:
        return ""
    (ending, count), *_ = endings.most_common(1)
    told = unusual.SUFFIXES.get(ending.lower(), "")
    return f"; it has {count} called *{ending}{f': {told}' if told else ''}"


def _split_counts(reader: Reader, listed: files.ListedFile) -> Mapping[str, int] | None:
    try:
        return reader.split_counts(listed.path)
    except AnnotationError as error:
        message = f"{listed.file} needs its lists of images beside it: {error}"
        raise UserError(message) from None
