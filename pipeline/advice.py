"""How to annotate the images that have no annotation: the command to run, for each source."""

import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

_FILES = 4  # so many are named one by one
_DIRECTORIES = 3

PY_FEAT = (
    "import sys; from feat import Detector; "
    'Detector().detect(sys.argv[2:], data_type="image").to_csv(sys.argv[1], index=False)'
)
"""py-feat 0.6 has no command line; its version 2 calls the class Detectorv2."""


def root_of(where: str) -> str:
    """The directory that is meant by a directory, a glob or a file, as the user wrote it."""
    fixed = re.match(r"[^*?[]*", where).group()
    if fixed == where and not posixpath.splitext(where)[1]:
        return where.rstrip("/") or "/"
    return fixed.rpartition("/")[0] or "."


def annotate(count: int, missing: Sequence[str], options: Mapping[str, Any]) -> str:
    """One line: how many images have no annotation, and what writes it.

    Args:
        count: of such images.
        missing: names of some of them, or of all, relative to the root of `--images`.
        options: `images` and `annotations` as the user gave them; `reader`, the source.
    """
    images, annotations = root_of(options["images"]), root_of(options["annotations"])
    source = options["reader"]
    several = "1 image has" if count == 1 else f"{count} images have"
    if source.startswith("openface"):
        commands = _openface(count, missing, images, annotations, source)
    elif source == "py-feat":
        paths = [posixpath.join(images, name) for name in sorted(missing)[:_FILES]]
        table = posixpath.join(annotations, "more.csv")
        commands = [shlex.join(["python", "-c", PY_FEAT, table, *paths])]
    elif source.startswith("libreface"):
        commands = [
            shlex.join(
                [
                    "libreface",
                    f"--input_path={posixpath.join(images, name)}",
                    f"--output_path={posixpath.join(annotations, posixpath.splitext(name)[0])}.csv",
                ]
            )
            for name in sorted(missing)[:_FILES]
        ]
    else:
        names = ", ".join(sorted(missing)[:_FILES])
        return f"{several} no annotation, such as {names}: {annotations} has to name them"
    more = "" if count <= _FILES else "; rejected.jsonl names them all"
    return f"{several} no annotation; this writes it: {' && '.join(commands)}{more}"


def _openface(
    count: int, missing: Sequence[str], images: str, annotations: str, source: str
) -> list[str]:
    """OpenFace takes single files or whole directories, and writes flat into one directory."""
    program = "FaceLandmarkImg" if source == "openface" else "FeatureExtraction"
    directories = sorted({posixpath.dirname(name) for name in missing})[:_DIRECTORIES]
    commands = []
    for directory in directories:
        here = sorted(name for name in missing if posixpath.dirname(name) == directory)
        inputs = ["-fdir", posixpath.join(images, directory).rstrip("/")]
        if count <= _FILES or program != "FaceLandmarkImg":
            inputs = [word for name in here for word in ("-f", posixpath.join(images, name))]
        out = posixpath.join(annotations, directory).rstrip("/")
        words = [program, *inputs, "-2Dfp", "-aus", "-pose", "-out_dir", out]
        commands.append(shlex.join(words))
    return commands
