"""Speed and memory of training and of inference, against PyTorch and against convolutions alone.

    python benchmarks/train_step.py --torch-python PYTHON [--batch 4 25]
        [--seconds 15] [--rounds 3]

`PYTHON` is an interpreter that has torch, of a virtual environment of its own (extra `benchmark`);
its row runs the algorithm as PyTorch implementations do (`training_rows/peer.py`). `ours` is one
step of `ganimation train --preset paper` with deterministic operations; `bare` counts the
convolutions and matrix products alone (`training_rows/bare.py` says which). All in float32 at
128 px, with the same number of threads. A cycle is five updates of the critic and one of the
generator, on 5 x batch images.

Each row runs in a fresh process, one after the other: once to warm up, then until `--seconds` are
over, at least once, and its median counts. So `--rounds` times; a ratio is of two rows of the same
round, and the median of the rounds is shown, since a machine is not equally fast all the time.
Memory is the peak of the process' resident memory.
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

GOALS = {
    "train": (
        ("images/s, ours / PyTorch", "peer", "seconds", ">= 1.5"),
        ("time, bare / ours", "bare", "seconds", ">= 0.8"),
        ("memory, PyTorch / ours", "peer", "peak_mib", f">= {1 / 0.7:.2f}"),
    ),
    "inference": (
        ("images/s, ours / PyTorch", "peer", "seconds", ">= 1.2"),
        ("time, bare / ours", "bare", "seconds", ">= 0.9"),
    ),
}
"""Of each kind: a ratio's name, the row above ours, what of both, and the goal."""


def measure(row: str, kind: str, batch: int, args: argparse.Namespace) -> dict:
    """`seconds` of a row, the median in its process, and `peak_mib`, or `gflops` of `bare`."""
    python = args.torch_python if row == "peer" else sys.executable
    command = [python, str(ROWS / f"{row}.py"), kind, str(batch)]
    command += [str(args.seconds), str(args.threads)]
    threads = {name: str(args.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | threads)
    if done.returncode:
        raise RuntimeError(f"{row} {kind} at batch {batch} failed:\n{done.stderr[-4000:]}")
    facts = json.loads(done.stdout.splitlines()[-1])
    return facts | {"seconds": statistics.median(facts["seconds"])}


def report(kind: str, batch: int, rounds: list[dict[str, dict]]) -> list[str]:
    """The rows of one kind and batch, and their ratios beside the goals."""

    def middle(row: str, key: str) -> float:
        return statistics.median(one[row][key] for one in rounds)

    images = batch * (CRITIC_STEPS if kind == "train" else 1)
    lines = [f"{kind}, batch {batch}", f"  {'':20}{'seconds':>9}{'images/s':>10}{'peak MiB':>10}"]
    for row in rounds[0]:
        seconds = middle(row, "seconds")
        line = f"  {NAMES[row]:20}{seconds:9.3f}{images / seconds:10.2f}"
        if row == "bare":
            line += f"{'':10}  {middle(row, 'gflops'):.0f} GFLOP/s"
        else:
            line += f"{middle(row, 'peak_mib'):10.0f}"
        if row == "ours":
            imported, built = (middle(row, f"{moment}_mib") for moment in ("imported", "built"))
            line += f"  ({imported:.0f} at import, {built:.0f} when built)"
        lines.append(line)
    for name, row, key, goal in GOALS[kind]:
        if row in rounds[0]:
            ratios = [one[row][key] / one["ours"][key] for one in rounds]
            spread = f"({min(ratios):.2f} to {max(ratios):.2f})"
            lines.append(f"  {name:30}{statistics.median(ratios):6.2f} {spread:15} goal {goal}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--torch-python", help="interpreter that has torch; without it, no row")
    parser.add_argument("--batch", type=int, nargs="+", default=[4, 25])
    parser.add_argument("--seconds", type=int, default=15, help="for each row, after its warm-up")
    parser.add_argument("--rounds", type=int, default=3)
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
            rounds = [
                {row: measure(row, kind, batch, args) for row in rows} for _ in range(args.rounds)
            ]
            print("\n" + "\n".join(report(kind, batch, rounds)), flush=True)


if __name__ == "__main__":
    main()
