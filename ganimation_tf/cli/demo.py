"""`ganimation demo`: every other command, one after the other, on synthetic faces."""

import argparse
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

from ganimation_tf.cli import flags

HELP = "the whole road on synthetic faces: draw, preprocess, train, export, serve, animate"
EXAMPLE = "ganimation demo --output demo"

MARKER = ".ganimation-demo"
"""Lies in a directory that the demo made and may therefore replace."""

SERVER_START_SECONDS = 120


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument("--output", metavar="DIR", help="a new or earlier demo's folder")
    flags.add_former_name(parser, "out", "--output")
    parser.add_argument("--count", type=int, default=1600, help="faces to draw")
    parser.add_argument("--image-size", type=int, default=48, help="side of the crops in pixels")
    parser.add_argument("--steps", type=int, default=1200, help="generator updates")
    parser.add_argument("--seed", type=int, default=0, help="of the faces and of training")


def run(args: argparse.Namespace) -> int:
    """Runs the steps; returns the exit code of the first that fails, else 0."""
    from ganimation_tf.errors import UserError, require

    for module, extra in (("apache_beam", "all"), ("tensorflow_serving", "all")):
        require(module, extra)
    out = flags.output_of(args, "out")
    if out.exists() and any(out.iterdir()) and not (out / MARKER).exists():
        raise UserError(f"{out} is not empty and not an earlier demo; choose another folder")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MARKER).touch()
    began = time.monotonic()
    code = _road(out, args)
    if code == 0:
        print(_summary(out, time.monotonic() - began))
    return code


def _road(out: pathlib.Path, args: argparse.Namespace) -> int:
    photos, data, runs = out / "photos", out / "dataset", out / "runs"
    size = ["--image-size", str(args.image_size)]
    steps = [
        [
            *("synthesize", "--count", str(args.count), "--image-size", str(2 * args.image_size)),
            *("--seed", str(args.seed), "--output", str(photos)),
        ],
        [
            *("preprocess", "--images", str(photos / "imgs")),
            *("--annotations", str(photos / "openface_csv")),
            *(*size, "--output", str(data)),
        ],
        [
            *("train", "--data", str(data), "--output", str(runs), "--preset", "tiny"),
            *("--steps", str(args.steps), "--seed", str(args.seed)),
        ],
    ]
    for step in steps:
        if code := _call(step):
            return code
    (trained,) = runs.iterdir()
    models = out / "models"
    if code := _call(["export", "--run", str(trained), "--output", str(models)]):
        return code
    return _serve_and_animate(out, photos, data, models)


def _call(arguments: list[str]) -> int:
    print(f"\n$ ganimation {shlex.join(arguments)}", flush=True)
    began = time.monotonic()
    code = subprocess.run([sys.executable, "-m", "ganimation_tf", *arguments]).returncode
    print(f"  ({time.monotonic() - began:.0f} s)", flush=True)
    return code


def _serve_and_animate(out, photos, data, models) -> int:
    log = out / "server.log"
    command = ["serve", "--model-dir", str(models), "--port", "0"]
    print(f"\n$ ganimation {shlex.join(command)} &", flush=True)
    with log.open("w") as stream:
        server = subprocess.Popen(
            [sys.executable, "-m", "ganimation_tf", *command], stdout=stream, stderr=stream
        )
    try:
        address = _wait_for_address(server, log)
        if address is None:
            print(f"ganimation demo: the server did not start; see {log}", file=sys.stderr)
            return 1
        key = _calmest_unseen_face(data)
        image = next((photos / "imgs").glob(f"{key}.*"))
        ask = ["animate", str(image), "--annotations", str(photos / "openface_csv" / f"{key}.csv")]
        ask += ["--server", address, "--au", "AU12=1", "--au", "AU06=0.6", "--au", "AU25=0.8"]
        for name in ("animation.gif", "animation.png"):
            if code := _call([*ask, "--crop-only", "--scale", "3", "-o", str(out / name)]):
                return code
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
    return 0


def _wait_for_address(server: subprocess.Popen, log: pathlib.Path) -> str | None:
    """HOST:PORT from the server's first line; None if it ends or takes too long."""
    deadline = time.monotonic() + SERVER_START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        if found := re.search(r"^serving .* at (\S+:\d+)", log.read_text(), re.MULTILINE):
            return found[1]
        time.sleep(0.2)
    return None


def _calmest_unseen_face(data: pathlib.Path) -> str:
    """Key of the eval face that shows least: its animation shows most."""
    from ganimation_tf.data import records, tfrecord
    from ganimation_tf.data.manifest import EVAL, Manifest

    faces = []
    for shard in Manifest.load(data).splits[EVAL]:
        with (data / shard.file).open("rb") as file:
            for serialized in tfrecord.read(file):
                record = records.decode(serialized)
                faces.append((float(record.action_units.sum()), record.key))
    return min(faces)[1]


def _summary(out: pathlib.Path, seconds: float) -> str:
    (trained,) = (out / "runs").iterdir()
    (version,) = (path for path in (out / "models").iterdir() if path.name.isdecimal())
    places = {
        "photos and annotations": out / "photos",
        "dataset": out / "dataset",
        "run": trained,
        "sample grids": trained / "samples",
        "TensorBoard logs": trained / "logs",
        "SavedModel": version,
        "server log": out / "server.log",
        "animation": out / "animation.gif",
        "contact sheet": out / "animation.png",
    }
    width = max(map(len, places))
    lines = [f"  {name:<{width}}  {path}" for name, path in places.items()]
    return "\n".join([f"\ndone in {seconds / 60:.1f} minutes:", *lines])
