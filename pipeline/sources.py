"""`sources.jsonl`: the input files of a dataset and the digests of their contents.

Names are relative to the places that the options name, and lines are sorted, so that equal inputs
are equal bytes wherever they lie. By it a model's card leads back to the photos.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from apache_beam.io.filesystems import FileSystems

from ganimation_tf import progress
from ganimation_tf.annotations.reader import Reader
from ganimation_tf.data import manifest
from ganimation_tf.inputs import FileError
from pipeline import files
from pipeline.fingerprint import with_others
from pipeline.inventory import Listed


def write(output: str, photos: Listed, annotations: Listed, reader: Reader) -> dict[str, Any]:
    """Reads each input file on this machine and writes `sources.jsonl`.

    Some 130 bytes of memory for each file.

    Returns:
        What `dataset.json` says of it: `images` and `annotations`, their numbers, and `sha256`, of
        the list. Empty where the inputs are not files of this machine: they are not read twice
        over a network.
    """
    if not all(files.is_local(listed.source.root) for listed in (photos, annotations)):
        return {}
    counts = {}
    lines: list[str] = []
    for name, kind, listing in (
        ("images", files.IMAGE, photos.of(reader.image_suffixes)),
        ("annotations", files.ANNOTATION, with_others(annotations, reader)),
    ):
        before = len(lines)
        lines += _lines(kind, listing)
        counts[name] = len(lines) - before
    text = "".join(f"{line}\n" for line in sorted(lines))
    files.write_text(FileSystems.join(output, manifest.SOURCES), text)
    return {**counts, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def _lines(kind: str, listing: Iterable[files.ListedFile]) -> Iterator[str]:
    listed = list(listing)
    # One after the other: threads that pass the interpreter round take four times as long over
    # files of the size of a photo's annotation.
    for one in progress.track(listed, len(listed), f"{kind}s read"):
        facts = {"file": one.file, "kind": kind, "sha256": _digest(one)}
        yield json.dumps(facts)  # ASCII: a name may be no UTF-8


def _digest(listed: files.ListedFile) -> str | None:
    """SHA-256 of a file's bytes; None where it cannot be read, which its rejection tells."""
    try:
        return None if listed.problem else files.sha256(listed.path)
    except FileError:
        return None
