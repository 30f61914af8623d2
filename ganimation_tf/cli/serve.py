"""`ganimation serve`."""

import argparse
import pathlib

from ganimation_tf import quiet
from ganimation_tf.errors import UserError, require
from ganimation_tf.export import signature

HELP = "answer gRPC and REST requests for an exported model, as TensorFlow Serving does"
EXAMPLE = "ganimation serve --model-dir models --port 8500 --rest-port 8501"

MODULES = (
    "tensorflow",
    "tensorflow_serving",
    "grpc",
    "grpc_health",
    "grpc_reflection",
    "prometheus_client",
    "uvicorn",
)
"""What the extra `serve` brings."""

DRAIN_SECONDS = 30.0
"""How long running requests may take to finish after SIGTERM or Ctrl-C."""

BATCHING = {
    "max_batch_size": (64, "most rows that one request may have"),
    "max_execution_batch_size": (4, "most rows that run together; a larger request runs in parts"),
    "batch_timeout_micros": (0, "how long a request waits for others to join its batch"),
    "max_enqueued_batches": (2, "times --max-batch-size rows may wait; beyond: UNAVAILABLE"),
    "num_batch_threads": (1, "batches that run at the same time"),
}


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
        "--rest-port",
        type=int,
        metavar="PORT",
        help="port of REST and metrics; 0 takes a free one; left out: neither is served",
    )
    parser.add_argument(
        "--poll-seconds",
        type=float,
        default=1.0,
        help="time between two looks for new versions; 0: never",
    )
    _configure_batching(parser)
    _configure_tls(parser)


def _configure_batching(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("batching")
    for name, (default, text) in BATCHING.items():
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=int,
            metavar="N",
            help=f"{text} (default: {default})",
        )
    group.add_argument(
        "--allowed-batch-sizes",
        type=int,
        nargs="+",
        metavar="N",
        help="batches are padded to the next of these; the last is --max-execution-batch-size",
    )
    group.add_argument(
        "--batching-parameters-file",
        type=pathlib.Path,
        metavar="FILE",
        help="TensorFlow Serving's text file of the same; takes no other flag of this group",
    )


def _configure_tls(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("TLS, for both ports")
    group.add_argument("--tls-key", type=pathlib.Path, metavar="PEM", help="the server's key")
    group.add_argument(
        "--tls-certificate", type=pathlib.Path, metavar="PEM", help="the server's certificate"
    )
    group.add_argument(
        "--tls-client-ca",
        type=pathlib.Path,
        metavar="PEM",
        help="clients must show a certificate that this authority has signed",
    )


def _check(args: argparse.Namespace) -> None:
    for flag, port in (("--port", args.port), ("--rest-port", args.rest_port)):
        if port is not None and not 0 <= port <= 65535:
            raise UserError(f"{flag} must be in [0, 65535], got {port}")
    if args.rest_port and args.rest_port == args.port:
        raise UserError(f"--rest-port must not be --port, got {args.port} for both")
    if not 0 <= args.poll_seconds < float("inf"):
        raise UserError(f"--poll-seconds must be at least 0, got {args.poll_seconds}")
    if not args.model_name:
        raise UserError("--model-name must not be empty")
    if not args.model_dir.is_dir():
        raise UserError(f"{args.model_dir}: no such model directory")
    if (args.tls_key is None) != (args.tls_certificate is None):
        raise UserError("--tls-key and --tls-certificate must be given together")
    if args.tls_client_ca and not args.tls_key:
        raise UserError("--tls-client-ca needs --tls-key and --tls-certificate")


def _batching(args: argparse.Namespace):
    from serving.server.batching_config import BatchingParameters, read_parameters

    given = {name: getattr(args, name) for name in BATCHING if getattr(args, name) is not None}
    if args.allowed_batch_sizes:
        given["allowed_batch_sizes"] = tuple(args.allowed_batch_sizes)
    if args.batching_parameters_file is None:
        return BatchingParameters(**given)
    if given:
        flag = next(iter(given)).replace("_", "-")
        raise UserError(f"--{flag} cannot be given together with --batching-parameters-file")
    return read_parameters(args.batching_parameters_file)


def run(args: argparse.Namespace) -> int:
    """Serves until SIGTERM or Ctrl-C; returns 0."""
    _check(args)
    batching = _batching(args)
    for module in MODULES:
        require(module, "serve")
    import os
    import signal
    import threading

    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it would log what is answered as an error

    quiet.import_tensorflow()
    from serving.server.server import Server

    server = Server(_config(args, batching))
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    server.start()
    if server.rest_address:
        print(f"REST and metrics at {server.rest_address}", flush=True)
    version = server.versions.versions[-1]
    print(f"serving {args.model_name} version {version} at {server.address}", flush=True)
    stopped.wait()
    server.stop(DRAIN_SECONDS)
    return 0


def _config(args: argparse.Namespace, batching):
    from serving.server.server import ServerConfig
    from serving.server.tls import ServerTls

    tls = None
    if args.tls_key:
        tls = ServerTls(args.tls_key, args.tls_certificate, args.tls_client_ca)
    return ServerConfig(
        model_dir=args.model_dir,
        model_name=args.model_name,
        host=args.host,
        port=args.port,
        rest_port=args.rest_port,
        batching=batching,
        poll_seconds=args.poll_seconds,
        tls=tls,
    )
