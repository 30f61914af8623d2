"""`ganimation serve`."""

import argparse
import pathlib

from ganimation_tf import quiet, signature
from ganimation_tf.errors import UserError, require

HELP = "answer gRPC requests for an exported model, as TensorFlow Serving does"
EXAMPLE = "ganimation serve --model-dir models --port 8500"

DRAIN_SECONDS = 30.0
"""How long running requests may take to finish after SIGTERM or Ctrl-C."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument(
        "--model-dir",
        type=pathlib.Path,
        required=True,
        help="directory of numbered versions; the highest is served",
    )
    parser.add_argument("--model-name", default=signature.MODEL_NAME, help="name in the requests")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen at; 0.0.0.0 for all networks"
    )
    parser.add_argument("--port", type=int, default=8500, help="gRPC port; 0 takes a free one")
    parser.add_argument(
        "--max-batch-size", type=int, default=64, help="most rows that one request may have"
    )


def run(args: argparse.Namespace) -> int:
    """Serves until SIGTERM or Ctrl-C; returns 0."""
    if not 0 <= args.port <= 65535:
        raise UserError(f"--port must be in [0, 65535], got {args.port}")
    if args.max_batch_size < 1:
        raise UserError(f"--max-batch-size must be at least 1, got {args.max_batch_size}")
    if not args.model_name:
        raise UserError("--model-name must not be empty")
    if not args.model_dir.is_dir():
        raise UserError(f"{args.model_dir}: no such model directory")
    require("tensorflow", "serve")
    require("tensorflow_serving", "serve")
    import os
    import signal
    import threading

    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it would log what is answered as an error

    quiet.import_tensorflow()
    from serving.server import Server, load_model

    model = load_model(args.model_dir, args.model_name)
    server = Server(model, args.host, args.port, args.max_batch_size)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    server.start()
    version = model.versions[-1]
    print(f"serving {model.name} version {version} at {server.address}", flush=True)
    stopped.wait()
    server.stop(DRAIN_SECONDS)
    return 0
