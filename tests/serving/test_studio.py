"""The studio's server, on a model known by arithmetic and a finder that knows where the face is."""

import contextlib
import http.client
import io
import json
import socket
import struct
import threading

import numpy as np
import pytest
from PIL import Image

from analytic_model import UNITS, AnalyticModel
from fixed_finder import FixedFinder
from ganimation_tf.animation.animator import Animator
from ganimation_tf.faces import images
from serving.studio import regions
from serving.studio import server as studio_server
from serving.studio.server import StudioServer
from serving.studio.session import PHOTOS, Studio


@pytest.fixture(scope="module")
def studio():
    return Studio(Animator(AnalyticModel(), FixedFinder()), "--model runs/a")


@contextlib.contextmanager
def serving(studio, *host):
    with StudioServer(studio, *host) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server(studio):
    with serving(studio) as server:
        yield server


def call(server, method, path, body=None, headers=()):
    """Status, content type and body."""
    host, port = server.server_address[:2]
    connection = http.client.HTTPConnection(host, port, timeout=20)
    if isinstance(body, dict):
        body = json.dumps(body)
    connection.request(method, path, body, dict(headers))
    answer = connection.getresponse()
    actual = answer.status, answer.getheader("Content-Type"), answer.read()
    connection.close()
    return actual


def answer_to(server, request: bytes) -> bytes:
    """All that comes for these bytes, which need be no HTTP, until the server closes."""
    with socket.create_connection(server.server_address[:2], timeout=20) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(4096), b""))


@pytest.fixture
def photo():
    """Grey 51 = 0.2, with a stripe at each face that shows what moves."""
    picture = np.full((120, 240, 3), 51, np.uint8)
    picture[:, 60] = picture[:, 180] = 255
    return picture


def opened(server, photo):
    status, _, body = call(server, "POST", "/api/photo", images.encode_png(photo))
    assert status == 200, body
    return json.loads(body)


def test_the_page_and_its_parts_load_nothing_from_elsewhere(server):
    for path, kind in (("/", "text/html"), ("/studio.css", "text/css"), ("/studio.js", "text/jav")):
        status, actual, body = call(server, "GET", path)
        assert status == 200 and actual.startswith(kind)
        assert b"http://" not in body and b"https://" not in body


def test_the_model_is_described_by_region(server):
    status, _, body = call(server, "GET", "/api/model")
    model = json.loads(body)
    assert status == 200 and model["model"] == "analytic 7" and model["flags"] == "--model runs/a"
    shown = [one["name"] for region in model["regions"] for one in region["units"]]
    assert sorted(shown) == sorted(UNITS)
    assert model["expressions"]["happiness"] == {"AU06": 0.8, "AU12": 1.0}


def test_every_au_has_its_place_its_muscle_and_its_picture():
    from ganimation_tf.action_units import OPENFACE

    placed = [au for units in regions.REGIONS.values() for au in units]
    assert sorted(placed) == sorted(OPENFACE) == sorted(regions.MUSCLES)
    at_rest = None
    for name in ("AU12", "AU26"):
        picture = images.decode(regions.picture(name))
        assert picture.shape == (64, 64, 3)
        assert at_rest is None or (picture != at_rest).any()
        at_rest = picture


def test_a_photo_is_opened_and_edited(server, photo):
    session = opened(server, photo)
    assert (session["width"], session["height"], len(session["faces"])) == (240, 120, 2)
    source = session["faces"][0]["source"]
    assert list(source) == list(UNITS)
    request = {"photo": session["photo"], "face": 1, "aus": {**source, "AU06": 1.0}}
    status, kind, body = call(server, "POST", "/api/edit", request)
    assert (status, kind) == (200, "image/jpeg")
    edited = images.decode(body).astype(int)
    assert edited[50, 170].min() > 180  # painted white over 1 - source of it
    np.testing.assert_allclose(edited[:, 80:110], 51, atol=3)  # the other face stays
    request["show"] = "attention"
    shown = images.decode(call(server, "POST", "/api/edit", request)[2]).astype(int)
    assert shown[50, 170, 0] - shown[50, 170, 2] > 90  # tinted


@pytest.mark.parametrize("kind", ["png", "gif", "webp", "mp4"])
def test_files_say_what_they_are(server, photo, kind):
    session = opened(server, photo)
    frames = [
        {"time": 0, "aus": {"AU12": 0}, "easing": "linear"},
        {"time": 0.4, "aus": {"AU12": 1.0}},
    ]
    request = {"photo": session["photo"], "kind": kind, "aus": {"AU12": 1.0}, "keyframes": frames}
    status, found_kind, body = call(server, "POST", "/api/save", request)
    assert status == 200 and found_kind.endswith(kind)
    assert b"compositeWithTrainedAlgorithmicMedia" in body
    if kind in ("gif", "webp"):
        with Image.open(io.BytesIO(body)) as picture:
            assert picture.n_frames == 6 and picture.size == (240, 120)


def test_the_oldest_photo_goes(server, photo):
    first = opened(server, photo)["photo"]
    for _ in range(PHOTOS):
        opened(server, photo)
    status, _, body = call(server, "POST", "/api/edit", {"photo": first})
    assert status == 400 and "not open any more" in json.loads(body)["error"]


BAD = [
    ("/api/photo", b"text", 400, "the photo cannot be used: not a picture"),
    ("/api/photo", images.encode_png(np.zeros((9, 9, 3), np.uint8)), 400, "no face was found"),
    ("/api/edit", b"[1]", 400, "a request must be a JSON object"),
    ("/api/edit", b"[" * 200_000, 400, "a request must be a JSON object"),
    ("/api/edit", b"{}", 400, "not open any more"),
    ("/api/edit", b'{"photo": 1e999}', 400, "not open any more"),
    ("/api/save", b'{"kind": "exe"}', 400, "a file is one of png, gif, webp, mp4"),
    ("/api/other", b"{}", 404, "there is no /api/other"),
]


@pytest.mark.parametrize(("path", "body", "status", "text"), BAD)
def test_wrong_requests_are_answered(server, path, body, status, text):
    actual, _, answer = call(server, "POST", path, body)
    assert actual == status and text in json.loads(answer)["error"]


def test_aus_that_are_none(server, photo):
    number = opened(server, photo)["photo"]
    wrong = (
        ({"AU99": 1}, "is no AU"),
        ({"AU12": 2}, "in [0, 1]"),
        ([1], "by name"),
        ({"AU12": 10**400}, "must be numbers"),
    )
    for aus, text in wrong:
        status, _, body = call(server, "POST", "/api/edit", {"photo": number, "aus": aus})
        assert status == 400 and text in json.loads(body)["error"]


@pytest.mark.parametrize("face", [-1, 2, "first", None, float("inf")])
def test_faces_that_are_none(server, photo, face):
    request = {"photo": opened(server, photo)["photo"], "face": face}
    status, _, body = call(server, "POST", "/api/edit", request)
    assert status == 400 and "face must be in [0, 1], got" in json.loads(body)["error"]


@pytest.mark.parametrize(
    "wrong", [{"keyframes": [{"aus": {}}]}, {"keyframes": [{"time": "soon"}]}, {"kind": ["gif"]}]
)
def test_requests_of_another_form_are_answered(server, photo, wrong):
    request = {"photo": opened(server, photo)["photo"], "kind": "gif", "aus": {}, **wrong}
    status, _, body = call(server, "POST", "/api/save", request)
    assert status == 400 and json.loads(body)["error"]


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}]
)
def test_pages_from_elsewhere_get_nothing(server, headers):
    assert call(server, "GET", "/api/model", headers=headers)[0] == 403
    assert call(server, "POST", "/api/edit", b"{}", headers)[0] == 403


def test_a_body_that_is_too_large_is_not_read(server):
    status, _, body = call(server, "POST", "/api/photo", None, {"Content-Length": str(10**9)})
    assert status == 413 and "64 MiB" in json.loads(body)["error"]


@pytest.mark.parametrize(
    ("headers", "status", "text"),
    [
        ("", 411, "must say its Content-Length"),
        ("Transfer-Encoding: chunked\r\n", 411, "must say its Content-Length"),
        ("Content-Length: many\r\n", 400, "Content-Length must be a number, got many"),
        ("Content-Length: -1\r\n", 400, "Content-Length must be a number, got -1"),
    ],
)
def test_a_body_of_unknown_length_is_not_read(server, headers, status, text):
    answer = answer_to(server, f"POST /api/edit HTTP/1.1\r\n{headers}\r\n".encode())
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()) and text.encode() in answer


@pytest.mark.parametrize(
    ("target", "host"), [("http://[", "localhost"), ("/", "[::1"), ("http://[", "[::1")]
)
def test_an_address_that_is_none_is_answered(server, target, host):
    request = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    answer = answer_to(server, request.encode())
    assert answer.startswith(b"HTTP/1.1 400 ") and b"the address cannot be read" in answer


def test_a_client_that_goes_away_leaves_no_traceback(server, capfd):
    ended = threading.Event()
    server.shutdown_request, end = lambda it: (end(it), ended.set()), server.shutdown_request
    with socket.create_connection(server.server_address[:2], timeout=20) as connection:
        connection.sendall(b"POST /api/photo HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset
    assert ended.wait(20)
    del server.shutdown_request
    assert capfd.readouterr().err == ""


def test_a_bug_keeps_its_traceback(server, studio, monkeypatch, capfd):
    monkeypatch.setattr(studio, "describe", lambda: 1 / 0)
    request = b"GET /api/model HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert answer_to(server, request) == b""
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_body_that_does_not_come_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(studio_server._Handler, "timeout", 0.1)
    request = b"POST /api/edit HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{}"
    assert answer_to(server, request) == b""


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("127.0.0.2", 200),  # what was reached
        ("localhost", 200),
        ("0.0.0.0", 200),
        ("127.0.0.3", 403),
        ("rebound.example", 403),  # which its owner may lead to 127.0.0.2
        ("127.0.0.2.rebound.example", 403),
    ],
)
def test_a_server_at_all_addresses_answers_to_the_one_that_was_reached(studio, name, status):
    with serving(studio, "0.0.0.0") as server:
        port = server.server_address[1]
        connection = http.client.HTTPConnection("127.0.0.2", port, timeout=20)
        headers = {"Host": f"{name}:{port}", "Origin": f"http://{name}:{port}"}
        connection.request("GET", "/api/model", headers=headers)
        assert connection.getresponse().status == status
        connection.close()


def test_files_and_views_of_a_large_photo(server):
    photo = np.full((1200, 2400, 3), 51, np.uint8)
    session = opened(server, photo)
    assert (session["width"], session["height"]) == (720, 360)
    request = {"photo": session["photo"], "kind": "png", "aus": {"AU06": 1.0}}
    assert images.decode(call(server, "POST", "/api/save", request)[2]).shape == photo.shape
    assert images.decode(call(server, "POST", "/api/edit", request)[2]).shape == (360, 720, 3)
