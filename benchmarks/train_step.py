"""Speed and memory of training and of inference, against PyTorch and against convolutions alone.

    python benchmarks/train_step.py --torch-python PYTHON [--batch 4 25]
        [--seconds 15] [--rounds 3] [--gpu]

`PYTHON` is an interpreter that has torch, of a virtual environment of its own (extra `benchmark`);
its rows run the algorithm as PyTorch implementations do (`training_rows/peer.py`). `ours` is one
step of `ganimation train --preset paper` with deterministic operations; `bare` counts the
convolutions and matrix products alone (`training_rows/bare.py` says which). All at 128 px. A cycle
is five updates of the critic and one of the generator, on 5 x batch images.

Without `--gpu` all rows compute in float32 with the same number of threads. With it they run on
the first GPU: PyTorch in TF32 and with autocast to bfloat16, ours compiled by XLA in both, and in
bfloat16 also with `--no-determinism`; a ratio is of rows of the same precision.

Each row runs in a fresh process, one after the other: once to warm up, then until `--seconds` are
over, at least once, and its median counts. So `--rounds` times; a ratio is of two rows of the same
round, and the median of the rounds is shown, since a machine is not equally fast all the time.
Memory is the peak of the process' resident memory, on a GPU of what is in use there.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys

SCRIPTS = pathlib.Path(__file__).parent / "training_rows"
CRITIC_STEPS = 5


@dataclasses.dataclass(frozen=True)
class Row:
    """A script of `training_rows`, and what it is told beside kind, batch, seconds and threads."""

    script: str
    name: str
    options: tuple[str, ...] = ()


PEER, BARE, OURS = Row("peer", "PyTorch"), Row("bare", "bare convolutions"), Row("ours", "ours")
PEER_TF32 = Row("peer", "PyTorch, TF32")
PEER_BFLOAT16 = Row("peer", "PyTorch, bfloat16", ("bfloat16",))
OURS_TF32 = Row("ours", "ours, TF32, XLA", ("float32", "on"))
OURS_BFLOAT16 = Row("ours", "ours, bfloat16, XLA", ("bfloat16", "on"))
OURS_FASTEST = Row("ours", "the same, last bits free", ("bfloat16", "on", "--no-determinism"))

ON_CPU = (PEER, BARE, OURS)
ON_GPU = (PEER_TF32, PEER_BFLOAT16, OURS_TF32, OURS_BFLOAT16, OURS_FASTEST)

CPU_GOALS = {
    "train": (
        ("images/s, ours / PyTorch", PEER, OURS, "seconds", ">= 1.5"),
        ("time, bare / ours", BARE, OURS, "seconds", ">= 0.8"),
        ("memory, PyTorch / ours", PEER, OURS, "peak_mib", f">= {1 / 0.7:.2f}"),
    ),
    "inference": (
        ("images/s, ours / PyTorch", PEER, OURS, "seconds", ">= 1.2"),
        ("time, bare / ours", BARE, OURS, "seconds", ">= 0.9"),
    ),
}
GPU_GOALS = {
    kind: (
        ("images/s, TF32, ours / PyTorch", PEER_TF32, OURS_TF32, "seconds", goal),
        ("images/s, bfloat16, the same", PEER_BFLOAT16, OURS_BFLOAT16, "seconds", goal),
        ("the same, last bits free", PEER_BFLOAT16, OURS_FASTEST, "seconds", goal),
        ("memory, TF32, PyTorch / ours", PEER_TF32, OURS_TF32, "peak_mib", "none"),
    )
    for kind, goal in (("train", ">= 3"), ("inference", "none"))
}
"""Of each kind: a ratio's name, two rows, what of both the first has more of, and the goal."""


def measure(row: Row, kind: str, batch: int, args: argparse.Namespace) -> dict:
    """`seconds` of a row, the median in its process, and `peak_mib`, or `gflops` of `bare`."""
    python = args.torch_python if row.script == "peer" else sys.executable
    command = [python, str(SCRIPTS / f"{row.script}.py"), kind, str(batch)]
    command += [str(args.seconds), str(args.threads), *row.options]
    environment = dict(os.environ)
    environment |= {name: str(args.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    if not args.gpu:
        environment["CUDA_VISIBLE_DEVICES"] = ""
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"{row.name} {kind} at batch {batch} failed:\n{done.stderr[-4000:]}")
    facts = json.loads(done.stdout.splitlines()[-1])
    if args.gpu and facts["device"] == "CPU":
        raise RuntimeError(f"{row.name}: --gpu needs a GPU that {python} sees")
    seconds = statistics.median(facts["seconds"])
    print(f"{row.name}, {kind}, batch {batch}: {seconds:.4f} s", file=sys.stderr, flush=True)
    return facts | {"seconds": seconds}


def report(kind: str, batch: int, rounds: list[dict[Row, dict]], goals) -> list[str]:
    """The rows of one kind and batch, and their ratios beside the goals."""

    def middle(row: Row, key: str) -> float:
        return statistics.median(one[row][key] for one in rounds)

    images = batch * (CRITIC_STEPS if kind == "train" else 1)
    lines = [f"{kind}, batch {batch}", f"  {'':24}{'seconds':>9}{'images/s':>10}{'peak MiB':>10}"]
    for row in rounds[0]:
        seconds = middle(row, "seconds")
        line = f"  {row.name:24}{seconds:9.4f}{images / seconds:10.2f}"
        if row is BARE:
            line += f"{'':10}  {middle(row, 'gflops'):.0f} GFLOP/s"
        else:
            line += f"{middle(row, 'peak_mib'):10.0f}"
        if row.script == "ours":
            line += f"  (the first took {middle(row, 'first'):.0f} s)"
        lines.append(line)
    for name, other, row, key, goal in goals[kind]:
        if other in rounds[0]:
            ratios = [one[other][key] / one[row][key] for one in rounds]
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
    parser.add_argument("--gpu", action="store_true", help="on the first GPU")
    args = parser.parse_args()
    if not args.torch_python:
        print("no --torch-python: the row of PyTorch is left out")
    rows = ON_GPU if args.gpu else ON_CPU
    rows = tuple(row for row in rows if row.script != "peer" or args.torch_python)
    goals = GPU_GOALS if args.gpu else CPU_GOALS
    print(f"128 px, {args.threads} threads, load before {os.getloadavg()[0]:.1f}")
    for batch in args.batch:
        for kind in args.kind:
            rounds = [
                {row: measure(row, kind, batch, args) for row in rows} for _ in range(args.rounds)
            ]
            device = rounds[0][rows[0]].get("device", "CPU")
            lines = report(kind, batch, rounds, goals)
            print(f"\n{device}: " + "\n".join(lines), flush=True)


if __name__ == "__main__":
    main()
