"""What the embedded server costs on top of the model: latency and throughput as ratios.

    python benchmarks/serve.py [--size 128] [--rounds 3] [--calls 10] [--requests 96]
        [--options="--num-batch-threads=1 --max-execution-batch-size=8"]

A generator of the published size (64 filters, 6 residual blocks) for 128 px, or a small one (16
filters, 1 block) for 16 px, with random weights. Three processes: this one with the clients, the
server as `ganimation serve` starts it by default, and one that calls the signature of the same
SavedModel in process, as `tf.saved_model.load` gives it. They take turns and never run at the same
time, except that clients and server share the cores. TensorFlow's threads are at their default in
both, as many as there are cores; each client is a thread with a connection of its own. Requests and
answers hold encoded pictures, which the clients do not decode.

Each round measures everything once, one after the other; a ratio is of two figures of one round,
and the median of the rounds is shown. The first calls are not counted.
"""

import argparse
import base64
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent import futures

import numpy as np

from ganimation_tf import action_units
from ganimation_tf.faces import images
from serving.client.sync import GanimationClient

CLIENTS = 16
BATCHES = (1, 2, 4, 8, 16)
NAMES = action_units.OPENFACE
PREDICT = "/v1/models/ganimation:predict"


def picture(size: int) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (size // 4, size // 4, 3), np.uint8)
    return images.encode_jpeg(pixels.repeat(4, axis=0).repeat(4, axis=1))


def in_process(model_dir: str, size: int) -> None:
    """A child process: exports the model, then times calls as lines on its input tell it to."""
    from ganimation_tf import quiet

    quiet.import_tensorflow()
    import tensorflow as tf

    from ganimation_tf.export import versions
    from ganimation_tf.export.model_card import ModelCard
    from ganimation_tf.faces.alignment import CropSpec
    from ganimation_tf.networks.critic import build_critic
    from ganimation_tf.networks.generator import build_generator

    filters, blocks = (64, 6) if size >= 64 else (16, 1)
    generator = build_generator(size, len(NAMES), filters, blocks)
    critic = build_critic(size, len(NAMES), 4, 4)
    card = ModelCard(NAMES, CropSpec(size))
    path = versions.export_model(generator, critic, card, pathlib.Path(model_dir))
    del generator, critic
    function = tf.saved_model.load(str(path)).signatures["serving_default"]
    print("ready", flush=True)
    for line in sys.stdin:
        batch, calls = map(int, line.split())
        encoded = [picture(size)] * batch
        units = np.full((batch, len(NAMES)), 0.5, np.float32)
        seconds = []
        for _ in range(calls):
            started = time.perf_counter()
            outputs = function(image_bytes=tf.constant(encoded), action_units=tf.constant(units))
            outputs["image_bytes"].numpy()
            seconds.append(time.perf_counter() - started)
        print(json.dumps(seconds), flush=True)


class InProcess:
    """The child that calls the signature."""

    def __init__(self, model_dir: str, size: int):
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--in-process", model_dir, "--size", str(size)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        while (line := self._process.stdout.readline().strip()) != "ready":
            if not line:
                raise RuntimeError("the process that calls the model has failed")

    def seconds(self, batch: int, calls: int) -> list[float]:
        """Time of each call."""
        self._process.stdin.write(f"{batch} {calls}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def stop(self) -> None:
        self._process.communicate()


def start_server(model_dir: str, options: str) -> tuple[subprocess.Popen, str, str]:
    """The process and its addresses, gRPC and REST."""
    command = [sys.executable, "-m", "ganimation_tf", "serve", "--model-dir", model_dir]
    process = subprocess.Popen(
        [*command, "--port=0", "--rest-port=0", *options.split()],
        stdout=subprocess.PIPE,  # stderr is the caller's: it says why a server does not start
        text=True,
    )
    lines = [process.stdout.readline() for _ in range(2)]
    if not all(lines):
        raise RuntimeError(f"the server ended with {process.wait()} before it was ready")
    rest, grpc = (line.split()[-1] for line in lines)
    return process, grpc, rest


class GrpcCaller:
    """A client over gRPC: one row, encoded answer."""

    def __init__(self, address: str, encoded: bytes):
        self._client = GanimationClient(address)
        self._face, self._units = [encoded], np.full((1, len(NAMES)), 0.5, np.float32)

    def __call__(self) -> None:
        if len(self._client.edit(self._face, self._units)) != 1:
            raise RuntimeError("an answer has no picture")

    def close(self) -> None:
        self._client.close()


class RestCaller:
    """The same over REST."""

    def __init__(self, address: str, encoded: bytes):
        self._connection = http.client.HTTPConnection(address)
        self._face = encoded

    def __call__(self) -> None:
        encoded = {"b64": base64.b64encode(self._face).decode()}
        row = {"image_bytes": encoded, "action_units": [0.5] * len(NAMES)}
        self._connection.request("POST", PREDICT, json.dumps({"instances": [row]}))
        answer = self._connection.getresponse()
        (content,) = json.loads(answer.read())["predictions"]
        base64.b64decode(content["b64"])

    def close(self) -> None:
        self._connection.close()


def timed(call: Callable[[], None]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def together(callers: list, requests: int) -> tuple[float, list[float]]:
    """Requests per second of all callers at once, each asking again when it is answered, and the
    time of each request."""
    each = requests // len(callers)
    with futures.ThreadPoolExecutor(len(callers)) as pool:
        started = time.perf_counter()
        times = list(pool.map(lambda caller: [timed(caller) for _ in range(each)], callers))
        rate = each * len(callers) / (time.perf_counter() - started)
    return rate, sum(times, [])


def one_round(process: InProcess, grpc_callers: list, rest_callers: list, args) -> dict:
    """All figures, once."""
    figures = {
        "in process ms": 1e3 * statistics.median(process.seconds(1, args.calls)),
        "gRPC ms": 1e3 * statistics.median(timed(grpc_callers[0]) for _ in range(args.calls)),
        "REST ms": 1e3 * statistics.median(timed(rest_callers[0]) for _ in range(args.calls)),
    }
    rates = {
        batch: batch
        / statistics.median(process.seconds(batch, max(2, args.requests // 6 // batch)))
        for batch in BATCHES
    }
    figures["best batch"] = max(rates, key=rates.get)
    figures["in process /s"] = rates[figures["best batch"]]
    for caller in rest_callers:
        caller.close()  # reopened by the next request; the server closes what idles for a minute
    for name, callers in (("gRPC", grpc_callers), ("REST", rest_callers)):
        figures[f"{name} /s"], seconds = together(callers, args.requests)
        figures[f"{name} p50"], figures[f"{name} p99"] = np.percentile(seconds, [50, 99])
    return figures


def report(rounds: list[dict], size: int) -> str:
    """The figures and the ratios with their goals."""

    def middle(number: Callable[[dict], float]) -> float:
        return statistics.median(map(number, rounds))

    lines = [f"{'one request at a time, p50 ms':44}{'':>8}"]
    for name in ("in process", "gRPC", "REST"):
        lines.append(f"  {name:42}{middle(lambda r, n=name: r[f'{n} ms']):8.2f}")
    lines.append(f"{f'{CLIENTS} clients, requests/s (p50, p99 s)':44}")
    batches = sorted({one["best batch"] for one in rounds})
    best = middle(lambda r: r["in process /s"])
    lines.append(f"  {f'in process, rows/s at its best batch, {batches}':42}{best:8.1f}")
    for name in ("gRPC", "REST"):
        rate, p50, p99 = (
            middle(lambda r, k=k, n=name: r[f"{n} {k}"]) for k in ("/s", "p50", "p99")
        )
        lines.append(f"  {name:42}{rate:8.1f}  ({p50:.3f}, {p99:.3f})")
    lines.append(f"{'':44}{'one':>8}{'goal':>10}")
    goals = [
        ("gRPC / in process, p50", lambda r: r["gRPC ms"] / r["in process ms"], "<= 1.05"),
        ("gRPC - in process, ms", lambda r: r["gRPC ms"] - r["in process ms"], "<= 3"),
        ("gRPC / in process, throughput", lambda r: r["gRPC /s"] / r["in process /s"], ">= 0.95"),
        ("REST / in process, throughput", lambda r: r["REST /s"] / r["in process /s"], ">= 0.85"),
        ("gRPC p99 / (clients / rate)", lambda r: r["gRPC p99"] * r["gRPC /s"] / CLIENTS, "<= 2.5"),
    ]
    del goals[1 if size >= 64 else 0]  # a ratio for a model that takes its time, else a difference
    lines += [f"  {name:42}{middle(ratio):8.3f}{goal:>10}" for name, ratio, goal in goals]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=128, help="pixels, 128 or 16")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=10, help="single calls in a round")
    parser.add_argument("--requests", type=int, default=96, help="of all clients, in a round")
    parser.add_argument("--options", default="", help="of `ganimation serve`")
    parser.add_argument("--in-process", metavar="DIR", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.in_process:
        in_process(args.in_process, args.size)
        return
    with tempfile.TemporaryDirectory() as models:
        process = InProcess(models, args.size)
        server, grpc_address, rest_address = start_server(models, args.options)
        encoded = picture(args.size)
        grpc_callers = [GrpcCaller(grpc_address, encoded) for _ in range(CLIENTS)]
        rest_callers = [RestCaller(rest_address, encoded) for _ in range(CLIENTS)]
        try:
            for caller in grpc_callers[:2] + rest_callers[:2]:
                caller()
            process.seconds(1, 3)
            load = os.getloadavg()[0]
            rounds = [
                one_round(process, grpc_callers, rest_callers, args) for _ in range(args.rounds)
            ]
        finally:
            for caller in grpc_callers + rest_callers:
                caller.close()
            server.terminate()
            server.wait()
            process.stop()
    print(f"{args.size} px, {os.cpu_count()} cores, load before {load:.1f}, {args.rounds} rounds\n")
    print(report(rounds, args.size))


if __name__ == "__main__":
    main()
