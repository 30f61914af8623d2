"""Which reader annotations need: told by the user, or by the columns of the files."""

import dataclasses
import hashlib
import heapq
from collections.abc import Iterable, Sequence

from ganimation_tf import inputs
from ganimation_tf.annotations import ANNOTATORS, AUTO, load, scale, spellings
from ganimation_tf.annotations.annotator import Annotator, Request
from ganimation_tf.annotations.face import AnnotationError
from ganimation_tf.annotations.reader import Reader
from ganimation_tf.annotations.rows import header_of
from ganimation_tf.errors import UserError

SUFFIXES = tuple(sorted({suffix for name in ANNOTATORS for suffix in load(name).suffixes}))
"""What annotation files are called."""

LISTED = (*SUFFIXES, *(mark for name in ANNOTATORS for mark in load(name).marks))
"""Endings of all files that a reader may want to see."""

_SAMPLE = 32  # files whose headers are compared

File = tuple[str, str]
"""Path of an annotation file, and its name relative to the directory it was found in."""


@dataclasses.dataclass(frozen=True)
class Annotations:
    """Annotation files, and what the user says about them.

    Attributes:
        files: each (path, name); can be gone through several times.
        where: what the user calls them.
        source: a key of `ANNOTATORS`, or `AUTO`.
        action_units: names of AUs, separated by commas; None: all that the source has.
        maximum: top of the intensity scale; None: the source's.
        open: gives the bytes of a file.
    """

    files: Iterable[File]
    where: str
    source: str = AUTO
    action_units: str | None = None
    maximum: float | None = None
    open: inputs.Opener = inputs.open_local

    def header(self, path: str) -> list[str]:
        """The stripped header of a file; [] if it cannot be read: that is for the job to say."""
        try:
            return header_of(path, self.open)
        except AnnotationError:
            return []


def recognise(file: str, header: Sequence[str]) -> list[str]:
    """The sources that may have written a file, by its name and the names in its header."""
    every = (load(name) for name in ANNOTATORS)
    suited = (one for one in every if file.lower().endswith(tuple(one.suffixes)))
    return [one.name for one in suited if one.tells(header)]


def sample_of(files: Iterable[File]) -> list[File]:
    """The files whose names have the smallest digests.

    They are spread over all, and the same ones each time.
    """

    def order(item: File) -> bytes:
        return hashlib.sha256(item[1].encode(errors="backslashreplace")).digest()

    return heapq.nsmallest(_SAMPLE, files, key=order)


def detect(annotations: Annotations, sample: Sequence[File]) -> str:
    """The source whose files these are.

    Args:
        annotations: all files; looked through if the sample tells nothing.
        sample: `sample_of` them, not empty, which is compared.

    Raises:
        UserError: if the files are of several sources, or of none that is known.
    """
    files: dict[str, str] = {}
    for looked_at in (sample, annotations.files):
        for path, file in looked_at:
            sources = recognise(file, annotations.header(path))
            if len(sources) > 1:
                raise UserError(
                    f"--annotations {annotations.where}: {file} could be "
                    f"{' or '.join(sources)}; --source says which"
                )
            for source in sources:
                files.setdefault(source, file)
            if files and looked_at is not sample:
                break
        if files:
            break
    if len(files) > 1:
        mixed = " and ".join(f"{source} ({file})" for source, file in sorted(files.items()))
        raise UserError(
            f"--annotations {annotations.where} mixes {mixed}; --source says which to take"
        )
    if not files:
        raise UserError(f"--annotations {annotations.where}: {_unknown(annotations, sample)}")
    return next(iter(files))


def _unknown(annotations: Annotations, sample: Sequence[File]) -> str:
    """Why the source of files cannot be told."""
    path, file = sample[0]
    try:
        header = header_of(path, annotations.open)
    except AnnotationError as error:
        if error.code != "empty_annotation":
            return f"no file can be read: {file} {error}"
        header = []
    names = ", ".join(header[:6]) or "none"
    message = f"no file has columns of a known source; those of {file} are {names:.200}"
    return f"{message}; {spellings.advice(header)}"


def make_reader(
    annotations: Annotations,
    images_root: str = "",
    videos: bool = False,
    first_image: int | None = None,
) -> Reader:
    """The reader for annotation files, with the AUs that it shall have.

    Args:
        annotations: the files, and what the user says about them.
        images_root: directory that names of images are relative to.
        videos: whether there are videos among the images.
        first_image: number in the name of a clip's first frame, where frames are image files;
            None: their order counts.

    Raises:
        UserError: if there are none, the source cannot be told, or lacks an AU that was asked for.
    """
    sample = sample_of(annotations.files)
    if not sample:
        raise UserError(
            f"--annotations {annotations.where}: no file with suffix {', '.join(SUFFIXES)}"
        )
    name = annotations.source
    chosen = load(detect(annotations, sample) if name == AUTO else name)
    available = _available(annotations, chosen)
    units = select(annotations.action_units, available, chosen.name)
    maximum, note = _scale(annotations, sample, chosen, units)
    request = Request(
        action_units=units,
        maximum=maximum,
        open=annotations.open,
        images_root=images_root,
        videos=videos,
        sample=[path for path, _ in sample],
        first_image=first_image,
    )
    reader = chosen.reader(request)
    notes = _unread(annotations, sample, chosen, available)
    return dataclasses.replace(reader, notes=[*notes, *([("scale", note)] if note else [])])


def _scale(
    annotations: Annotations, sample: Sequence[File], chosen: Annotator, units: Sequence[str]
) -> tuple[float, str | None]:
    """The top of the scale, and what is to be said of it."""
    maximum = annotations.maximum or chosen.form.maximum
    if annotations.maximum is not None or not chosen.form.loose:
        return maximum, None
    return scale.scale_of(scale.highest(sample, chosen.form, units, annotations.open), maximum)


def _unread(
    annotations: Annotations, sample: Sequence[File], chosen: Annotator, available: Sequence[str]
) -> list[tuple[str, str]]:
    """A note on columns that look like AUs and are not read."""
    unread: dict[str, str] = {}
    for path, file in sample:
        for name in chosen.form.unread(annotations.header(path), available):
            unread.setdefault(name, file)
    if not unread:
        return []
    shown = spellings.listed(list(unread))
    message = (
        f"{len(unread)} columns of {next(iter(unread.values()))} look like AUs and are not read: "
        f"{shown}; {chosen.name} calls an intensity {chosen.form.column('AU12')}"
    )
    return [("unread_columns", message)]


def _available(annotations: Annotations, chosen: Annotator) -> Sequence[str]:
    """The AUs of the source: those of the first file that has any."""
    if chosen.action_units:
        return chosen.action_units
    form = chosen.form
    headers = (annotations.header(path) for path, _ in annotations.files)
    suited = (header for header in headers if form.image is None or form.image_column(header))
    available = next(filter(None, map(form.action_units, suited)), ())
    if not available:
        image = f" and a column {form.image}" if form.image else ""
        raise UserError(
            f"--annotations {annotations.where}: no file has AU columns as {chosen.name} calls "
            f"them ({form.column('AU12')}){image}"
        )
    return available


def select(wanted: str | None, available: Sequence[str], source: str) -> tuple[str, ...]:
    """The AUs of `--action-units`, in its order; all of the source's without it.

    Raises:
        UserError: if one is twice or the source lacks it.
    """
    if wanted is None:
        return tuple(available)
    given = (name.strip() for name in wanted.split(",") if name.strip())
    chosen = tuple(spellings.loose_unit(name) or name for name in given)
    for name in chosen:
        if name not in available:
            raise UserError(
                f"--action-units {name}: the annotations ({source}) have {' '.join(available)}"
            )
    if len(set(chosen)) < len(chosen) or not chosen:
        raise UserError(f"--action-units must name each AU once, got {wanted!r}")
    return chosen
