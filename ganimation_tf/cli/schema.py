"""`ganimation schema`."""

import argparse
import pathlib

from ganimation_tf.cli import flags
from ganimation_tf.data.schema.options import SchemaOptions

HELP = "take a schema from a data set: AUs, ranges, shares, sizes and drift that the next may have"
EXAMPLE = "ganimation schema dataset -o schema.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument(
        "dataset", type=pathlib.Path, metavar="DATASET", help="that others are to be like"
    )
    parser.add_argument(
        "-o", "--output", type=pathlib.Path, required=True, metavar="JSON", help="the schema"
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave a schema as it is that is there already"
    )
    flags.add(parser, SchemaOptions)


def run(args: argparse.Namespace) -> int:
    """Writes the schema; returns 0."""
    from ganimation_tf.data.schema import bounds
    from ganimation_tf.data.schema.numbers import numbers_of
    from ganimation_tf.errors import UserError

    chosen = flags.build(SchemaOptions, **flags.given(args, SchemaOptions))
    if args.output.exists():
        bounds.load(args.output)
        if args.keep:
            print(f"kept {args.output}; without it one would be taken from {args.dataset}")
            return 0
        raise UserError(f"{args.output} exists; --keep leaves it as it is, deleting it renews it")
    numbers = numbers_of(args.dataset)
    if not numbers.faces:
        raise UserError(f"{args.dataset} has no faces to take a schema from")
    bounds.write(bounds.infer(numbers, chosen), args.output)
    print(f"wrote {args.output}, from {numbers.faces} faces with {len(numbers.action_units)} AUs")
    return 0
