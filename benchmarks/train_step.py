"""Speed and memory of training and of inference, against PyTorch and against convolutions alone.

    python benchmarks/train_step.py --torch-python PYTHON [--batch 4 25] [--seconds 30]

`PYTHON` is an interpreter that has torch, of a virtual environment of its own (extra `benchmark`);
its row runs the algorithm as PyTorch implementations do (`training_rows/peer.py`). `ours` is one
step of `ganimation train --preset paper` with deterministic operations; `bare` counts the
convolutions and matrix products alone (`training_rows/bare.py` says which). All in float32 at
128 px, with the same number of threads. A cycle is five updates of the critic and one of the
generator, on 5 x batch images.

Each row runs in a fresh process, one after the other: once to warm up, then until `--seconds` are
over, at least once. The median counts. Memory is the peak of the process' resident memory.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROWS = pathlib.Path(__file__).parent / "training_rows"
NAMES = {"peer": "PyTorch", "bare": "bare convolutions", "ours": "ours"}
CRITIC_STEPS = 5

GOALS = (
    ("train", "images/s, ours / PyTorch", 1.5),
    ("train", "time, bare / ours", 0.8),
    ("inference", "images/s, ours / PyTorch", 1.2),
    ("inference", "time, bare / ours", 0.9),
)
MEMORY_GOAL = 0.7


def measure(row: str, kind: str, batch: int, args: argparse.Namespace) -> dict:
    """What a row's process prints: `seconds` of its rounds and, but for `bare`, `peak_mib`."""
    python = args.torch_python if row == "peer" else sys.executable
    command = [python, str(ROWS / f"{row}.py"), kind, str(batch)]
    command += [str(args.seconds), str(args.threads)]
    threads = {name: str(args.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | threads)
    if done.returncode:
        raise RuntimeError(f"{row} {kind} at batch {batch} failed:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def report(kind: str, batch: int, found: dict[str, dict]) -> list[str]:
    """The rows of one kind and batch, and their ratios beside the goals."""
    images = batch * (CRITIC_STEPS if kind == "train" else 1)
    seconds = {row: statistics.median(facts["seconds"]) for row, facts in found.items()}
    lines = [f"{kind}, batch {batch}", f"  {'':20}{'seconds':>9}{'images/s':>10}{'peak MiB':>10}"]
    for row, facts in found.items():
        peak = f"{facts['peak_mib']:10.0f}" if "peak_mib" in facts else f"{'':10}"
        rates = f"{seconds[row]:9.3f}{images / seconds[row]:10.2f}"
        rounds = f"  ({len(facts['seconds'])} rounds)" if row != "bare" else ""
        lines.append(f"  {NAMES[row]:20}{rates}{peak}{rounds}")
    for goal_kind, name, goal in GOALS:
        other = "peer" if "PyTorch" in name else "bare"
        if goal_kind == kind and other in seconds:
            ratio = seconds[other] / seconds["ours"]
            lines.append(f"  {name:30}{ratio:6.2f}   goal >= {goal}")
    if kind == "train" and "peer" in found:
        ratio = found["ours"]["peak_mib"] / found["peer"]["peak_mib"]
        lines.append(f"  {'memory, ours / PyTorch':30}{ratio:6.2f}   goal <= {MEMORY_GOAL}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--torch-python", help="interpreter that has torch; without it, no row")
    parser.add_argument("--batch", type=int, nargs="+", default=[4, 25])
    parser.add_argument("--seconds", type=int, default=30, help="for each row, after its warm-up")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--kind", nargs="+", choices=("inference", "train"),
                        default=["inference", "train"])  # fmt: skip
    args = parser.parse_args()
    if not args.torch_python:
        print("no --torch-python: the row of PyTorch is left out")
    rows = [row for row in NAMES if row != "peer" or args.torch_python]
    print(f"float32, 128 px, {args.threads} threads, load before {os.getloadavg()[0]:.1f}")
    for batch in args.batch:
        for kind in args.kind:
            found = {row: measure(row, kind, batch, args) for row in rows}
            print("\n" + "\n".join(report(kind, batch, found)), flush=True)


if __name__ == "__main__":
    main()
