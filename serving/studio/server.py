"""The studio's HTTP server: the page, its pictures, and the calls of its script.

It listens on loopback unless told otherwise, and answers only what is addressed to the host that it
listens at, or to the very address that was reached: a page from elsewhere that is open in the same
browser gets nothing.
"""

import functools
import http.server
import importlib.resources
import ipaddress
import json
import socket
import sys
import urllib.parse
from collections.abc import Callable

from ganimation_tf.errors import MALFORMED, GanimationError, UserError, as_user_error, reason
from serving.studio import regions
from serving.studio.session import Studio

MAX_BODY = 64 * 2**20
"""Bytes of a request."""

TIMEOUT = 120.0
"""Seconds that a client may keep the server waiting for a request, or for taking an answer."""

PAGE = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/studio.css": ("studio.css", "text/css; charset=utf-8"),
    "/studio.js": ("studio.js", "text/javascript; charset=utf-8"),
    "/timeline.js": ("timeline.js", "text/javascript; charset=utf-8"),
}

TYPES = {
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "jpeg": "image/jpeg",
    "json": "application/json",
}

POLICY = "default-src 'self'; img-src 'self' blob:; media-src 'self' blob:; frame-ancestors 'none'"
"""Nothing is loaded from elsewhere."""


class StudioServer(http.server.ThreadingHTTPServer):
    """Serves one `Studio`.

    Args:
        host, port: where it listens; port 0 takes a free one.

    Raises:
        UserError: if it cannot listen there.
    """

    daemon_threads = True

    def __init__(self, studio: Studio, host: str = "127.0.0.1", port: int = 0):
        if ":" in host:
            self.address_family = socket.AF_INET6
        with as_user_error(f"{host}:{port}: cannot listen there"):
            super().__init__((host, port), functools.partial(_Handler, studio, host))
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.server_address[1]}/"

    def handle_error(self, request, client_address) -> None:
        """Prints what is a bug; a client that goes away is none."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    server_version = "ganimation-studio"
    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT

    def __init__(self, studio: Studio, host: str, *args):
        self._studio, self._host = studio, host.lower()
        super().__init__(*args)

    def do_GET(self) -> None:
        """The page, its parts and its pictures."""
        path = self._path()
        if path is None:
            return
        if path in PAGE:
            name, kind = PAGE[path]
            content = importlib.resources.files("serving.studio").joinpath("page", name)
            return self._send(200, content.read_bytes(), kind)
        if path == "/api/model":
            return self._send_json(200, self._studio.describe())
        if path.startswith("/au/"):
            return self._send_picture(path.removeprefix("/au/").removesuffix(".png"))
        self._send_json(404, {"error": f"there is no {path}"})

    def _send_picture(self, name: str) -> None:
        try:
            self._send(200, _picture(name), TYPES["png"])
        except KeyError:
            self._send_json(404, {"error": f"there is no picture of {name}"})

    def do_POST(self) -> None:
        """The calls of the page's script."""
        calls: dict[str, Callable[[bytes], None]] = {
            "/api/photo": lambda body: self._send_json(200, self._studio.open(body)),
            "/api/edit": lambda body: self._send(
                200, self._studio.edit(_object(body)), TYPES["jpeg"]
            ),
            "/api/save": self._save,
        }
        body = self._body()
        if body is None or (path := self._path()) is None:
            return
        call = calls.get(path)
        if call is None:
            return self._send_json(404, {"error": f"there is no {path}"})
        try:
            call(body)
        except GanimationError as error:
            self._send_json(400, {"error": " ".join(str(error).split())})
        except MALFORMED as error:
            self._send_json(400, {"error": f"the request cannot be read: {reason(error)}"})

    def _save(self, body: bytes) -> None:
        content, kind = self._studio.save(_object(body))
        self._send(200, content, TYPES[kind])

    def _body(self) -> bytes | None:
        """What was sent; None where it is not read, and the answer is sent."""
        stated = self.headers["Content-Length"]
        try:
            length = int(stated or 0)
        except ValueError:
            length = -1
        if stated is None or "Transfer-Encoding" in self.headers:
            status, message = 411, "a request must say its Content-Length"
        elif length < 0:
            status, message = 400, f"Content-Length must be a number, got {stated:.20}"
        elif length > MAX_BODY:
            status, message = 413, f"at most {MAX_BODY >> 20} MiB are taken"
        else:
            return self.rfile.read(length)
        self.close_connection = True  # what follows is no request
        self._send_json(status, {"error": message})
        return None

    def _path(self) -> str | None:
        """What is asked for, by a page of this server; else None, and the answer is sent."""
        host = self.headers.get("Host", "")
        origin = self.headers.get("Origin")
        try:
            path = urllib.parse.urlsplit(self.path).path
            name = urllib.parse.urlsplit(f"//{host}").hostname or ""
        except ValueError as error:
            self._send_json(400, {"error": f"the address cannot be read: {reason(error)}"})
            return None
        if self._is_own(name) and origin in (None, f"http://{host}"):
            return path
        self._send_json(403, {"error": "this studio answers its own page only"})
        return None

    def _is_own(self, name: str) -> bool:
        """Whether this is a host that the server listens at.

        Another name may be its owner's trick (DNS rebinding); an address cannot lead elsewhere.
        """
        if name in ("localhost", "127.0.0.1", "::1", self._host):
            return True
        try:
            asked = ipaddress.ip_address(name)
        except ValueError:
            return False
        own = ipaddress.ip_address(self.connection.getsockname()[0])
        return asked == (getattr(own, "ipv4_mapped", None) or own)

    def _send_json(self, status: int, content: dict) -> None:
        self._send(status, json.dumps(content).encode(), TYPES["json"])

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args) -> None:
        """The page shows what goes wrong; nothing is printed for each request."""


@functools.cache
def _picture(name: str) -> bytes:
    return regions.picture(name)


def _object(body: bytes) -> dict:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise UserError("a request must be a JSON object")
    return content
