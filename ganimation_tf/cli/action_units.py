"""`ganimation action-units`."""

import argparse

HELP = "list the Action Units: name, muscle action, and what one sees"
EXAMPLE = "ganimation action-units"


def configure(parser: argparse.ArgumentParser) -> None:
    """It has no flags."""


def run(args: argparse.Namespace) -> int:
    """Prints them; returns 0."""
    from ganimation_tf.action_units import APPEARANCES, DESCRIPTIONS

    width = max(map(len, DESCRIPTIONS.values()))
    for name, action in DESCRIPTIONS.items():
        print(f"{name}  {action:<{width}}  {APPEARANCES[name]}")
    print("Intensities go from 0, not there, to 1, as strong as it gets.")
    return 0
