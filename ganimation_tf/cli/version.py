"""`ganimation version`."""

import argparse

HELP = "say which version this is, from which commit, and which libraries it has"
EXAMPLE = "ganimation version"


def configure(parser: argparse.ArgumentParser) -> None:
    """It has no flags."""


def run(args: argparse.Namespace) -> int:
    """Prints what a report of a fault should hold; returns 0."""
    import platform

    from ganimation_tf import origin as origin_lib

    origin = origin_lib.made_with()
    commit = f" at {origin['commit']}" if origin["commit"] else ""
    print(f"ganimation {origin['version']}{commit}")
    print(f"python {platform.python_version()} on {platform.platform()}")
    for name, version in origin["libraries"].items():
        print(f"{name} {version or 'is not installed'}")
    print(f"processor {origin['cpu']}")
    return 0
