"""`ganimation completion`."""

import argparse

HELP = "print what makes a shell complete commands and flags with the tab key"
EXAMPLE = 'eval "$(ganimation completion bash)"'

SHELLS = ("bash", "zsh", "tcsh")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument("shell", choices=SHELLS, help="the shell that is to complete")


def run(args: argparse.Namespace) -> int:
    """Prints the script; returns 0."""
    import shtab

    from ganimation_tf import cli

    print(shtab.complete(cli.build_parser(), args.shell))
    return 0
