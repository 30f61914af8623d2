"""How much of `ganimation train` is training: the whole command against its bare steps.

    python benchmarks/train_share.py --data DATASET [--preset small] [--steps N] [--rounds 1]

Rows, each in a process of its own, one after the other:

- `bare`: the step of the preset's model as `fit` compiles it, again and again on one batch that
  lies ready, without input, callbacks or evaluation; the median of at least `--seconds`;
- `epochs`: the command's own epochs, by the seconds that its metrics.jsonl tells of them; input,
  logs, sample pictures, sweeps and saved states included, evaluations at their ends not;
- `whole`: `ganimation train` from start to end, its imports and compilation included.

Each is told in seconds a step; a share is the bare step's by another row's. Without `--steps` the
run is as long as the preset has it, since pictures and evaluations are spread over a run's length.
DATASET is what `ganimation preprocess` wrote.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

GOAL = 0.95


def bare(data: pathlib.Path, preset: str, seconds: float) -> list[float]:
    """Seconds of single steps; as many as fit in `seconds`."""
    from ganimation_tf.quiet import import_tensorflow

    import_tensorflow()
    import dataclasses

    import tensorflow as tf

    from ganimation_tf.presets import PRESETS
    from ganimation_tf.training import dataset, devices, feed
    from ganimation_tf.training.build import build_model
    from ganimation_tf.training.plan import make_plan

    tf.config.experimental.enable_op_determinism()
    plan = make_plan(data, PRESETS[preset], preset)
    config = devices.resolved(plan.config, devices.choose_strategy())
    plan = dataclasses.replace(plan, config=config)
    model = build_model(plan)
    batches = dataset.training(data, plan.manifest, config, faces=feed.training_faces(plan))
    ready = tf.data.Dataset.from_tensors(next(iter(batches))).repeat()
    iterator = iter(ready)
    model.make_train_function()
    for _ in range(3):
        model.train_function(iterator)
    times: list[float] = []
    while sum(times) < seconds:
        before = time.perf_counter()
        model.train_function(iterator)["loss"].numpy()
        times.append(time.perf_counter() - before)
    return times


def whole(data: pathlib.Path, preset: str, steps: int | None) -> tuple[float, float, int]:
    """Seconds of the command, those of its epochs, and its steps."""
    with tempfile.TemporaryDirectory() as runs:
        command = [sys.executable, "-m", "ganimation_tf", "train", "--data", str(data)]
        command += ["--output", runs, "--preset", preset]
        command += ["--steps", str(steps)] if steps else []
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True)
        seconds = time.perf_counter() - began
        if done.returncode:
            raise RuntimeError(f"train failed:\n{done.stderr[-4000:]}")
        (run,) = pathlib.Path(runs).iterdir()
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return seconds, sum(line["seconds"] for line in lines), lines[-1]["step"]


def measure(args: argparse.Namespace) -> dict[str, float]:
    """Seconds a step, by row."""
    command = [sys.executable, __file__, "--row", "--data", str(args.data)]
    command += ["--preset", args.preset, "--seconds", str(args.seconds)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the bare row failed:\n{done.stderr[-4000:]}")
    step = statistics.median(json.loads(done.stdout.splitlines()[-1]))
    seconds, epochs, steps = whole(args.data, args.preset, args.steps)
    return {"bare": step, "epochs": epochs / steps, "whole": seconds / steps, "steps": steps}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, help="of `ganimation preprocess`")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--steps", type=int, help="of the run; left out: the preset's")
    parser.add_argument("--seconds", type=float, default=60, help="of the bare row")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--row", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.data is None:
        parser.print_help()
        return
    if args.row:
        print(json.dumps(bare(args.data, args.preset, args.seconds)))
        return
    load = os.getloadavg()[0]
    rounds = [measure(args) for _ in range(args.rounds)]
    print(
        f"{args.preset}, {rounds[0]['steps']} steps, load before {load:.1f}, rounds {args.rounds}"
    )
    for row in ("bare", "epochs", "whole"):
        seconds = statistics.median(one[row] for one in rounds)
        share = statistics.median(one["bare"] / one[row] for one in rounds)
        goal = f"  goal >= {GOAL}" if row == "whole" else ""
        print(f"  {row:8}{1000 * seconds:9.1f} ms a step{share:8.3f}{goal}")


if __name__ == "__main__":
    main()
