"""`ganimation version`."""

import argparse

HELP = "say which version this is, from which commit, and which libraries it has"
EXAMPLE = "ganimation version"

LIBRARIES = (
    *("numpy", "opencv-python-headless", "tensorflow", "keras", "apache-beam"),
    *("tensorflow-serving-api", "grpcio"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """It has no flags."""


def run(args: argparse.Namespace) -> int:
    """Prints what a report of a fault should hold; returns 0."""
    import importlib.metadata
    import platform

    from ganimation_tf.origin import package_origin

    origin = package_origin()
    commit = f" at {origin['commit']}" if origin["commit"] else ""
    print(f"ganimation {origin['version']}{commit}")
    print(f"python {platform.python_version()} on {platform.platform()}")
    for name in LIBRARIES:
        try:
            print(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            print(f"{name} is not installed")
    return 0
