"""`ganimation push`."""

import argparse
import pathlib

HELP = "copy an export that is blessed twice to the next number of a model directory"
EXAMPLE = (
    "ganimation push export/1 --to models --evaluation report/blessing.json --infra infra.json"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument(
        "export", type=pathlib.Path, metavar="EXPORT", help="a version of `ganimation export`"
    )
    parser.add_argument(
        "--to",
        type=pathlib.Path,
        required=True,
        metavar="DIR",
        help="model directory; a server that watches it takes the new version over",
    )
    parser.add_argument(
        "--evaluation",
        type=pathlib.Path,
        required=True,
        metavar="JSON",
        help="blessing.json that `ganimation evaluate EXPORT --report DIR --gate ...` wrote",
    )
    parser.add_argument(
        "--infra",
        type=pathlib.Path,
        required=True,
        metavar="JSON",
        help="what `ganimation infra-validate EXPORT -o JSON` wrote",
    )
    parser.add_argument(
        "-o", "--output", type=pathlib.Path, metavar="JSON", help="where to note what was pushed"
    )


def run(args: argparse.Namespace) -> int:
    """Pushes and says what it became; returns 0."""
    from ganimation_tf import files
    from ganimation_tf.blessing import EVALUATION, INFRASTRUCTURE, Blessing
    from ganimation_tf.export import model_directory

    pushed = model_directory.push(
        args.export,
        args.to,
        Blessing.load(args.evaluation, EVALUATION),
        Blessing.load(args.infra, INFRASTRUCTURE),
    )
    if pushed.new:
        print(f"pushed {args.export} as {pushed.path}")
    else:
        print(f"{pushed.path} is this very model already: nothing to push")
    if args.output:
        facts = {"version": int(pushed.path.name), "path": str(pushed.path)}
        files.write_json(args.output, facts, indent=1)
    return 0
