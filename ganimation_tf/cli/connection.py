"""The flags of the commands that ask a server, and the client that they describe."""

import argparse
import os
import pathlib

from ganimation_tf.errors import UserError, require
from ganimation_tf.export import signature

DEFAULT_SERVER = "127.0.0.1:8500"
TIMEOUT = 120.0


def configure(
    parser: argparse.ArgumentParser,
    group=None,
    default_server: str | None = DEFAULT_SERVER,
    name_flag: str = "--model",
) -> None:
    """Declares the flags.

    Args:
        group: a group of `parser` that all but TLS belongs to.
        default_server: that of `--server`.
        name_flag: what the served model's name is given by.
    """
    group = group or parser
    group.add_argument("--server", default=default_server, help="HOST:PORT of the gRPC server")
    configure_requests(parser, group, name_flag)


def configure_requests(parser: argparse.ArgumentParser, group, name_flag: str) -> None:
    """Declares all flags but that of the server, for a command that is told it otherwise.

    Args:
        group, name_flag: as for `configure`.
    """
    group.add_argument(
        name_flag,
        dest="model_name",
        default=signature.MODEL_NAME,
        help="name of the served model",
    )
    group.add_argument(
        "--timeout",
        type=float,
        default=TIMEOUT,
        help="seconds that one request may take, sending again included",
    )
    tls = parser.add_argument_group("TLS", "PEM files; without any of these, no TLS")
    tls.add_argument(
        "--tls", action="store_true", help="TLS with the list of authorities that gRPC brings"
    )
    tls.add_argument(
        "--tls-root",
        type=pathlib.Path,
        metavar="FILE",
        help="the authority that signed the server's certificate",
    )
    tls.add_argument(
        "--tls-certificate", type=pathlib.Path, metavar="FILE", help="the client's certificate"
    )
    tls.add_argument("--tls-key", type=pathlib.Path, metavar="FILE", help="its private key")


def given(args: argparse.Namespace) -> list[str]:
    """The flags about a server that were given, with their values, as words of a command line.

    Of a command whose `name_flag` is `--model-name`.
    """
    words = ["--model-name", args.model_name] if args.model_name != signature.MODEL_NAME else []
    words += ["--timeout", str(args.timeout)] if args.timeout != TIMEOUT else []
    words += ["--tls"] if args.tls else []
    for flag in ("--tls-root", "--tls-certificate", "--tls-key"):
        if file := getattr(args, flag[2:].replace("-", "_")):
            words += [flag, str(file)]
    return words


def configure_edit(parser: argparse.ArgumentParser, au_group=None) -> None:
    """Declares the flags that say what a face is to show and what its file says of itself.

    Args:
        au_group: a group of `parser` that `--au` belongs to.
    """
    (au_group or parser).add_argument(
        "--au",
        action="append",
        default=[],
        metavar="NAME=INTENSITY",
        help="a wanted AU, in [0, 1]; may be given several times",
    )
    parser.add_argument(
        "--rest",
        choices=("source", "zero"),
        default="source",
        help="AUs that are not named stay as the face has them, or go to 0",
    )
    parser.add_argument(
        "--no-provenance",
        action="store_true",
        help="leave out the statement in the file's metadata that it is synthetic media",
    )


def open_client(args: argparse.Namespace, server: str | None = None):
    """A `GanimationClient` for these flags.

    Args:
        server: HOST:PORT; None: that of `--server`.

    Raises:
        UserError: if a flag is wrong or gRPC is missing.
    """
    if not 0 < args.timeout < float("inf"):
        raise UserError(f"--timeout must be a positive number of seconds, got {args.timeout}")
    require("grpc", "client")
    # Before it is imported: it would log what the client says as an error.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from serving.client.sync import GanimationClient, Tls

    files = (args.tls_root, args.tls_certificate, args.tls_key)
    tls = Tls(*files) if args.tls or any(files) else None
    return GanimationClient(server or args.server, args.model_name, args.timeout, tls)
