"""The REST API and the metrics, asked with http.client alone."""

import asyncio
import base64
import http.client
import json
import math
import socket
import string
import threading
import tracemalloc
import urllib.parse

import grpc
import numpy as np
import pytest
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import predict_pb2
from waiting import wait_for

import serving_model
from ganimation_tf.faces import images
from ganimation_tf.protos import wire
from serving.server import json_answers, json_tensors, rest, tensors
from serving.server.status import MAX_STATUS_LENGTH, StatusError
from serving_model import SIZE, face, half_and_half, lying

UNITS = [0.5, 0.0, 0.0]


@pytest.fixture(scope="module")
def ask(served_model):
    """Sends a request; (status, parsed body)."""

    def send(method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(served_model.rest_address, timeout=20)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        is_json = answer.getheader("content-type") == "application/json"
        return answer.status, json.loads(text) if is_json else text.decode()

    return send


def b64(data: bytes) -> dict:
    return {"b64": base64.b64encode(data).decode()}


def pixel(answer: dict) -> int:
    """The first pixel of a PNG in an answer."""
    assert answer.keys() == {"b64"}
    return int(images.decode(base64.b64decode(answer["b64"]))[0, 0, 0])


PREDICT = "/v1/models/ganimation:predict"


def test_rows(ask):
    rows = [{"image_bytes": b64(face(value)), "action_units": UNITS} for value in (55, 155)]
    status, answer = ask("POST", PREDICT, {"instances": rows})
    assert (status, answer.keys()) == (200, {"predictions"})
    assert [pixel(png) for png in answer["predictions"]] == [155, 205]


def test_columns(ask):
    columns = {"image_bytes": [b64(face(55)), b64(face(155))], "action_units": [UNITS, UNITS]}
    body = {"signature_name": "serving_default", "inputs": columns}
    status, answer = ask("POST", "/v1/models/ganimation/versions/2:predict", body)
    assert (status, answer.keys()) == (200, {"outputs"})
    assert [pixel(png) for png in answer["outputs"]] == [155, 205]


def test_a_picture_is_taken_as_viewers_show_it(ask):
    rows = [{"image_bytes": b64(lying("JPEG")), "action_units": [0, 0, 0]}]
    status, answer = ask("POST", PREDICT, {"instances": rows})
    shown = images.decode(base64.b64decode(answer["predictions"][0]["b64"]))
    np.testing.assert_allclose(shown, half_and_half(), atol=12)  # a lossy file
    assert status == 200


def test_several_outputs_are_named_and_floats_are_short(ask):
    image = np.full((SIZE, SIZE, 3), 0.2).tolist()
    body = {
        "signature_name": "render",
        "instances": [{"image": image, "action_units": [0, 0, 0]}],
    }
    status, answer = ask("POST", PREDICT, body)
    (row,) = answer["predictions"]
    assert (status, row.keys()) == (200, {"image", "attention", "color"})
    assert row["image"] == image  # 0.2, not 0.20000000298023224
    assert row["attention"][0][0] == [1.0]
    inputs = {"image": [image], "action_units": [[0, 0, 0]]}
    status, columns = ask("POST", PREDICT, {"signature_name": "render", "inputs": inputs})
    assert columns["outputs"] == {name: [value] for name, value in row.items()}


def test_a_large_answer_is_exact_and_takes_little_memory_on_the_way():
    numbers = np.random.default_rng(0).random((2, 2**17 + 5), np.float32)
    response = predict_pb2.PredictResponse()
    tensors.encode(numbers, response.outputs["y"])
    tracemalloc.start()
    try:
        actual = json_answers._to_json("y", response.outputs["y"])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(np.array(actual, np.float32), numbers)
    assert repr(actual[1][-1]) == str(numbers[1, -1])
    assert peak < 100 * numbers.size  # all of them as text would be 128 bytes each


def test_one_input_needs_no_name_and_text_stays_text(ask):
    body = {"signature_name": "describe", "instances": ["a", "b"]}
    status, answer = ask("POST", PREDICT, body)
    assert status == 200 and len(answer["predictions"]) == 2
    assert json.loads(answer["predictions"][0])["version"] == 2
    for shape, key in (("inputs", "outputs"), ("instances", "predictions")):
        status, answer = ask(
            "POST", PREDICT, {"signature_name": "estimate", shape: [b64(face(51))]}
        )
        assert status == 200 and answer[key] == [pytest.approx([0.2, 0.2, 0.2], abs=1e-6)]


def test_base64_may_have_line_breaks(ask):
    lines = base64.encodebytes(face(55)).decode()
    assert lines.count("\n") > 1
    row = {"image_bytes": {"b64": lines}, "action_units": UNITS}
    status, answer = ask("POST", PREDICT, {"instances": [row]})
    assert status == 200 and pixel(answer["predictions"][0]) == 155


def test_status_and_metadata(ask):
    expected = {"version": "2", "state": "AVAILABLE"}
    expected["status"] = {"error_code": "OK", "error_message": ""}
    for path in ("/v1/models/ganimation", "/v1/models/ganimation/versions/2"):
        assert ask("GET", path) == (200, {"model_version_status": [expected]})
    status, answer = ask("GET", "/v1/models/ganimation/metadata")
    assert status == 200
    assert answer["model_spec"] == {"name": "ganimation", "signature_name": "", "version": "2"}
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    info = signatures["serving_default"]["inputs"]["action_units"]
    assert info["dtype"] == "DT_FLOAT"
    assert [dim["size"] for dim in info["tensor_shape"]["dim"]] == ["-1", "3"]


good_row = {"image_bytes": b64(face()), "action_units": UNITS}
RAW = b'{"inputs": {"image_bytes": [{"b64": ""}], "action_units": [[%s, %d, %d]]}}'


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("POST", "/v1/models/x:predict", {"instances": [good_row]}, 404, "Latest(x)"),
        (
            "POST",
            "/v1/models/ganimation/versions/7:predict",
            {"instances": [good_row]},
            404,
            "Servable not found for request: Specific(ganimation, 7)",
        ),
        (
            "POST",
            "/v1/models/ganimation/labels/stable:predict",
            {"instances": [good_row]},
            400,
            "Unrecognized servable version label: stable",
        ),
        (
            "POST",
            f"/v1/models/ganimation/versions/{2**63}:predict",
            {},
            400,
            f"Failed to convert version: {2**63} to numeric.",
        ),
        ("POST", "/v1/models/ganimation:classify", {}, 501, "TensorFlow Serving itself has it"),
        ("POST", "/v1/models/ganimation:train", {}, 400, "Malformed request: POST"),
        ("DELETE", "/v1/models/ganimation", None, 400, "Malformed request: DELETE"),
        ("GET", "/v1/models", None, 400, "Missing model name in request."),
        ("GET", "/v1/models/x", None, 404, "Could not find any versions of model x"),
        ("GET", "/v1/models/x/metadata", None, 404, "Latest(x)"),
        ("GET", "/etc/passwd", None, 404, "no such path"),
        ("GET", "/v1/models/..%2f..%2fetc", None, 404, "Could not find any versions of model ../"),
        (
            "POST",
            PREDICT,
            {"signature_name": "x", "instances": [good_row]},
            400,
            'Serving signature name: "x" not found in signature def',
        ),
    ],
)
def test_errors_have_tensorflow_servings_status_and_text(ask, method, path, body, status, text):
    found_status, answer = ask(method, path, body)
    assert (found_status, answer.keys()) == (status, {"error"})
    assert text in answer["error"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"{", "JSON Parse error: "),
        (b"\xff\xfe{", "JSON Parse error: "),
        (b"[" * 10**6, "JSON Parse error: nested too deeply"),
        (b'{"instances": [' + b"9" * 5000 + b"]}", "JSON Parse error: "),
        ([], "Is not object"),
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"instances": [], "inputs": []}, "only one of 'inputs' or 'instances'"),
        ({"instances": {}}, "Excepting 'instances' to be an list/array"),
        ({"instances": []}, "No values in 'instances' array"),
        ({"instances": [1]}, "instances is a plain list, but expecting list of objects"),
        ({"instances": [good_row, 1]}, "Expecting object but got list at item 1 of input list"),
        ({"instances": [{"image_bytes": "a"}]}, "keys must be equal to: action_units,image_bytes"),
        ({"inputs": [1]}, "inputs is a plain value/list, but expecting an object"),
        ({"inputs": {"image_bytes": []}}, "Missing named input: action_units in 'inputs' object."),
        ({"signature_name": 1, "instances": [good_row]}, "'signature_name' key must be a string"),
        ({"instances": [good_row | {"image_bytes": {"b64": "%"}}]}, "Unable to base64 decode"),
        ({"instances": [good_row | {"image_bytes": {"b32": "a"}}]}, "for base64 data"),
        ({"instances": [good_row | {"image_bytes": 1}]}, "is not of expected type: string"),
        ({"instances": [good_row | {"image_bytes": "text"}]}, "row 0: not a picture"),
        ({"instances": [good_row | {"action_units": ["1", 0, 0]}]}, "not of expected type: float"),
        ({"instances": [good_row | {"action_units": [None, 0, 0]}]}, "expected type: float32"),
        ({"instances": [good_row | {"action_units": [1e39, 0, 0]}]}, "without loss of precision"),
        ({"instances": [good_row | {"action_units": [0, 0]}]}, "must be float32 (?, 3), got"),
        ({"instances": [good_row | {"action_units": [True, 0, 0]}]}, "expected type: float32"),
        ({"instances": [good_row | {"action_units": ["aa"] + ["b"] * 9}]}, 'Value: "aa" is not of'),
        ({"instances": [good_row | {"action_units": [10**400, 0, 0]}]}, "loss of precision"),
        (RAW % (b"1e400", 0, 0), "Cannot convert JSON value: [Infinity, 0, 0] to float32"),
        (RAW % (b"[0]", 0, 0), "action_units: encountered list at unexpected level"),
        (
            {"instances": [good_row, good_row | {"action_units": [0]}]},
            "unexpected size: 1 expected",
        ),
        ({"instances": [good_row, good_row | {"action_units": 0}]}, "0 found at incorrect level"),
        ({"signature_name": "\ud800", "instances": [good_row]}, "half of a surrogate pair"),
        ({"signature_name": "describe", "inputs": [["a"]]}, "list at unexpected level"),
        ({"instances": [good_row] * 9}, "Task size 9 is larger than maximum input batch size 8"),
    ],
)
def test_bad_bodies_are_refused_and_the_server_goes_on(ask, body, text):
    status, answer = ask("POST", PREDICT, body)
    assert status == 400 and text in answer["error"]
    assert len(answer["error"]) <= 2000
    assert ask("POST", PREDICT, {"instances": [good_row]})[0] == 200


@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8", "bool"])
def test_text_in_place_of_numbers_takes_no_more_memory_than_the_body(dtype):
    info = meta_graph_pb2.TensorInfo(dtype=tensors.DTYPE_NUMBERS[dtype])
    info.tensor_shape.dim.add(size=-1)
    body = json.dumps({"inputs": ["a" * 4000, *["b"] * 4000]}).encode()
    declared = meta_graph_pb2.SignatureDef(inputs={"x": info})
    tracemalloc.start()
    try:
        with pytest.raises(StatusError, match=f"is not of expected type: {dtype}"):
            json_tensors.fill_request(body, lambda _: declared, predict_pb2.PredictRequest())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * len(body)  # 4001 texts of 4000 letters are 64 MB


@pytest.mark.parametrize(
    ("dtype", "text", "expected"),
    [
        ("float32", "[1, -0.5, 1e300]", None),
        ("float32", "[NaN, Infinity, -Infinity]", [math.nan, math.inf, -math.inf]),
        ("float64", "[1, -0.5, 1e300]", [1.0, -0.5, 1e300]),
        ("float64", "[-1e400]", None),
        ("int64", "[9223372036854775807]", [2**63 - 1]),
        ("int64", "[9223372036854775808]", None),
        ("uint8", "[0, 255]", [0, 255]),
        ("uint8", "[256]", None),
        ("bool", "[true, false]", [True, False]),
    ],
)
def test_numbers_are_taken_whole_or_not_at_all(dtype, text, expected):
    info = meta_graph_pb2.TensorInfo(dtype=tensors.DTYPE_NUMBERS[dtype])
    info.tensor_shape.dim.add(size=-1)
    declared, request = (
        meta_graph_pb2.SignatureDef(inputs={"x": info}),
        predict_pb2.PredictRequest(),
    )
    body = b'{"inputs": %s}' % text.encode()
    if expected is None:
        with pytest.raises(StatusError, match="without loss of precision"):
            json_tensors.fill_request(body, lambda _: declared, request)
        return
    json_tensors.fill_request(body, lambda _: declared, request)
    np.testing.assert_array_equal(
        wire.from_tensor(request.inputs["x"]), np.array(expected, dtype), strict=True
    )


def test_a_list_nested_as_deep_as_json_goes(ask):
    body = b'{"inputs": {"image_bytes": ["a"], "action_units": ' + b"[" * 900 + b"]" * 900 + b"}}"
    status, answer = ask("POST", PREDICT, body)
    assert status == 400 and "action_units" in answer["error"]


@pytest.mark.parametrize("depth", [65, 900])
def test_text_nested_as_deep_as_json_goes(ask, depth):
    nested = b"[" * depth + b'"a"' + b"]" * depth
    body = b'{"signature_name": "describe", "inputs": ' + nested + b"}"
    text = "request: encountered list at unexpected level"
    assert ask("POST", PREDICT, body) == (400, {"error": text})


def test_a_bug_is_answered_in_json_and_logged(served_model, ask, monkeypatch, caplog):
    def broken(self, request, caller):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("serving.server.service.Service.predict", broken)
    status, answer = ask("POST", PREDICT, {"instances": [good_row]})
    assert (status, answer.keys()) == (500, {"error"})
    assert "ZeroDivisionError: a bug" in caplog.text


@pytest.mark.parametrize(
    "text", ["a" * 9000, "%" * 9000, "\u00e4" * 9000, "\ud800\U0001f600" * 999]
)
def test_an_error_fits_into_the_header_that_it_travels_in(text):
    message = StatusError(grpc.StatusCode.INTERNAL, text).message
    plain = " " + string.punctuation.replace("%", "")  # gRPC's rule, doc/PROTOCOL-HTTP2.md
    header = urllib.parse.quote(message, safe=plain)
    assert MAX_STATUS_LENGTH - 12 < len(header) <= MAX_STATUS_LENGTH


def test_a_caller_that_has_gone_before_its_request_is_queued():
    told, gone = threading.Event(), asyncio.Event()
    messages = [{"type": "http.request"}]

    class Application(rest.RestApplication):
        def _process(self, method, path, body, caller):
            asyncio.run_coroutine_threadsafe(hang_up(), loop).result(20)
            caller.on_cancel(told.set)  # as the queue does
            return 200, b"", rest.JSON

    async def hang_up():
        gone.set()
        for _ in range(20):  # turns of the loop, in which the application hears of it
            await asyncio.sleep(0)

    async def receive():
        if messages:
            return messages.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        pass

    async def answer():
        nonlocal loop
        loop = asyncio.get_running_loop()
        scope = {"method": "POST", "raw_path": PREDICT.encode(), "headers": []}
        await Application(None)(scope, receive, send)

    loop = None
    asyncio.run(answer())
    assert told.is_set()


def test_bodies_over_the_limit_are_refused_before_they_are_read(ask, served_model):
    limit = str(rest.MAX_BODY_BYTES + 1)
    connection = http.client.HTTPConnection(served_model.rest_address, timeout=20)
    connection.putrequest("POST", PREDICT)
    connection.putheader("content-length", limit)
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_bodies_that_do_not_say_how_long_they_are_end_at_the_limit(served_model):
    host, port = served_model.rest_address.split(":")
    chunk = b"100000\r\n" + b" " * 2**20 + b"\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(
            f"POST {PREDICT} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        )
        try:
            for _ in range(64):
                connection.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            return  # hung up on: it never read all of it
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_what_is_no_http_is_refused(ask, served_model):
    host, port = served_model.rest_address.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
    assert ask("GET", "/v1/models/ganimation")[0] == 200


def test_a_caller_that_hangs_up_leaves_the_queue(model_dir):
    with serving_model.paused(model_dir) as server:
        body = json.dumps({"instances": [good_row]})
        connections = [http.client.HTTPConnection(server.rest_address) for _ in range(2)]
        connections[0].request("POST", PREDICT, body)
        assert server.begun.wait(20)
        connections[1].request("POST", PREDICT, body)
        wait_for(lambda: server.metric("ganimation_queued_rows") == 1, "nothing waits")
        connections[1].close()
        wait_for(lambda: server.metric("ganimation_queued_rows") == 0, "one still waits")
        server.go_on.set()
        assert connections[0].getresponse().status == 200
        connections[0].close()
    assert server.sizes == [1]


def test_a_body_that_does_not_arrive_in_time_is_408(model_dir, monkeypatch):
    monkeypatch.setattr(rest, "TIMEOUT_SECONDS", 0.2)
    with serving_model.running(model_dir) as server:
        host, port = server.rest_address.split(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            head = f"POST {PREDICT} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\n"
            connection.sendall(head.encode() + b"{")  # one of nine bytes
            assert connection.recv(100).startswith(b"HTTP/1.1 408")


def test_an_answer_that_takes_too_long_is_504(model_dir, monkeypatch):
    monkeypatch.setattr(rest, "TIMEOUT_SECONDS", 1.0)
    with serving_model.paused(model_dir) as server:
        connection = http.client.HTTPConnection(server.rest_address, timeout=20)
        connection.request("POST", PREDICT, json.dumps({"instances": [good_row]}))
        assert connection.getresponse().status == 504
        connection.close()
        server.go_on.set()


def refuses(address: str) -> bool:
    """Whether nobody listens there any more."""
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=20).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_stop_lets_running_requests_finish(model_dir):
    with serving_model.paused(model_dir) as server:
        connection = http.client.HTTPConnection(server.rest_address, timeout=20)
        connection.request("POST", PREDICT, json.dumps({"instances": [good_row]}))
        assert server.begun.wait(20)
        stopping = threading.Thread(target=server.server.stop, args=(20,))
        stopping.start()
        wait_for(lambda: refuses(server.rest_address), "the stop is not under way")
        server.go_on.set()
        assert connection.getresponse().status == 200
        connection.close()
        stopping.join(20)
        assert not stopping.is_alive()


def test_metrics_count_requests_batches_and_errors(model_dir):
    with serving_model.running(model_dir) as server:
        connection = http.client.HTTPConnection(server.rest_address, timeout=20)
        for body in ({"instances": [good_row] * 3}, {"instances": [good_row]}, {}):
            connection.request("POST", PREDICT, json.dumps(body))
            connection.getresponse().read()
        connection.close()
        labels = 'entrypoint="REST",model_name="ganimation",status='
        count = ":tensorflow:serving:request_count"
        assert server.metric(f'{count}{{{labels}"OK"}}') == 2
        assert server.metric(f'{count}{{{labels}"INVALID_ARGUMENT"}}') == 1
        latency = ':tensorflow:serving:request_latency_{}{{API="Predict",entrypoint="REST",{}}}'
        name = 'model_name="ganimation"'
        assert server.metric(latency.format("count", name)) == 3
        assert server.metric(latency.format("bucket", f'le="+Inf",{name}')) == 3
        assert 0 < server.metric(latency.format("sum", name)) < math.inf
        assert server.metric("ganimation_batch_rows_sum") == 4
        assert server.metric("ganimation_batch_rows_count") == 2
        assert server.metric("ganimation_queued_rows") == 0
        assert server.metric(f"ganimation_model_version{{{name}}}") == 2


def test_metrics_are_answered_and_refusals_counted_when_there_are_too_many(model_dir, monkeypatch):
    monkeypatch.setattr(rest, "MAX_CONCURRENT_REQUESTS", 1)
    with serving_model.paused(model_dir) as server:
        waiting = http.client.HTTPConnection(server.rest_address, timeout=20)
        waiting.request("POST", PREDICT, json.dumps({"instances": [good_row]}))
        assert server.begun.wait(20)
        other = http.client.HTTPConnection(server.rest_address, timeout=20)
        other.request("GET", "/v1/models/ganimation")
        assert other.getresponse().status == 429
        other.close()
        count = ':tensorflow:serving:request_count{{entrypoint="REST",model_name="ganimation",{}}}'
        assert server.metric(count.format('status="RESOURCE_EXHAUSTED"')) == 1
        server.go_on.set()
        assert waiting.getresponse().status == 200
        waiting.close()
        for path, status in (("/x", "NOT_FOUND"), ("/v1/x", "INVALID_ARGUMENT")):
            other.request("GET", path)
            other.getresponse().read()
            assert server.metric(count.format(f'status="{status}"')) == 1
        other.close()
