"""`ganimation synthesize`: a data set of synthetic faces, annotated as OpenFace annotates photos.

Writes below OUT:
    imgs/<key>.jpg          the portraits: JPEG, as photos come, so that what follows meets its
                            traces too; quality 95 without chroma subsampling keeps them faint
    openface_csv/<key>.csv  one annotation each, see `ganimation_tf.synthetic.openface`
    synthesize.json         seed, size, count and identities: with them and the two numbers in a
                            key, `synthetic.reproduce` gives the same face again

While it is at work `synthesize.json` is called `.synthesize.json`. The same command goes on with
what an interrupted one has left there.

`ganimation preprocess` on these two folders needs no further option: the annotations say who is
shown, so that people are on one side of the split, and which faces differ in expression only, so
that each has true targets; these share one crop.

A key is `person_00012_expr_003`. Which face a key shows depends on the seed alone. Face number i
belongs to person i // 8, or to person i % M with `--identities M`, whatever the count.
"""

import argparse
import pathlib

from ganimation_tf import files, parallel, progress
from ganimation_tf.cli import flags, picture_set
from ganimation_tf.errors import UserError

HELP = "Render synthetic faces with known Action Units and landmarks."
EXAMPLE = "ganimation synthesize --count 400 --image-size 192 --seed 1 --output photos"

EXPRESSIONS_PER_PERSON = 8
"""Faces of one person when the number of identities is not given."""

TASK = 32
"""Faces that a process draws at a time."""

MAX_SIZE = 4096

SETTINGS = "synthesize.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    parser.add_argument(
        "--output",
        metavar="DIR",
        help="directory to write to: new, empty, or that of an interrupted call",
    )
    flags.add_former_name(parser, "out", "--output")
    parser.add_argument("--count", type=int, default=400, help="number of faces")
    parser.add_argument(
        "--image-size",
        type=int,
        default=192,
        metavar="N",
        help="side of each picture in pixels; at 192 a face crop of 128 is not enlarged",
    )
    flags.add_former_name(parser, "--size", "--image-size", type=int)
    parser.add_argument("--seed", type=int, default=0, help="where the randomness starts")
    parser.add_argument(
        "--identities",
        type=int,
        metavar="M",
        help=f"number of different people (default: {EXPRESSIONS_PER_PERSON} faces for each)",
    )
    flags.add_workers(parser)


def run(args: argparse.Namespace) -> int:
    """Writes the faces; see the top of the module."""
    out = flags.output_of(args, "out")
    _check(args)
    unfinished = _begin(args, out)
    places = (out / "imgs", out / "openface_csv")
    tasks = [range(args.count)[start : start + TASK] for start in range(0, args.count, TASK)]
    shared = (args.seed, args.image_size, args.identities, places)
    with progress.Display(args.count, "faces") as display:
        done = 0
        for drawn in parallel.spread(_draw, shared, tasks, args.workers):
            done += drawn
            display.show(done)
    unfinished.rename(out / SETTINGS)
    print(f"{args.count} faces in {places[0]}, their annotations in {places[1]}")
    return 0


def _draw(shared: tuple, indices: range) -> int:
    """Writes the faces of these numbers that are not there yet; returns how many there then are.

    Args:
        shared: the seed, the pictures' side in pixels, the number of identities or None, and the
            folders of pictures and annotations.
    """
    from ganimation_tf import synthetic

    seed, size, identities, (images, annotations) = shared
    for index in indices:
        person, expression = _numbers(index, identities)
        key = synthetic.key(person, expression)
        annotation = annotations / f"{key}.csv"
        if annotation.exists():  # the last of a face's two files: an earlier call made both
            continue
        image, csv = _face(seed, person, expression, size)
        files.write_whole(images / f"{key}.jpg", image)
        files.write_whole(annotation, csv.encode())
    return len(indices)


def _begin(args: argparse.Namespace, out: pathlib.Path) -> pathlib.Path:
    """Makes the folders, or finds those of an interrupted call; returns the file of its settings.

    Raises:
        UserError: if `out` holds anything else.
    """
    settings = {
        **{"count": args.count, "size": args.image_size, "seed": args.seed},
        "identities": args.identities,
    }
    return picture_set.begin(out, SETTINGS, settings, ("imgs", "openface_csv"))


def _check(args: argparse.Namespace) -> None:
    from ganimation_tf.synthetic import MIN_SIZE

    flags.require_at_least(args, 1, "count", "identities", "workers")
    flags.require_at_least(args, 0, "seed")
    if not MIN_SIZE <= args.image_size <= MAX_SIZE:
        raise UserError(f"--image-size must be in [{MIN_SIZE}, {MAX_SIZE}], got {args.image_size}")


def _numbers(index: int, identities: int | None) -> tuple[int, int]:
    """(person, expression) of face number `index`."""
    if identities is None:
        return divmod(index, EXPRESSIONS_PER_PERSON)
    return index % identities, index // identities


def _face(seed: int, person: int, expression: int, size: int) -> tuple[bytes, str]:
    """JPEG and CSV of one face."""
    from ganimation_tf import synthetic
    from ganimation_tf.faces import alignment, images
    from ganimation_tf.synthetic import openface

    identity, pose, action_units = synthetic.reproduce(seed, person, expression)
    face = synthetic.render(identity, action_units, size, pose)
    neutral = synthetic.neutral_landmarks(identity, size, pose)
    pair = openface.Pair(
        f"person_{person:05d}",
        synthetic.pair_of(person, expression),
        alignment.anchors_from_landmarks(neutral),
    )
    csv = openface.to_csv(face.landmarks, action_units, pair)
    return images.encode_jpeg(face.image, quality=95), csv
