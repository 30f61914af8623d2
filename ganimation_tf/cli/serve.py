"""`ganimation serve`."""

import argparse
import pathlib

from ganimation_tf import quiet
from ganimation_tf.cli import flags
from ganimation_tf.errors import UserError, require
from serving.server.config import BatchingParameters, ServerConfig
from serving.server.listening import require_free
from serving.server.tls import ServerTls

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


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    flags.add(parser, ServerConfig)
    _configure_batching(parser)
    _configure_tls(parser)


def _configure_batching(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("batching")
    flags.add(group, BatchingParameters, default=lambda field: str(field.default))
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
    if not args.model_dir.is_dir():
        raise UserError(f"{args.model_dir}: no such model directory")
    if (args.tls_key is None) != (args.tls_certificate is None):
        raise UserError("--tls-key and --tls-certificate must be given together")
    if args.tls_client_ca and not args.tls_key:
        raise UserError("--tls-client-ca needs --tls-key and --tls-certificate")


def _batching(args: argparse.Namespace) -> BatchingParameters:
    from serving.server.batching_config import read_parameters

    given = flags.given(args, BatchingParameters)
    if args.allowed_batch_sizes:
        given["allowed_batch_sizes"] = tuple(args.allowed_batch_sizes)
    if args.batching_parameters_file is None:
        return flags.build(BatchingParameters, **given)
    if given:
        flag = flags.flag_of(next(iter(given)))
        raise UserError(f"{flag} cannot be given together with --batching-parameters-file")
    return read_parameters(args.batching_parameters_file)


def run(args: argparse.Namespace) -> int:
    """Serves until SIGTERM or Ctrl-C; returns 0."""
    _check(args)
    config = _config(args)
    for module in MODULES:
        require(module, "serve")
    require_free(config.host, config.port, config.rest_port)  # TensorFlow takes seconds to load
    import os
    import queue
    import signal

    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it would log what is answered as an error

    quiet.import_tensorflow()
    from serving.server.server import Server

    server = Server(config)
    stopped: queue.SimpleQueue = queue.SimpleQueue()  # an Event's lock may be held by `wait` itself
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.put(None))
    server.start()
    if server.rest_address:
        print(f"REST and metrics at {server.rest_address}", flush=True)
    version = server.versions.versions[-1]
    print(f"serving {args.model_name} version {version} at {server.address}", flush=True)
    stopped.get()
    server.stop(DRAIN_SECONDS)
    return 0


def _config(args: argparse.Namespace) -> ServerConfig:
    tls = None
    if args.tls_key:
        tls = ServerTls(args.tls_key, args.tls_certificate, args.tls_client_ca)
    given = flags.given(args, ServerConfig)
    return flags.build(ServerConfig, **given, batching=_batching(args), tls=tls)
