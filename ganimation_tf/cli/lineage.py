"""`ganimation lineage`."""

import argparse
import json

HELP = "say what made a model, from its card alone: code, libraries, options, data, photos' digests"
EXAMPLE = "ganimation lineage models"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a run, an export, a model directory (its newest version), HOST:PORT, or pretrained",
    )
    parser.add_argument("--json", action="store_true", help="all facts, for machines")


def run(args: argparse.Namespace) -> int:
    """Prints the facts; returns 0."""
    from ganimation_tf.line import lineage

    facts = lineage.facts_of(args.model)
    if args.json:
        print(json.dumps(facts, indent=2))
    else:
        print("\n".join(lineage.lines(facts)))
    return 0
