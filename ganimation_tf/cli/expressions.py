"""`ganimation expressions`."""

import argparse

HELP = "list the named expressions and the AUs that each is made of"
EXAMPLE = "ganimation expressions"


def configure(parser: argparse.ArgumentParser) -> None:
    """It has no flags."""


def run(args: argparse.Namespace) -> int:
    """Prints them; returns 0."""
    from ganimation_tf.action_units import DESCRIPTIONS
    from ganimation_tf.expressions import EXPRESSIONS

    width = max(map(len, EXPRESSIONS))
    for name, units in EXPRESSIONS.items():
        parts = [f"{au} {DESCRIPTIONS[au]} {value:g}" for au, value in units.items()]
        print(f"{name:<{width}}  {', '.join(parts) or 'every AU at 0'}")
    return 0
