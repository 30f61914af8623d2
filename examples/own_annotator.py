"""A dataset from photos that your own function annotates.

Any source of AUs will do: a network, a questionnaire, a table of another lab. It becomes a table
with a row for each photo, which `ganimation preprocess` reads: `image`, the AUs by name in [0, 1],
and, where it is known, `confidence`.

    python examples/own_annotator.py photos dataset
"""

import argparse
import csv
import pathlib
import tempfile

import numpy as np

from ganimation_tf import cli
from ganimation_tf.faces import images

ACTION_UNITS = ("AU04", "AU12", "AU26")
"""Those that the annotator knows: a dataset may have any."""

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def annotate(photo: np.ndarray) -> dict[str, float]:
    """The AUs of a photo, name to intensity in [0, 1]. Yours goes here.

    Args:
        photo: uint8 (height, width, 3) RGB.
    """
    brightness = float(photo.mean()) / 255  # a stand-in, which knows nothing of faces
    return {"AU04": 1 - brightness, "AU12": brightness, "AU26": brightness / 2}


def write_table(photos: pathlib.Path, table: pathlib.Path) -> int:
    """A row for each photo below `photos`; returns how many there are."""
    paths = sorted(path for path in photos.rglob("*") if path.suffix.lower() in SUFFIXES)
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["image", *ACTION_UNITS])
        writer.writeheader()
        for path in paths:
            units = annotate(images.decode(path.read_bytes()))
            writer.writerow({"image": path.relative_to(photos).as_posix(), **units})
    return len(paths)


def main(argv: list[str] | None = None) -> int:
    """Annotates and preprocesses; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path, help="directory of the dataset")
    parser.add_argument("--detector", default="mtcnn", help="who finds the faces: mtcnn")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        table = pathlib.Path(scratch) / "aus.csv"
        print(f"{write_table(args.photos, table)} photos annotated")
        command = ["preprocess", "--images", str(args.photos), "--annotations", str(table)]
        command += ["--source", "table", "--detector", args.detector]
        return cli.main([*command, "--output", str(args.output)])


if __name__ == "__main__":
    raise SystemExit(main())
