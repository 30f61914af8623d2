"""Sockets to listen at; imports nothing heavy, so that a port in use is told at once."""

import socket

from ganimation_tf.errors import UserError

BACKLOG = 128


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one.

    Raises:
        UserError: if it cannot, saying why.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        why, _, _ = (error.strerror or str(error)).partition(" (while")  # names the address again
        raise UserError(f"cannot listen at {host}:{port}: {why}") from error


def require_free(host: str, *ports: int | None) -> None:
    """Refuses ports that others listen at, and a host that is none of this machine's; a port that
    is None is not looked at. Errors as `listen`."""
    for port in ports:
        if port is not None:
            listen(host, port).close()
