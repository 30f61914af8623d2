"""`ganimation studio`."""

import argparse
import pathlib
import shlex
import webbrowser

from ganimation_tf.cli import connection
from ganimation_tf.errors import UserError

HELP = "open a page on this machine for animating a photo by hand"
EXAMPLE = "ganimation studio"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument(
        "--model", type=pathlib.Path, metavar="PATH", help="a run, its .keras file, or an export"
    )
    connection.configure(parser, default_server=None, name_flag="--model-name")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, default=7860, help="0 takes a free one")
    parser.add_argument("--no-browser", action="store_true", help="print the address only")


def run(args: argparse.Namespace) -> int:
    """Serves until it is interrupted; returns 0."""
    if args.model is not None and args.server is not None:
        raise UserError("--model and --server name two models; give one of them")
    if not 0 <= args.port <= 65_535:
        raise UserError(f"--port must be in [0, 65535], got {args.port}")
    from ganimation_tf.cli.animate import open_animator
    from serving.studio.server import StudioServer
    from serving.studio.session import Studio

    with open_animator(args) as animator:
        studio = Studio(animator, shlex.join(_model_flags(args)))
        with StudioServer(studio, args.host, args.port) as server:
            print(f"studio at {server.url} (Ctrl-C ends it)", flush=True)
            if not args.no_browser:
                webbrowser.open(server.url)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                print()
    return 0


def _model_flags(args: argparse.Namespace) -> list[str]:
    """What names the same model on the command line of `ganimation animate`."""
    if args.server is not None:
        return ["--server", args.server, *connection.given(args)]
    return [] if args.model is None else ["--model", str(args.model)]
