"""`ganimation synthesize`: a data set of synthetic faces, annotated as OpenFace annotates photos.

Writes below OUT:
    imgs/<key>.jpg          the portraits: JPEG, as photos come, so that what follows meets its
                            traces too; quality 95 without chroma subsampling keeps them faint
    openface_csv/<key>.csv  one annotation each, see `ganimation_tf.synthetic.openface`
    synthesize.json         seed, size, count and identities: with them and the two numbers in a
                            key, `synthetic.reproduce` gives the same face again

A key is `person_00012_expr_003`. Which face a key shows depends on the seed alone. Face number i
belongs to person i // 8, or to person i % M with `--identities M`, whatever the count.
"""

import argparse
import json
import pathlib
import sys
import time

from ganimation_tf.errors import UserError

HELP = "Render synthetic faces with known Action Units and landmarks."
EXAMPLE = "ganimation synthesize --count 400 --size 192 --seed 1 work/synthetic"

EXPRESSIONS_PER_PERSON = 8
"""Faces of one person when the number of identities is not given."""

MAX_SIZE = 4096


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    parser.add_argument("out", metavar="OUT", help="directory to write to; new or empty")
    parser.add_argument("--count", type=int, default=400, help="number of faces")
    parser.add_argument(
        "--size",
        type=int,
        default=192,
        help="side of each picture in pixels; at 192 a face crop of 128 is not enlarged",
    )
    parser.add_argument("--seed", type=int, default=0, help="where the randomness starts")
    parser.add_argument(
        "--identities",
        type=int,
        metavar="M",
        help=f"number of different people (default: {EXPRESSIONS_PER_PERSON} faces for each)",
    )


def run(args: argparse.Namespace) -> int:
    """Writes the faces; see the top of the module."""
    out = pathlib.Path(args.out)
    _check(args, out)
    images, annotations = out / "imgs", out / "openface_csv"
    images.mkdir(parents=True)
    annotations.mkdir()
    progress = _Progress(args.count)
    for index in range(args.count):
        key, image, csv = _face(args.seed, *_numbers(index, args.identities), args.size)
        (images / f"{key}.jpg").write_bytes(image)
        (annotations / f"{key}.csv").write_text(csv, encoding="utf-8", newline="\n")
        progress.show(index + 1)
    settings = {name: getattr(args, name) for name in ("count", "size", "seed", "identities")}
    (out / "synthesize.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    print(f"{args.count} faces in {images}, their annotations in {annotations}")
    return 0


def _check(args: argparse.Namespace, out: pathlib.Path) -> None:
    from ganimation_tf.synthetic import MIN_SIZE

    if args.count < 1:
        raise UserError(f"--count must be at least 1, got {args.count}")
    if not MIN_SIZE <= args.size <= MAX_SIZE:
        raise UserError(f"--size must be in [{MIN_SIZE}, {MAX_SIZE}] pixels, got {args.size}")
    if args.seed < 0:
        raise UserError(f"--seed must be at least 0, got {args.seed}")
    if args.identities is not None and args.identities < 1:
        raise UserError(f"--identities must be at least 1, got {args.identities}")
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} must be a directory, but it is a file")
    if out.exists() and any(out.iterdir()):
        raise UserError(f"{out} must be new or empty, but it holds files")


def _numbers(index: int, identities: int | None) -> tuple[int, int]:
    """(person, expression) of face number `index`."""
    if identities is None:
        return divmod(index, EXPRESSIONS_PER_PERSON)
    return index % identities, index // identities


def _face(seed: int, person: int, expression: int, size: int) -> tuple[str, bytes, str]:
    """Key, JPEG and CSV of one face."""
    from ganimation_tf import synthetic
    from ganimation_tf.faces import images
    from ganimation_tf.synthetic import openface

    identity, pose, action_units = synthetic.reproduce(seed, person, expression)
    face = synthetic.render(identity, action_units, size, pose)
    csv = openface.to_csv(face.landmarks, action_units)
    return synthetic.key(person, expression), images.encode_jpeg(face.image, quality=95), csv


class _Progress:
    """A bar on a terminal, a line every few seconds elsewhere."""

    def __init__(self, total: int):
        self._total = total
        self._terminal = sys.stderr.isatty()
        self._pause = 0.1 if self._terminal else 5.0  # seconds
        self._shown = time.monotonic()

    def show(self, done: int) -> None:
        now = time.monotonic()
        last = done == self._total
        if not last and now - self._shown < self._pause:
            return
        self._shown = now
        if self._terminal:
            bar = "#" * (30 * done // self._total)
            end = "\n" if last else ""
            print(f"\r[{bar:<30}] {done}/{self._total} faces", end=end, file=sys.stderr, flush=True)
        else:
            print(f"{done}/{self._total} faces", file=sys.stderr, flush=True)
