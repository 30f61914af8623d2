"""Faces a second of `ganimation preprocess` on the workers of a Dask scheduler: 1, 2 and 4 of them.

    python benchmarks/engines.py [--images 2000] [--rounds 1]
    python benchmarks/engines.py --face-model F --portraits DIR --annotations DIR   # re-animation

Scheduler and workers are processes of this machine, warmed by a small job. The first row is the
job in one process without Dask. Efficiency is the rate over that of one worker, divided by the
number of workers; by CPU time it counts what workers and submitter used, so that what else the
machine does counts little: 1 means that more workers cost no more. Four workers on two cores can
reach half of it by wall time.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import preprocess as photos
from measuring import Sampler

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests" / "helpers"))
import dask_cluster

COUNTS = (1, 2, 4)

PROGRAM = "import sys; from ganimation_tf import cli; sys.exit(cli.main())"


def run(arguments: list[str], output: pathlib.Path) -> tuple[float, float, str]:
    """Seconds and CPU seconds of a job's process, and what it printed."""
    command = [sys.executable, "-P", "-c", PROGRAM, "preprocess", *arguments, "--output", output]
    started = time.monotonic()
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    sampler = Sampler(process.pid)
    sampler.start()
    printed, errors = process.communicate()
    seconds = time.monotonic() - started
    sampler.stop()
    if process.returncode:
        raise SystemExit(errors)
    return seconds, sum(sampler.cpu.values()), printed


def cpu_of(processes: list[subprocess.Popen]) -> float:
    """CPU seconds that these have used so far."""
    samplers = [Sampler(process.pid) for process in processes]
    for sampler in samplers:
        sampler.start()
    time.sleep(0.5)
    for sampler in samplers:
        sampler.stop()
    return sum(sum(sampler.cpu.values()) for sampler in samplers)


def on_workers(
    count: int, arguments: list[str], few: list[str], folder: pathlib.Path
) -> tuple[float, float]:
    """Seconds, and CPU seconds of workers and submitter."""
    with dask_cluster.running(folder / "cluster", count) as cluster:
        engine = ["--engine", cluster.engine]
        run([*few, *engine], folder / "few")
        before = cpu_of(cluster.workers)
        seconds, cpu, _ = run([*arguments, *engine], folder / "out")
        return seconds, cpu + cpu_of(cluster.workers) - before


def jobs(args: argparse.Namespace, root: pathlib.Path) -> tuple[list[str], list[str], int]:
    """Arguments of the job and of a small one, and the number of faces."""
    if args.face_model:
        common = ["--images", args.portraits, "--annotations", args.annotations]
        common += ["--reanimate", args.face_model, "--eval-fraction", "0"]
        count = sum(1 for path in args.portraits.iterdir())
        whole = ["--faces-per-photo", str(args.faces), "--shards", "16"]
        few = ["--faces-per-photo", "8", "--shards", "4"]
        return [*common, *whole], [*common, *few], count * args.faces
    inputs, small = root / "in", root / "few"
    photos.make_inputs(inputs, args.images)
    photos.make_inputs(small, photos.UNIQUE)

    def places(folder: pathlib.Path) -> list[str]:
        folders = ["--images", f"{folder}/imgs", "--annotations", f"{folder}/openface_csv"]
        return [*folders, "--shards", "16", "--eval-fraction", "0"]

    return places(inputs), places(small), args.images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--face-model", type=pathlib.Path)
    parser.add_argument("--portraits", type=pathlib.Path)
    parser.add_argument("--annotations", type=pathlib.Path)
    parser.add_argument("--faces", type=int, default=64, help="of each portrait")
    args = parser.parse_args()
    rows: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        root = pathlib.Path(temporary)
        whole, few, faces = jobs(args, root)
        for number in range(args.rounds):
            folder = root / str(number)
            folder.mkdir()
            rows.setdefault("one process", []).append(run(whole, folder / "near")[:2])
            for count in COUNTS:
                (at := folder / str(count)).mkdir()
                rows.setdefault(f"{count} on Dask", []).append(on_workers(count, whole, few, at))
    print(f"{faces} faces, rounds: {args.rounds}\n")
    print(f"{'':14}{'faces/s':>9}{'CPU ms':>8}{'efficiency':>12}{'by CPU':>8}")
    middle = {
        name: [statistics.median(values) for values in zip(*one, strict=True)]
        for name, one in rows.items()
    }
    first = middle["1 on Dask"]
    for name, (seconds, cpu) in middle.items():
        line = f"{name:14}{faces / seconds:9.1f}{1000 * cpu / faces:8.1f}"
        if name[0].isdigit():
            line += f"{first[0] / seconds / int(name[0]):12.2f}{first[1] / cpu:8.2f}"
        print(line)


if __name__ == "__main__":
    main()
