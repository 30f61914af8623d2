"""The connection of the client and of its asyncio twin: address, TLS, retries, errors."""

import dataclasses
import json
import pathlib
import re
from typing import Any

import grpc

from ganimation_tf.errors import ServiceError, UserError, as_user_error
from ganimation_tf.loopback import is_loopback

MAX_MESSAGE_BYTES = 256 * 2**20

ATTEMPTS = 5
"""How often a request is sent before UNAVAILABLE is final; gRPC allows no more."""


class ServerError(ServiceError):
    """The server refused a request or could not be reached.

    Attributes:
        target: HOST:PORT.
        code: the gRPC status code.
        details: the server's own words.
    """

    def __init__(self, target: str, code: grpc.StatusCode, details: str):
        super().__init__(target, code, details)  # all three, so that it can be pickled
        self.target = target
        self.code = code
        self.details = details

    def __str__(self) -> str:
        return f"server {self.target}: {self.code.name}: {self.details}"


def closed(target: str) -> ServerError:
    """The error of a request whose client is, or has been, closed."""
    return ServerError(target, grpc.StatusCode.CANCELLED, "the client is closed")


@dataclasses.dataclass(frozen=True)
class Tls:
    """An encrypted connection; files are PEM.

    Attributes:
        root_certificates: who may sign the server's certificate; None: gRPC's own list.
        certificate, key: the client's, for a server that asks for one; both or neither.
    """

    root_certificates: pathlib.Path | None = None
    certificate: pathlib.Path | None = None
    key: pathlib.Path | None = None

    def __post_init__(self):
        if (self.certificate is None) != (self.key is None):
            missing = "key" if self.key is None else "certificate"
            raise UserError(f"a client certificate and its key go together; no {missing} was given")

    def credentials(self) -> grpc.ChannelCredentials:
        """What gRPC takes.

        Raises:
            UserError: if a file cannot be read.
        """
        return grpc.ssl_channel_credentials(
            _read(self.root_certificates), _read(self.key), _read(self.certificate)
        )


def _read(path: pathlib.Path | None) -> bytes | None:
    with as_user_error(f"{path}: cannot be read"):
        return None if path is None else pathlib.Path(path).read_bytes()


def check_target(target: str) -> str:
    """`target` if it is HOST:PORT, else `UserError`."""
    if not re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^\s:/\[\]]+):\d{1,5}", target):
        raise UserError(f"a server is given as HOST:PORT, such as 127.0.0.1:8500; got {target!r}")
    return target


def connect(grpc_module, target: str, tls: Tls | None):
    """A channel to `target`, HOST:PORT.

    Args:
        grpc_module: `grpc`, or `grpc.aio` for an asynchronous channel.
        tls: None talks in the clear.

    Raises:
        UserError: if the target is no address or a file of `tls` cannot be read.
    """
    options = channel_options(check_target(target))
    if tls is None:
        return grpc_module.insecure_channel(target, options)
    return grpc_module.secure_channel(target, tls.credentials(), options)


def channel_options(target: str) -> list[tuple[str, Any]]:
    """Message sizes, and the retries that gRPC does itself: with exponential backoff and jitter,
    on UNAVAILABLE only, and never past the deadline of the call. Without a proxy on loopback."""
    host, _, _ = target.rpartition(":")
    policy = {
        "maxAttempts": ATTEMPTS,
        "initialBackoff": "0.2s",
        "maxBackoff": "5s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    config = {"methodConfig": [{"name": [{}], "retryPolicy": policy}]}
    return [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        (
            "grpc.service_config",
            json.dumps(config),
        ),
        # A request that does not fit in here is not sent again.
        ("grpc.per_rpc_retry_buffer_size", MAX_MESSAGE_BYTES),
        # The channel looks for a server that restarts more often than the requests are sent again.
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 500),
        ("grpc.enable_http_proxy", 0 if is_loopback(host.strip("[]")) else 1),
    ]
