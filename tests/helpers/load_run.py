"""A stream of good and hostile requests to a server of `serving_model`, every answer checked.

Used by `test_load.py` for seconds and by `benchmarks/serve_load.py` for minutes. Loopback only.
"""

import base64
import collections
import contextlib
import http.client
import json
import pathlib
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable

import grpc
import numpy as np

import serving_model
from ganimation_tf.faces import images
from ganimation_tf.protos import serving_pb2, wire

PREDICT = "/tensorflow.serving.PredictionService/Predict"
REST_PREDICT = "/v1/models/ganimation:predict"
OVERSIZED = b"\0" * (65 * 2**20)
STORM = 20
TIMEOUT = 60.0


@contextlib.contextmanager
def server_process(model_dir: pathlib.Path, *options: str):
    """`ganimation serve` in a process of its own: (process, gRPC address, REST address).

    Its queue holds all that a storm sends at once: a full one answers UNAVAILABLE, and rightly.
    """
    command = [sys.executable, "-m", "ganimation_tf", "serve", "--model-dir", str(model_dir)]
    flags = ["--port", "0", "--rest-port", "0", "--max-enqueued-batches", "32", *options]
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            [*command, *flags], stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            lines = [process.stdout.readline() for _ in range(2)]
            if not all(lines):
                process.wait(60)
                log.seek(0)
                raise RuntimeError(f"the server did not start: {log.read()[-2000:]}")
            rest, address = (line.split()[-1] for line in lines)
            yield process, address, rest
        finally:
            process.terminate()
            process.wait(60)


def resident_mib(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def bomb() -> bytes:
    """The beginning of a PNG that claims 400 million pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + header
        + struct.pack(">I", zlib.crc32(header))
        + struct.pack(">I", 9)
        + b"IDAT"
    )


def request(
    signature_name: str = "", model: str = "ganimation", **inputs
) -> serving_pb2.PredictRequest:
    message = serving_pb2.PredictRequest()
    message.model_spec.name = model
    message.model_spec.signature_name = signature_name
    for alias, value in inputs.items():
        message.inputs[alias].CopyFrom(wire.to_tensor(value))
    return message


def strings(*values: bytes) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


class Caller:
    """One client: a gRPC channel and an HTTP connection, and its own stream of chance."""

    def __init__(self, address: str, rest_address: str, seed: int):
        self.random = random.Random(seed)
        self.faces = {value: serving_model.face(value) for value in range(0, 250, 10)}
        self.address, self.rest_address = address, rest_address
        self.channel = grpc.insecure_channel(
            address,
            options=[
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.max_send_message_length", 128 * 2**20),
            ],
        )
        self.call = self.channel.unary_unary(PREDICT)  # bytes in, bytes out
        self.http = http.client.HTTPConnection(rest_address, timeout=TIMEOUT)

    def close(self) -> None:
        self.channel.close()
        self.http.close()

    # Each kind sends its requests, says how many, and raises AssertionError at a wrong answer.

    def _edit(self) -> tuple[serving_pb2.PredictRequest, list[float]]:
        rows = self.random.choice((1, 1, 1, 1, 2, 4, 11))  # 11: run in parts
        values = [self.random.choice(list(self.faces)) for _ in range(rows)]
        units = np.zeros((rows, 3), np.float32)
        units[:, 0] = [self.random.random() for _ in range(rows)]
        message = request(
            image_bytes=strings(*(self.faces[value] for value in values)), action_units=units
        )
        expected = [
            value + au * (255 - value) for value, au in zip(values, units[:, 0], strict=True)
        ]
        return message, expected

    def _check_edit(self, answer: bytes, expected: list[float]) -> int:
        response = serving_pb2.PredictResponse.FromString(answer)
        pictures = response.outputs["image_bytes"].string_val
        pixels = [int(images.decode(png)[3, 5, 1]) for png in pictures]
        assert len(pixels) == len(expected), (pixels, expected)
        assert all(abs(p - e) <= 0.51 for p, e in zip(pixels, expected, strict=True)), (
            pixels,
            expected,
        )
        return response.model_spec.version.value

    def valid_edit(self) -> int:
        message, expected = self._edit()
        self.version = self._check_edit(
            self.call(message.SerializeToString(), timeout=TIMEOUT), expected
        )
        return 1

    def valid_render(self) -> int:
        image = np.full((1, 16, 16, 3), self.random.random(), np.float32)
        units = np.array([[self.random.random(), 0, 0]], np.float32)
        message = request("render", image=image, action_units=units)
        answer = self.call(message.SerializeToString(), timeout=TIMEOUT)
        response = serving_pb2.PredictResponse.FromString(answer).outputs
        expected = image + units[0, 0] * (1 - image)
        np.testing.assert_allclose(wire.from_tensor(response["image"]), expected, atol=1e-6)
        return 1

    def valid_rest(self) -> int:
        value, unit = self.random.choice(list(self.faces)), self.random.random()
        status, answer = self._post({"instances": [self._row(self.faces[value], unit)]})
        assert status == 200, (status, answer)
        png = base64.b64decode(answer["predictions"][0]["b64"])
        assert abs(int(images.decode(png)[0, 0, 0]) - (value + unit * (255 - value))) <= 0.51
        return 1

    def malformed_message(self) -> int:
        self._refused(b"\xff\xff\xff" + self.random.randbytes(20), grpc.StatusCode.INTERNAL)
        return 1

    def broken_picture(self) -> int:
        face = self.faces[100]
        cut = face[: self.random.randrange(len(face) - 12)]
        picture = self.random.choice((cut, self.random.randbytes(50), b"", bomb()))
        message = request(image_bytes=strings(picture), action_units=np.zeros((1, 3), np.float32))
        self._refused(message.SerializeToString(), grpc.StatusCode.INVALID_ARGUMENT)
        return 1

    def wrong_request(self) -> int:
        face, units = strings(self.faces[0]), np.zeros((1, 3), np.float32)
        invalid = grpc.StatusCode.INVALID_ARGUMENT
        message, code = self.random.choice(
            (
                (request(image_bytes=face, action_units=units.astype(np.float64)), invalid),
                (request(image_bytes=face, action_units=np.zeros((1, 4), np.float32)), invalid),
                (request(image_bytes=face, action_units=np.zeros((2, 3), np.float32)), invalid),
                (request(image_bytes=face), invalid),
                (request(image_bytes=np.zeros(1), action_units=units), invalid),
                (request(model="x", image_bytes=face), grpc.StatusCode.NOT_FOUND),
                (request("x", image_bytes=face), grpc.StatusCode.FAILED_PRECONDITION),
                (request(image_bytes=strings(*[b""] * 65), action_units=units), invalid),
            )
        )
        self._refused(message.SerializeToString(), code)
        return 1

    def wrong_rest(self) -> int:
        body, expected = self.random.choice(
            (
                (b"{", 400),
                (b"[" * 50_000, 400),
                (b'{"instances": [1]}', 400),
                (b'{"instances": [' + b"9" * 5000 + b"]}", 400),
                (json.dumps({"instances": [self._row(b"x", 0.0)]}).encode(), 400),
                (json.dumps({"signature_name": "x", "instances": [1]}).encode(), 400),
            )
        )
        status, answer = self._post(body)
        assert status == expected and answer.keys() == {"error"}, (status, answer)
        return 1

    def oversized(self) -> int:
        self._refused(OVERSIZED, grpc.StatusCode.RESOURCE_EXHAUSTED)
        connection = http.client.HTTPConnection(self.rest_address, timeout=TIMEOUT)
        connection.putrequest("POST", REST_PREDICT)
        connection.putheader("content-length", str(2**30))
        connection.endheaders()
        assert connection.getresponse().status == 413
        connection.close()
        return 2

    def disconnect(self) -> int:
        message, _ = self._edit()
        future = self.call.future(message.SerializeToString(), timeout=TIMEOUT)
        time.sleep(self.random.random() * 0.003)
        future.cancel()
        for address in (self.address, self.rest_address):
            host, port = address.split(":")
            with socket.create_connection((host, int(port)), timeout=TIMEOUT) as connection:
                start = self.random.choice(
                    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"", self.random.randbytes(30), b"POST ")
                )
                connection.sendall(start)
        return 3

    def deadline_storm(self) -> int:
        sent = []
        for _ in range(STORM):
            message, expected = self._edit()
            timeout = self.random.choice((0.0005, 0.001, 0.005, 0.02))
            sent.append((self.call.future(message.SerializeToString(), timeout=timeout), expected))
        for future, expected in sent:
            error = future.exception()
            if error is None:
                self._check_edit(future.result(), expected)
            else:
                assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
        return STORM

    def _refused(self, message: bytes, code: grpc.StatusCode) -> None:
        try:
            self.call(message, timeout=TIMEOUT)
        except grpc.RpcError as error:
            assert error.code() == code, error
        else:
            raise AssertionError(f"answered, not {code}")

    def _row(self, face: bytes, unit: float) -> dict:
        return {
            "image_bytes": {"b64": base64.b64encode(face).decode()},
            "action_units": [unit, 0, 0],
        }

    def _post(self, body) -> tuple[int, dict]:
        body = body if isinstance(body, bytes) else json.dumps(body)
        self.http.request("POST", REST_PREDICT, body)
        answer = self.http.getresponse()
        return answer.status, json.loads(answer.read())


KINDS = {
    "valid_edit": 60,
    "valid_render": 10,
    "valid_rest": 15,
    "malformed_message": 10,
    "broken_picture": 15,
    "wrong_request": 15,
    "wrong_rest": 10,
    "oversized": 0.1,
    "disconnect": 2,
    "deadline_storm": 2,
}
"""How often each kind is sent, against the others."""


class Run:
    """What came of a run.

    Attributes:
        counts: requests sent, by kind.
        wrong: one text for each wrong answer.
        memory: (requests so far, resident MiB of the server).
    """

    def __init__(self):
        self.counts: collections.Counter[str] = collections.Counter()
        self.wrong: list[str] = []
        self.memory: list[tuple[int, float]] = []

    def growth(self) -> float:
        """Largest memory from a tenth of the run on, against the memory at that tenth."""
        total = self.memory[-1][0]
        later = [mib for count, mib in self.memory if count >= total / 10]
        return max(later) / later[0]


def storm(process, address: str, rest: str, requests: int, threads: int = 8, seed: int = 0) -> Run:
    """Sends `requests` of all kinds from `threads` clients."""
    run, lock = Run(), threading.Lock()

    def client(number: int) -> None:
        caller = Caller(address, rest, seed + number)
        with contextlib.closing(caller):
            while sum(run.counts.values()) < requests:
                (kind,) = caller.random.choices(list(KINDS), KINDS.values())
                count, wrong = 1, ""
                try:
                    count = getattr(caller, kind)()
                except Exception as error:  # whatever it is, the server is to blame
                    wrong = f"{kind}: {type(error).__name__}: {error}"
                with lock:
                    run.counts[kind] += count
                    run.wrong += [wrong] if wrong else []

    workers = [threading.Thread(target=client, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers) and process.poll() is None:
        run.memory.append((sum(run.counts.values()), resident_mib(process.pid)))
        time.sleep(0.5)
    for worker in workers:
        worker.join()
    if process.poll() is not None:
        run.wrong.append(f"the server ended with {process.returncode}")
    return run


def swap(
    models: pathlib.Path,
    address: str,
    rest: str,
    swaps: int,
    tick: Callable[[int], None] = lambda number: None,
) -> Run:
    """`swaps` new versions, one after the other, the old ones deleted, under valid requests."""
    run, stop, latest = Run(), threading.Event(), {}

    def client(number: int) -> None:
        with contextlib.closing(Caller(address, rest, number)) as caller:
            while not stop.is_set():
                try:
                    caller.valid_edit()
                    latest[number] = caller.version
                    run.counts["valid_edit"] += 1
                except Exception as error:
                    run.wrong.append(f"{type(error).__name__}: {error}")

    workers = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    first = max(int(path.name) for path in models.iterdir())
    for number in range(first + 1, first + 1 + swaps):
        shutil.copytree(models / str(number - 1), models / str(number))
        until = time.monotonic() + TIMEOUT
        while set(latest.values()) != {number}:
            if time.monotonic() > until:
                run.wrong.append(f"version {number} did not take over")
                break
            time.sleep(0.01)
        shutil.rmtree(models / str(number - 1))
        tick(number)
    stop.set()
    for worker in workers:
        worker.join()
    return run
