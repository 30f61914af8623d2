"""Rate of the training data alone, against the rate at which training takes it.

    python benchmarks/input_pipeline.py [--faces 500] [--batch 25] [--seconds 20]

Data: synthetic faces as `ganimation synthesize` and `ganimation preprocess` write them, JPEG at
128 px in TFRecords. First `dataset.training` of preset `paper` by itself: reading, decoding, flips,
targets, shuffling and batching, whole elements of 5 x batch images, from the second element on,
since the first waits until the shuffle buffer is full. Then the training step of the same preset
and batch, in a process of its own that does not read any data (`training_rows/ours.py`). Both have
all cores.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

SIZE = 128
GOAL = 10.0
OURS = pathlib.Path(__file__).parent / "training_rows" / "ours.py"


def make_dataset(root: pathlib.Path, faces: int) -> pathlib.Path:
    """A dataset of synthetic faces, by the project's own commands."""
    from ganimation_tf import cli

    photos, data = root / "photos", root / "dataset"
    commands = (
        ["synthesize", "--count", str(faces), "--size", "192", str(photos)],
        ["preprocess", "--images", f"{photos}/imgs", "--annotations", f"{photos}/openface_csv",
         "--image-size", str(SIZE), "--output", str(data)],
    )  # fmt: skip
    for command in commands:
        if cli.main(command):
            raise RuntimeError(f"ganimation {command[0]} failed")
    return data


def pipeline_rate(data: pathlib.Path, batch: int, seconds: float) -> float:
    """Images per second of `dataset.training`."""
    from ganimation_tf.quiet import import_tensorflow

    import_tensorflow()
    import tensorflow as tf

    from ganimation_tf.data.manifest import Manifest
    from ganimation_tf.presets import PRESETS
    from ganimation_tf.training import dataset

    config = dataclasses.replace(PRESETS["paper"], batch_size=batch)
    tf.config.experimental.enable_op_determinism()  # as in training
    elements = iter(dataset.training(data, Manifest.load(data), config))
    for _ in range(3):  # two are made ahead of time
        next(elements)
    started, images = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        images += next(elements)[dataset.IMAGE].shape[0] * config.critic_steps
    return images / (time.perf_counter() - started)


def training_rate(batch: int, seconds: int) -> float:
    """Images per second of the training step: the median of its rounds."""
    command = [sys.executable, str(OURS), "train", str(batch), str(seconds), str(os.cpu_count())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the training step failed:\n{done.stderr[-4000:]}")
    times = sorted(json.loads(done.stdout.splitlines()[-1])["seconds"])
    return 5 * batch / times[len(times) // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--faces", type=int, default=500)
    parser.add_argument("--batch", type=int, default=25)
    parser.add_argument("--seconds", type=int, default=20, help="for each of the two")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        data = make_dataset(pathlib.Path(root), args.faces)
        alone = pipeline_rate(data, args.batch, args.seconds)
    training = training_rate(args.batch, args.seconds)
    print(f"{SIZE} px, batch {args.batch}, {os.cpu_count()} cores")
    print(f"input pipeline alone   {alone:8.1f} images/s")
    print(f"training step          {training:8.1f} images/s")
    print(f"ratio                  {alone / training:8.1f}   goal >= {GOAL:g}")


if __name__ == "__main__":
    main()
