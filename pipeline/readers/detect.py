"""Which reader a job needs: told by the user, or by the columns of the annotation files."""

import hashlib
import heapq
from collections.abc import Sequence

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.errors import UserError
from pipeline import files
from pipeline.annotations import AnnotationError, AnnotationReader
from pipeline.options import AUTO, PreprocessOptions
from pipeline.readers import ganimation, libreface, openface, plain, py_feat
from pipeline.readers.clips import VIDEO_SUFFIXES, Clips
from pipeline.readers.forms import Form
from pipeline.readers.ganimation import GANimationReader
from pipeline.readers.per_image import PerImage
from pipeline.readers.plain import PlainTable, parquet_rows
from pipeline.readers.rows import csv_rows
from pipeline.readers.table import Table

FORMS = {
    form.name: form
    for form in (
        openface.FORM,
        openface.VIDEO,
        py_feat.FORM,
        libreface.FORM,
        libreface.VIDEO,
        plain.FORM,
        ganimation.FORM,
    )
}

SUFFIXES = (".csv", plain.PARQUET, ".pkl")

CLIP_PATTERN = r"^(.+)/[^/]*$"
"""The directory of a frame is its clip, and neighbouring frames are one subject."""

_SAMPLE = 32  # files whose headers are compared


def recognise(header: Sequence[str]) -> list[str]:
    """The sources that may have written a header, by the names in it."""
    names = {name.strip() for name in header}
    plain_units = bool(plain.FORM.action_units(header))
    feat = py_feat.FORM
    tests = {
        openface.FORM.name: openface.FORM.action_units(header) and "frame" not in names,
        openface.VIDEO.name: openface.FORM.action_units(header) and "frame" in names,
        feat.name: plain_units and (feat.confidence in names or feat.box[0] in names),
        libreface.FORM.name: libreface.FORM.action_units(header) and "frame_idx" not in names,
        libreface.VIDEO.name: libreface.FORM.action_units(header) and "frame_idx" in names,
        plain.FORM.name: plain_units and plain.FORM.image in names,
    }
    return [name for name, fits in tests.items() if fits]


def header_of(path: str) -> list[str]:
    """The header of an annotation file, [] if it cannot be read; that is for the job to report."""
    try:
        return next(parquet_rows(path) if path.lower().endswith(plain.PARQUET) else csv_rows(path))
    except (AnnotationError, StopIteration):
        return []


def _sources_of(path: str) -> list[str]:
    return [ganimation.FORM.name] if path.lower().endswith(".pkl") else recognise(header_of(path))


def detect(annotations: files.Source, sample: Sequence[tuple[str, str]], where: str) -> str:
    """The source whose files these are.

    Args:
        annotations: all of them; looked through if the sample tells nothing.
        sample: `sample_of` them, not empty, which is compared.
        where: what the user calls them.

    Raises:
        UserError: if the files are of several sources, or of none that is known.
    """
    found: dict[str, str] = {}
    for looked_at in (sample, annotations.files()):
        for path, file in looked_at:
            sources = _sources_of(path)
            if len(sources) > 1:
                raise UserError(
                    f"--annotations {where}: {file} could be {' or '.join(sources)}; "
                    "--source says which"
                )
            for source in sources:
                found.setdefault(source, file)
            if found and looked_at is not sample:
                break
        if found:
            break
    if len(found) > 1:
        mixed = " and ".join(f"{source} ({file})" for source, file in sorted(found.items()))
        raise UserError(f"--annotations {where} mixes {mixed}; --source says which to take")
    if not found:
        path, file = sample[0]
        names = ", ".join(name.strip() for name in header_of(path)[:6]) or "none"
        raise UserError(
            f"--annotations {where}: no file has columns of a known source; those of {file} are "
            f"{names:.200}; --source names it"
        )
    return next(iter(found))


def sample_of(annotations: files.Source) -> list[tuple[str, str]]:
    """The files (path, name) whose names have the smallest digests.

    They are spread over all, and the same ones each time.
    """

    def order(item: tuple[str, str]) -> bytes:
        return hashlib.sha256(item[1].encode(errors="backslashreplace")).digest()

    return heapq.nsmallest(_SAMPLE, annotations.files(), key=order)


def make_reader(options: PreprocessOptions) -> AnnotationReader:
    """The reader for a job, with the AUs that it shall have.

    Raises:
        UserError: if the source cannot be told, or lacks an AU that was asked for.
    """
    images = files.source(files.IMAGE, options.images, ())
    annotations = files.source(files.ANNOTATION, options.annotations, SUFFIXES)
    sample = sample_of(annotations)
    if not sample:
        raise UserError(
            f"--annotations {options.annotations}: no file with suffix {', '.join(SUFFIXES)}"
        )
    name = options.source
    if name == AUTO:
        name = detect(annotations, sample, options.annotations)
    form = FORMS[name]
    available = OPENFACE
    if name in (py_feat.FORM.name, plain.FORM.name, libreface.FORM.name, libreface.VIDEO.name):
        headers = (header_of(path) for path, _ in annotations.files())
        available = next(filter(None, map(form.action_units, headers)), ())
        if not available:
            raise UserError(
                f"--annotations {options.annotations}: no file has AU columns as {name} calls them"
                f" ({form.column('AU12')})"
            )
    chosen = select(options.action_units, available, name)
    maximum = options.action_units_maximum or form.maximum
    paths = [path for path, _ in sample]
    return _reader(form, chosen, maximum, images, paths, options.first_frame)


def select(wanted: str | None, available: Sequence[str], source: str) -> tuple[str, ...]:
    """The AUs of `--action-units`, in its order; all of the source's without it.

    Raises:
        UserError: if one is twice or the source lacks it.
    """
    if wanted is None:
        return tuple(available)
    chosen = tuple(name.strip() for name in wanted.split(",") if name.strip())
    for name in chosen:
        if name not in available:
            raise UserError(
                f"--action-units {name}: the annotations ({source}) have {' '.join(available)}"
            )
    if len(set(chosen)) < len(chosen) or not chosen:
        raise UserError(f"--action-units must name each AU once, got {wanted!r}")
    return chosen


def _reader(
    form: Form,
    units: tuple[str, ...],
    maximum: float,
    images: files.Source,
    sample: Sequence[str],
    first_image: int,
) -> AnnotationReader:
    if form is ganimation.FORM:
        return GANimationReader(action_units=units, maximum=maximum)
    if form is openface.FORM:
        return openface.OpenFaceReader(action_units=units, maximum=maximum)
    if form is libreface.FORM:
        return PerImage(form, units, maximum)
    if form is plain.FORM:
        suffixes = (".csv", plain.PARQUET)
        return PlainTable(form, units, maximum, suffixes, images_root=images.root)
    if any(path.lower().endswith(VIDEO_SUFFIXES) for path, _ in images.files()):
        return Clips(form, units, maximum)
    table = Table(form, units, maximum, images_root=images.root, first_image=first_image)
    if form is py_feat.FORM and not any(table.names_video(path) for path in sample):
        return table
    return table.of_frames(CLIP_PATTERN)
