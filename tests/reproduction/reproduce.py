"""`make reproduce`: a tiny line with a fixed seed, compared with what is kept of it.

    python tests/reproduction/reproduce.py            compare with digests.json
    python tests/reproduction/reproduce.py --write    make this machine's results those of its class

What is compared: the dataset (equal on every machine: whole numbers and JPEG), the weights after 20
steps, what the export's signatures answer, and two pictures. Sums of floating-point numbers depend
on their order, which numerical libraries choose by the processor. So each step runs with one thread
and with oneDNN held to AVX2, and digests are kept by the class of the processor
(`ganimation_tf.processor`). On another class the same numbers must lie within `BOUNDS` of the kept
ones: rounding differs there in the last digits, and 20 steps of training make more of it.

Exit code 0: reproduced; 1: not.
"""

import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
KEPT = HERE / "digests.json"

FIXED = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "CUDA_VISIBLE_DEVICES": "-1",
    "PYTHONHASHSEED": "0",
}
"""What could make two runs on one machine, or on two of one class, differ."""

BOUNDS = {"weights": 1e-2, "export": 1e-3, "trained picture": 2.0, "shipped picture": 2.0}
"""On another class: largest difference of the norms of weights, relative (without oneDNN it was
0.0049); of answers, of 1; and of the mean grey levels of a picture's 64 fields, of 255."""

EVERYWHERE = ("dataset",)
"""Equal on every machine."""

SEED = "5"
TRAIN = (
    *("--preset", "small", "--filters", "8", "--residual-blocks", "1", "--critic-filters", "8"),
    *("--critic-layers", "3", "--steps", "20", "--precision", "float32", "--compile", "off"),
)
FACE = ("--au", "AU12=0.9", "--au", "AU06=0.6", "--still", "--no-provenance")


def main() -> int:
    """Runs the line and compares; see the top of the file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="keep what comes out")
    parser.add_argument("--measure", type=pathlib.Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure)))
        return 0
    with tempfile.TemporaryDirectory(prefix="ganimation-reproduce-") as folder:
        actual = run(pathlib.Path(folder))
    from ganimation_tf.processor import cpu_class

    kept = json.loads(KEPT.read_text()) if KEPT.is_file() else {}
    if args.write:
        kept[cpu_class()] = actual
        KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
        print(f"kept as {cpu_class()}")
        return 0
    return compare(actual, kept, cpu_class())


def run(folder: pathlib.Path) -> dict[str, Any]:
    """The line's steps, each in a process of its own; what `measure` finds of them."""
    photos, data, runs, models = (folder / name for name in ("photos", "data", "runs", "models"))
    portrait = ROOT / "examples" / "portraits" / "faker_male_91.jpg"
    command(
        *("synthesize", "--count", "64", "--image-size", "64", "--seed", SEED), "--output", photos
    )
    command(
        *("preprocess", "--images", photos / "imgs", "--annotations", photos / "openface_csv"),
        *("--image-size", "32", "--eval-fraction", "0.25", "--output", data),
    )
    command("train", "--data", data, "--output", runs, "--seed", SEED, *TRAIN)
    (trained,) = runs.iterdir()
    command("export", "--run", trained, "--output", models)
    drawn = sorted((photos / "imgs").iterdir())[0]
    annotation = photos / "openface_csv" / f"{drawn.stem}.csv"
    own = ("--model", models, "--annotations", annotation)
    command("animate", drawn, *own, *FACE, "-o", folder / "trained.png")
    command("animate", portrait, *FACE, "-o", folder / "shipped.png")
    program = [sys.executable, __file__, "--measure", folder]
    done = subprocess.run(program, env=environment(), check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def command(*arguments: Any) -> None:
    """One command of the program, of which it is said that it runs."""
    text = [str(argument) for argument in arguments]
    print(f"$ ganimation {text[0]}", flush=True)
    program = [sys.executable, "-P", "-m", "ganimation_tf", *text]
    done = subprocess.run(program, env=environment(), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}ganimation {text[0]} ended with {done.returncode}")


def environment() -> dict[str, str]:
    """That of each step."""
    return os.environ | FIXED | {"TF_CPP_MIN_LOG_LEVEL": "3"}


def measure(folder: pathlib.Path) -> dict[str, Any]:
    """Digest and numbers of each thing that was made."""
    from ganimation_tf import quiet

    quiet.import_tensorflow()
    from ganimation_tf.data.manifest import Manifest
    from ganimation_tf.training import runs, saved_networks

    (trained,) = (folder / "runs").iterdir()
    networks = [saved_networks.load_network(trained, name) for name in runs.NETWORKS]
    weights = {v.path: v.numpy() for network in networks for v in network.variables}
    return {
        "dataset": {"sha256": Manifest.load(folder / "data").digest()},
        "weights": of_arrays(weights),
        "export": of_arrays(answers(folder / "models" / "1")),
        "trained picture": of_picture(folder / "trained.png"),
        "shipped picture": of_picture(folder / "shipped.png"),
    }


def answers(export: pathlib.Path) -> dict[str, Any]:
    """What the signatures of an export say to made-up inputs; but for the card, which has dates
    and commits of its own."""
    import numpy as np

    from ganimation_tf.animation.models import open_export
    from ganimation_tf.export import signature
    from ganimation_tf.export.request_samples import sample_inputs

    model = open_export(export)
    inputs = sample_inputs(model.card, 2)[signature.FROM_SOURCE]
    image, source = inputs[signature.IMAGE], inputs[signature.SOURCE]
    edits = list(model.render(image, source, inputs[signature.ACTION_UNITS]))
    return {
        "image": np.stack([edit.image for edit in edits]),
        "attention": np.stack([edit.attention for edit in edits]),
        "estimate": model.estimate(image),
    }


def of_arrays(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Names, shapes and bytes as a digest; the norms as numbers."""
    import numpy as np

    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.shape} {array.dtype}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    norms = {name: float(np.sqrt(np.mean(np.square(a)))) for name, a in sorted(arrays.items())}
    return {"sha256": digest.hexdigest(), "numbers": [round(norm, 7) for norm in norms.values()]}


def of_picture(path: pathlib.Path) -> dict[str, Any]:
    """Pixels as a digest; the mean grey levels of 8 x 8 fields as numbers."""
    import cv2

    from ganimation_tf.faces import images

    pixels = images.decode(path.read_bytes())
    fields = cv2.resize(pixels.mean(axis=2), (8, 8), interpolation=cv2.INTER_AREA)
    digest = hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()
    return {"sha256": digest, "numbers": [round(float(x), 2) for x in fields.ravel()]}


def compare(digests: Mapping[str, Any], kept: Mapping[str, Any], own_class: str) -> int:
    """Prints a line for each thing; 0 if all is as it was kept, else 1."""
    if not kept:
        sys.exit(f"{KEPT} is not there")
    known = own_class in kept
    expected = kept[own_class if known else sorted(kept)[0]]
    print(f"processor {own_class}: {'digests are kept' if known else 'another class, by bounds'}")
    failures = 0
    for name, result in digests.items():
        equal = result["sha256"] == expected[name]["sha256"]
        gap = 0.0 if equal or name in EVERYWHERE else distance(name, result, expected[name])
        good = equal or (not known and name not in EVERYWHERE and gap <= BOUNDS[name])
        failures += not good
        how = "equal" if equal else f"differs, by at most {gap:.2g}"
        print(f"{'ok  ' if good else 'FAIL'} {name:16} {result['sha256'][:16]}  {how}")
    return 1 if failures else 0


def distance(name: str, actual: Mapping[str, Any], kept: Mapping[str, Any]) -> float:
    """The largest difference of two lists of numbers, of weights relative to the kept one."""
    if len(actual["numbers"]) != len(kept["numbers"]):
        return float("inf")
    return max(
        abs(a - b) / (max(abs(b), 1e-3) if name == "weights" else 1.0)
        for a, b in zip(actual["numbers"], kept["numbers"], strict=True)
    )


if __name__ == "__main__":
    sys.exit(main())
