"""`ganimation query`: one face crop, or one question about the server.

Starts quickly: nothing of it needs TensorFlow, and a picture goes out as it was read.
"""

import argparse
import json
import pathlib
import sys

from ganimation_tf import inputs
from ganimation_tf.cli import connection
from ganimation_tf.errors import UserError, as_user_error

HELP = "ask a served model once: edit one face crop, read its AUs, or say what is served"
EXAMPLE = "ganimation query crop.png --au AU12=1 --output smile.png"

SUFFIXES = (".png", ".jpg", ".jpeg")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument(
        "crop",
        type=pathlib.Path,
        nargs="?",
        help="picture of a face crop; for a photo with a face in it see `animate`",
    )
    what = parser.add_mutually_exclusive_group()
    connection.configure_edit(parser, what)
    what.add_argument("--estimate", action="store_true", help="print the AUs that the crop shows")
    what.add_argument("--status", action="store_true", help="print the versions and their states")
    what.add_argument("--metadata", action="store_true", help="print the signatures")
    what.add_argument("--card", action="store_true", help="print the model card")
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        metavar="FILE",
        help=".png or .jpg; left out: standard output",
    )
    connection.configure(parser)


def run(args: argparse.Namespace) -> int:
    """Asks and prints, or writes the picture; returns 0."""
    _check(args)
    from ganimation_tf.media import provenance

    with connection.open_client(args) as client:
        if args.status:
            return _print(client.status())
        if args.metadata:
            return _print(client.metadata())
        client = client.pinned()
        card = client.describe()
        if args.card:
            print(card.to_json(), end="")
            return 0
        crop = _read(args.crop)
        if args.estimate:
            (seen,) = client.estimate([crop])
            values = (round(float(value), 4) for value in seen)
            return _print(dict(zip(card.action_units, values, strict=True)))
        wanted = _wanted(args, client, crop, card.action_units)
        if beyond := list(card.beyond(wanted).values()):
            print(f"{', '.join(beyond)}: the model guesses there", file=sys.stderr)
        origin = None if args.no_provenance else provenance.Provenance.of(card, wanted)
        (picture,) = client.edit([crop], wanted[None])
    _write(args, picture, origin)
    return 0


def _check(args: argparse.Namespace) -> None:
    """What can be known to be wrong before any work.

    Raises:
        UserError: naming the option, the rule and the value.
    """
    if args.status or args.metadata or args.card:
        if args.crop or args.output:
            raise UserError("--status, --metadata and --card take neither a crop nor --output")
        return
    if args.crop is None:
        raise UserError("give a face crop, or one of --status, --metadata and --card")
    if args.estimate:
        if args.output:
            raise UserError("--estimate prints; it takes no --output")
        return
    if not args.au and args.rest == "source":
        raise UserError("nothing would change: give --au NAME=INTENSITY, or --rest zero")
    if args.output is None:
        if sys.stdout.isatty():
            raise UserError("a picture is not written to a terminal; give --output FILE")
    elif args.output.suffix.lower() not in SUFFIXES:
        raise UserError(f"--output must end in {', '.join(SUFFIXES)}; got {args.output}")
    elif not args.output.parent.is_dir():
        raise UserError(f"{args.output.parent}: no such directory to write to")
    elif args.output.resolve() == args.crop.resolve():
        raise UserError(f"--output {args.output} is the crop, which is not overwritten")


def _print(facts: dict) -> int:
    print(json.dumps(facts, indent=2))
    return 0


def _read(path: pathlib.Path) -> bytes:
    from ganimation_tf.faces import images

    with as_user_error(str(path), inputs.FileError):
        return inputs.read(str(path), images.MAX_BYTES)


def _wanted(args: argparse.Namespace, client, crop: bytes, names):
    """float32 (N,) in [0, 1]."""
    import numpy as np

    from ganimation_tf import expression_parsing

    goal = expression_parsing.parse(args.au, neutral=args.rest == "zero", names=tuple(names))
    source = np.zeros(len(names)) if goal.neutral else client.estimate([crop])[0]
    return goal.target(source, names)


def _write(args: argparse.Namespace, picture: bytes, origin) -> None:
    from ganimation_tf.media import provenance

    if args.output is None:
        sys.stdout.buffer.write(picture if origin is None else provenance.label(picture, origin))
        return
    if args.output.suffix.lower() != ".png":
        from ganimation_tf.faces import images

        picture = images.encode_jpeg(images.decode(picture))
    provenance.save(args.output, picture, origin)
