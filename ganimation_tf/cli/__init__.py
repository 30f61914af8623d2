"""The command line `ganimation`: one parser, one place where errors become exit codes.

Each command is a module of this package with `HELP` (one line), `EXAMPLE` (a command line to
paste), `configure(parser)` and `run(args) -> int`. These modules are imported to build the help
text, so they import neither TensorFlow nor Beam at the top; `run` does.
"""

import argparse
import contextlib
import difflib
import errno
import importlib
import io
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence

from ganimation_tf import __version__
from ganimation_tf.errors import GanimationError, reason

COMMANDS = (
    "synthesize",
    "face-model",
    "reanimate",
    "preprocess",
    "inspect",
    "schema",
    "validate",
    "train",
    "evaluate",
    "train-judge",
    "export",
    "infra-validate",
    "push",
    "line",
    "lineage",
    "serve",
    "query",
    "animate",
    "expressions",
    "studio",
    "tfx",
    "demo",
    "action-units",
    "completion",
    "version",
)
"""In the order in which one uses them; each is a module of `ganimation_tf.cli`, `_` for `-`."""

THE_MACHINES = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    *(errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EMFILE, errno.EIO),
}
"""Errors of the system that are a state of the machine, and no bug."""

USER_ERROR = 2
INTERRUPTED = 130
UNREAD = 141
"""As of a command that SIGPIPE ended."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as every user error of this program is."""

    _given: Sequence[str] = ()

    def parse_known_args(self, args=None, namespace=None):
        """As argparse's; a command names what it does not know, and what is nearest to that."""
        self._given = sys.argv[1:] if args is None else args
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            near = difflib.get_close_matches(unknown[0], self._option_string_actions, 1)
            also = f"; did you mean {near[0]}?" if near else ""
            self.error(f"unrecognized arguments: {' '.join(unknown)}{also}")
        return parsed, unknown

    def error(self, message: str):
        for word in self._given:
            if word.startswith("-") and os.path.exists(word):
                message += f"; for the file of that name write ./{word}"
        self.exit(USER_ERROR, f"{self.prog}: {message} (see {self.prog} --help)\n")


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults, except the ones that say nothing."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, False, [], argparse.SUPPRESS) or not action.option_strings:
            return action.help
        return super()._get_help_string(action)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = _Parser(prog="ganimation", description="Face animation by facial Action Units.")
    parser.add_argument("-V", "--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"ganimation_tf.cli.{name.replace('-', '_')}")
        command = commands.add_parser(
            name,
            help=module.HELP,
            description=module.HELP,
            epilog=f"example: {module.EXAMPLE}",
            formatter_class=_HelpFormatter,
            allow_abbrev=False,
        )
        module.configure(command)
        command.set_defaults(run=module.run)
    return parser


def _print_any_name() -> None:
    """A terminal that lacks a character shows its number; no message ends a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """SIGTERM ends a command as Ctrl-C does, so that nothing half-written stays."""
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or before != signal.SIG_DFL:
        yield  # only the main thread can be told of signals
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code: 0 done, 2 the user's mistake, 130 interrupted,
    141 nobody reads its output any more."""
    _print_any_name()
    args = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("absl").setLevel(logging.WARNING)
    try:
        with _sigterm_as_ctrl_c():
            code = args.run(args)
            if sys.stdout is not None:  # as of a command with `>&-`
                sys.stdout.flush()
            return code
    except GanimationError as error:
        message = " ".join(str(error).split())
    except BrokenPipeError:
        # Who read the output has seen enough, as `head` does. Python would say so as it exits.
        sys.stdout = open(os.devnull, "w")
        return UNREAD
    except OSError as error:
        if error.errno not in THE_MACHINES:
            raise
        message = reason(error)
    except KeyboardInterrupt:
        print(f"ganimation {args.command}: interrupted", file=sys.stderr)
        return INTERRUPTED
    print(f"ganimation {args.command}: {message}", file=sys.stderr)
    return USER_ERROR
