"""`ganimation demo`: every other command on faces that are drawn, then the model that ships."""

import argparse
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import time
from typing import Any

from ganimation_tf import parallel, processes
from ganimation_tf.cli import flags, synthesize

HELP = "the whole road on drawn faces: draw, preprocess, train, evaluate, export, serve, animate"
EXAMPLE = "ganimation demo --output demo"

MARKER = ".ganimation-demo"
"""Lies in a directory that the demo made and may therefore replace."""

SERVER_START_SECONDS = 120

SMILE = ("--au", "AU12=1", "--au", "AU06=0.6", "--au", "AU25=0.8")
SHOWN_PEOPLE = 6


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument("--output", metavar="DIR", help="a new or earlier demo's folder")
    flags.add_former_name(parser, "out", "--output")
    parser.add_argument("--count", type=int, default=5000, help="faces to draw")
    parser.add_argument("--image-size", type=int, default=64, help="side of the crops in pixels")
    parser.add_argument("--steps", type=int, default=500, help="generator updates")
    parser.add_argument("--photo", type=pathlib.Path, help="a photo for the model that ships")
    parser.add_argument("--seed", type=int, default=0, help="of the faces and of training")


def run(args: argparse.Namespace) -> int:
    """Runs the steps; returns the exit code of the first that fails, else 0."""
    from ganimation_tf.errors import UserError, require
    from ganimation_tf.synthetic import MIN_SIZE

    for module, extra in (("apache_beam", "all"), ("tensorflow_serving", "all")):
        require(module, extra)
    if args.photo is not None and not args.photo.is_file():
        raise UserError(f"--photo {args.photo}: no such file")
    flags.require_at_least(args, 1, "count", "steps")
    least, most = MIN_SIZE // 2, synthesize.MAX_SIZE // 2
    if args.image_size % 4 or not least <= args.image_size <= most:
        raise UserError(
            f"--image-size must be a multiple of 4 in [{least}, {most}], got {args.image_size}"
        )
    out = flags.output_of(args, "out")
    if out.exists() and any(out.iterdir()) and not (out / MARKER).exists():
        raise UserError(f"{out} is not empty and not an earlier demo; choose another folder")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MARKER).touch()
    began = time.monotonic()
    code = _all_steps(out, args)
    if code == 0:
        print(_summary(out, args.photo or example_portrait(), time.monotonic() - began))
    return code


def _all_steps(out: pathlib.Path, args: argparse.Namespace) -> int:
    photos, data, runs = out / "photos", out / "dataset", out / "runs"
    size = ["--image-size", str(args.image_size)]
    steps = [
        [
            *("synthesize", "--count", str(args.count), "--image-size", str(2 * args.image_size)),
            *("--seed", str(args.seed), "--output", str(photos)),
            *("--workers", str(parallel.cores())),
        ],
        [
            *("preprocess", "--images", str(photos / "imgs")),
            *("--annotations", str(photos / "openface_csv")),
            *(*size, "--output", str(data)),
        ],
        [
            *("train", "--data", str(data), "--output", str(runs), "--preset", "small"),
            *("--steps", str(args.steps), "--seed", str(args.seed)),
        ],
    ]
    for step in steps:
        if code := _call(step):
            return code
    (trained,) = runs.iterdir()
    models = out / "models"
    evaluate = [
        *("evaluate", str(trained), "--data", str(data), "--faces", "200", "--pixels-only"),
        *("--sweeps", "0", "--report", str(out / "report")),
    ]
    if code := _call_both(evaluate, ["export", "--run", str(trained), "--output", str(models)]):
        return code
    if code := _serve_and_animate(out, photos, data, models):
        return code
    photo = args.photo or example_portrait()
    if photo is None:  # an installed package has no examples
        return 0
    return _call(["animate", str(photo), *SMILE, "-o", str(out / "portrait.png")])


def example_portrait() -> pathlib.Path | None:
    """The first portrait of the checkout; None where there is none."""
    folder = pathlib.Path(__file__).parents[2] / "examples" / "portraits"
    return next(iter(sorted(folder.glob("*.jpg"))), None)


def _call(arguments: list[str]) -> int:
    print(f"\n$ ganimation {shlex.join(arguments)}", flush=True)
    began = time.monotonic()
    code = subprocess.run(**_process(arguments)).returncode
    print(f"  ({time.monotonic() - began:.0f} s)", flush=True)
    return code


def _call_both(first: list[str], second: list[str]) -> int:
    """Two commands that do not need each other, at once: each has one core's work for the most.

    What the second one prints follows when the first one is done.
    """
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        other = subprocess.Popen(**_process(second), stdout=said, stderr=subprocess.STDOUT)
        try:
            if code := _call(first):
                return code
            code = other.wait()
        finally:
            other.terminate()  # nothing, where it has ended
            other.wait()
        said.seek(0)
        print(f"\n$ ganimation {shlex.join(second)}\n{said.read()}", end="")
    print(f"  (both {time.monotonic() - began:.0f} s)", flush=True)
    return code


def _process(arguments: list[str]) -> dict[str, Any]:
    command = processes.command("ganimation_tf", *arguments)
    return {"args": command, "env": processes.environment()}


def _serve_and_animate(out, photos, data, models) -> int:
    from ganimation_tf.line import infrastructure

    print(f"\n$ ganimation serve --port 0 --model-dir {shlex.quote(str(models))} &", flush=True)
    log = out / "server.log"
    with infrastructure.served(models, log, SERVER_START_SECONDS) as address:
        return _ask(out, photos, data, address)


def _ask(out: pathlib.Path, photos: pathlib.Path, data: pathlib.Path, address: str) -> int:
    """Has the served model animate a face, edit one crop, and make what the truth shows."""
    from ganimation_tf.animation import truth_sheet
    from ganimation_tf.animation.evaluated import open_editor
    from ganimation_tf.data.manifest import EVAL
    from ganimation_tf.evaluation import samples as samples_lib
    from ganimation_tf.faces import images

    samples = samples_lib.load(data, EVAL)
    calmest = int(samples.action_units.sum(axis=1).argmin())  # its animation shows most
    key, crop = samples.keys[calmest], out / "crop.png"
    crop.write_bytes(images.encode_png(samples.images[calmest]))
    photo = next((photos / "imgs").glob(f"{key}.*"))
    ask = ["animate", str(photo), "--annotations", str(photos / "openface_csv" / f"{key}.csv")]
    ask += ["--server", address, *SMILE, "--crop-only", "--scale", "3", "-o"]
    steps = [[*ask, str(out / name)] for name in ("animation.gif", "animation.png")]
    query = ["query", str(crop), "--server", address, *SMILE, "--output", str(out / "query.png")]
    for step in (*steps, query):
        if code := _call(step):
            return code
    sheet = truth_sheet.draw(open_editor(address, data), samples, SHOWN_PEOPLE)
    (out / "truth.png").write_bytes(images.encode_png(sheet))
    return 0


def _summary(out: pathlib.Path, portrait: pathlib.Path | None, seconds: float) -> str:
    from ganimation_tf.data.manifest import EVAL, Manifest
    from ganimation_tf.evaluation.report import Report

    (trained,) = (out / "runs").iterdir()
    (version,) = (path for path in (out / "models").iterdir() if path.name.isdecimal())
    figures = Report.load(out / "report").metrics
    places = {
        "photos and annotations": out / "photos",
        "dataset": out / "dataset",
        "run, TensorBoard logs in it": trained,
        "report of the evaluation": out / "report" / "report.html",
        "SavedModel": version,
        "server log": out / "server.log",
    }
    pictures = {
        "input, edit and truth": out / "truth.png",
        "an unseen drawn face smiles": out / "animation.gif",
        "the same as a sheet": out / "animation.png",
        "its crop, asked once": out / "query.png",
    }
    lines = [f"\ndone in {seconds / 60:.1f} minutes:", *_listed(places)]
    lines += ["made by the model that this demo trained, on drawn faces:", *_listed(pictures)]
    lines.append(
        f"  of {Manifest.load(out / 'dataset').records(EVAL)} faces of people whom it never saw it "
        f"makes {figures['truth_share']:.2f} of the true change (median; 1 is all), and leaves "
        f"{figures['truth_error']:.2f} of the squared error of doing nothing"
    )
    if portrait is None:
        lines.append("no example portrait here: give --photo to see the model that ships")
    else:
        lines.append("made by the model that ships, which this demo did not train:")
        lines += _listed({f"{portrait.name} smiles": out / "portrait.png"})
    return "\n".join(lines)


def _listed(places: dict[str, pathlib.Path]) -> list[str]:
    width = max(map(len, places))
    return [f"  {name:<{width}}  {path}" for name, path in places.items()]
