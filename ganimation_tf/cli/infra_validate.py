"""`ganimation infra-validate`."""

import argparse
import pathlib

HELP = "serve an export in a fresh process, ask every signature over gRPC, and say what came of it"
EXAMPLE = "ganimation infra-validate models/1 -o infra_blessing.json"

NOT_BLESSED = 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument(
        "export", type=pathlib.Path, metavar="EXPORT", help="a version of `ganimation export`"
    )
    parser.add_argument(
        "-o", "--output", type=pathlib.Path, metavar="JSON", help="the blessing that a push needs"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=300.0,
        metavar="S",
        help="how long the server may take to be ready",
    )


def run(args: argparse.Namespace) -> int:
    """Prints what failed, if anything did; 1 then, else 0."""
    from ganimation_tf.errors import UserError, require

    for module, extra in (("tensorflow_serving", "serve"), ("grpc", "client")):
        require(module, extra)
    if not args.seconds > 0:
        raise UserError(f"--seconds must be above 0, got {args.seconds:g}")
    from ganimation_tf.line import infrastructure

    checked = infrastructure.validate(args.export, args.seconds)
    for failure in checked.failures:
        print(f"failed     {failure}")
    for name, value in checked.facts.items():
        print(f"{value:<10} {name.replace('_', ' ')}")
    if args.output:
        checked.write(args.output)
    print(f"result     {args.export} is {'' if checked.blessed else 'not '}blessed")
    return 0 if checked.blessed else NOT_BLESSED
