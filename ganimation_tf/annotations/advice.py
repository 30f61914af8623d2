"""How to annotate the images that have no annotation: the command to run, for each source."""

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ganimation_tf.annotations import load
from ganimation_tf.annotations.annotator import NAMED, Missing


def root_of(where: str) -> str:
    """The directory that is meant by a directory, a glob or a file, as the user wrote it."""
    fixed = re.split(r"[*?[]", where, maxsplit=1)[0]
    if fixed == where and not posixpath.splitext(where)[1]:
        return where.rstrip("/") or "/"
    return fixed.rpartition("/")[0] or "."


def annotate(count: int, names: Sequence[str], options: Mapping[str, Any]) -> str:
    """One line: how many images have no annotation, and what writes it.

    Args:
        count: of such images.
        names: some of them, or all, relative to the root of `--images`.
        options: `images` and `annotations` as the user gave them; `reader`, the source.
    """
    images, annotations = root_of(options["images"]), root_of(options["annotations"])
    several = "1 image has" if count == 1 else f"{count} images have"
    commands = load(options["reader"]).command(Missing(count, names, images, annotations))
    if not commands:
        shown = ", ".join(sorted(names)[:NAMED])
        return f"{several} no annotation, such as {shown}: {annotations} has to name them"
    more = "" if count <= NAMED else "; rejected.jsonl names them all"
    return f"{several} no annotation; this writes it: {' && '.join(commands)}{more}"
