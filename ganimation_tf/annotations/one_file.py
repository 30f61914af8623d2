"""One annotation file by itself, whoever wrote it, for commands that are given one."""

import pathlib
from collections.abc import Iterator
from typing import Any

from ganimation_tf import inputs
from ganimation_tf.annotations import load, rows, scale
from ganimation_tf.annotations.annotator import Annotator, Request
from ganimation_tf.annotations.face import AnnotationError
from ganimation_tf.annotations.reader import AnnotatedImage, Part, Reader
from ganimation_tf.annotations.recognition import recognise
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.annotations.table import Table
from ganimation_tf.errors import UserError, as_user_error


def header_of(path: pathlib.Path) -> list[str]:
    """The stripped names of a file's columns; [] of a pickle.

    Raises:
        UserError: naming the file, if it cannot be read.
    """
    if path.is_dir():
        raise UserError(f"{path}: is a directory; name the file in it that is of the photo")
    if not path.is_file():
        raise UserError(f"{path}: there is no such file")
    if path.suffix.lower() in load("ganimation").suffixes:
        return []
    with as_user_error(str(path), AnnotationError):
        return rows.header_of(str(path))


def annotator_of(path: pathlib.Path, header: list[str]) -> Annotator | None:
    """Who wrote a file with this header; None if no annotator that is known.

    Raises:
        UserError: if it could be several.
    """
    sources = recognise(path.name, header)
    if len(sources) > 1:
        raise UserError(f"{path}: could be of {' or of '.join(sources)}")
    return load(sources[0]) if sources else None


def reader_of(path: pathlib.Path, annotator: Annotator, header: list[str]) -> Reader:
    """The reader of the file, with all AUs that the file has; of a video it goes by frames.

    Raises:
        UserError: if the annotator's files cannot be read.
    """
    units = annotator.form.action_units(header) or annotator.action_units
    form, sample = annotator.form, [str(path)]
    top = form.maximum
    if form.loose:
        seen = scale.highest([(str(path), path.name)], form, units, inputs.open_local)
        top = scale.by_names(seen, top)
    try:
        # Without videos a table of images is one, which py-feat writes in the form of videos, too.
        reader = annotator.reader(Request(units, top, sample=sample))
        if isinstance(reader, Table) and reader.frames:
            reader = annotator.reader(Request(units, top, videos=True, sample=sample))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return reader


def images_of(reader: Reader, path: pathlib.Path) -> Iterator[AnnotatedImage]:
    """What a file says, image by image or frame by frame, in its own order.

    Args:
        reader: of the file.
        path: of the file.

    Raises:
        AnnotationError: if no further row can be used.
    """
    references: dict[str, Any] = {}
    for part in reader.index(str(path), path.name):
        if isinstance(part, Rejection):
            yield AnnotatedImage(-1, part.key, [part])
        elif isinstance(part, Part):
            if part.key in references:  # a table whose rows are not together: lists of rows
                references[part.key] = [*references[part.key], *part.reference]
            else:
                references[part.key] = part.reference
    for image_key, reference in references.items():
        yield from reader.images(image_key, path.name, reference)
