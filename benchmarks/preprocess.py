"""Throughput and memory of `ganimation preprocess`, against loops that do without Beam.

    python benchmarks/preprocess.py [--images 10000] [--repeats 1] [--keep DIR]

Inputs: 200 synthetic faces of 256 x 256 pixels and their OpenFace annotations, copied under other
names. Each row is a fresh process. `bare loop` reads the annotation, decodes, crops and encodes by
the very functions that the job calls and writes the JPEGs one after the other; the job also lists,
shards, checks sums, gathers statistics, and writes TFRecords, digests and a report. Before the
first row all inputs are read once, for the page cache, and the loop and the job run over 200
images, for the compiled modules. Times are from start to end of the process; `w/o import` counts
from when its modules are loaded. CPU and memory are those of all its processes, sampled every
200 ms; memory shared by processes counts once (PSS). With --repeats each number and each ratio is
the median; a ratio is of two rows of one round, since a machine's speed changes within minutes.
"""

import argparse
import dataclasses
import functools
import multiprocessing
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from measuring import Sampler

UNIQUE = 200
CHUNK = 50  # images that a pool's worker takes at once

ROWS = {
    "bare": "bare loop",
    "job1": "this job, 1 process",
    "pool2": "Pool(2) over the loop",
    "job2": "this job, 2 workers",
}

GOALS = (("job1", "bare", 0.85), ("job2", "job1", 1.6), ("job2", "pool2", 0.8))
"""Least ratios of throughput."""

WORKER_GOAL = "< 350"


@dataclasses.dataclass
class Measured:
    """One run: seconds, CPU seconds of all its processes, and peaks of memory in MiB.

    `whole` is the sum over the processes, each shared page counted once; `largest` the resident
    memory of the largest process that the first one started, or of the first if it started none.
    """

    seconds: float
    after_import: float
    cpu: float
    whole: float
    largest: float


def measure(row: str, inputs: pathlib.Path) -> Measured:
    """Runs one row in a fresh process."""
    with tempfile.TemporaryDirectory(dir=inputs.parent) as output:
        command = [sys.executable, __file__, "--row", row, str(inputs), f"{output}/out"]
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        sampler = Sampler(process.pid)
        sampler.start()
        printed, errors = process.communicate()
        seconds = time.monotonic() - started
        sampler.stop()
    if process.returncode:
        raise RuntimeError(f"{row} failed:\n{errors.decode()}")
    loaded = float(printed.split()[0]) - started
    started_by_it = [peak for pid, peak in sampler.peaks.items() if pid != process.pid]
    return Measured(
        seconds=seconds,
        after_import=seconds - loaded,
        cpu=sum(sampler.cpu.values()),
        whole=sampler.whole,
        largest=max(started_by_it or [sampler.peaks[process.pid]]),
    )


def make_inputs(directory: pathlib.Path, count: int) -> None:
    """`imgs/` and `openface_csv/` with `count` faces, `UNIQUE` different ones."""
    from ganimation_tf import cli

    seed = directory.parent / "unique"
    if not seed.exists():
        count_size = ("--count", str(UNIQUE), "--size", "256")
        if cli.main(["synthesize", str(seed), *count_size]):
            raise RuntimeError("no faces")
    for kind in ("imgs", "openface_csv"):
        (directory / kind).mkdir(parents=True)
        unique = sorted((seed / kind).iterdir())
        for number in range(count):
            face = unique[number % UNIQUE]
            shutil.copy(face, directory / kind / f"{number:06}{face.suffix}")


def read_all(directory: pathlib.Path) -> None:
    """Puts the files into the page cache."""
    for path in directory.rglob("*.*"):
        path.read_bytes()


@functools.cache
def library():
    """The reader and the geometry that the job uses by default."""
    from ganimation_tf.annotations.geometry import Geometry, Limits
    from ganimation_tf.annotations.openface import OpenFaceReader
    from ganimation_tf.faces.alignment import CropSpec

    return OpenFaceReader(), Geometry(CropSpec(), Limits(), "none")


def crop_one(image: str, annotation: str) -> bytes:
    """The encoded crop of one photo."""
    from ganimation_tf.faces import images
    from pipeline.crops import read_photo

    reader, geometry = library()
    (said,) = reader.images("key", "file", annotation)
    (face,) = said.faces
    anchors = geometry.anchors(face)
    transform = geometry.transform(anchors)
    decoded = read_photo(image, images.MAX_PIXELS, geometry.useful_scale(transform))
    crop = geometry.cut(face, decoded, anchors, transform)
    return images.encode_jpeg(crop, 95)


def crop_chunk(output: str, pairs: list[tuple[str, str]]) -> int:
    """Crops some photos into a file of this process; returns how many."""
    with open(f"{output}-{os.getpid()}", "ab") as file:
        for pair in pairs:
            file.write(crop_one(*pair))
    return len(pairs)


def pairs_of(inputs: str) -> list[tuple[str, str]]:
    """(image, annotation) paths."""
    names = sorted(os.listdir(f"{inputs}/imgs"))
    return [(f"{inputs}/imgs/{name}", f"{inputs}/openface_csv/{name[:-4]}.csv") for name in names]


def run_row(row: str, inputs: str, output: str) -> None:
    """What one row does, in the process that is measured; prints when its modules are loaded."""
    if row.startswith("job"):
        job(int(row[3:]), inputs, output)
        return
    import cv2

    import pipeline.crops  # noqa: F401

    cv2.setNumThreads(1)  # as in the job
    library()
    print(time.monotonic(), flush=True)
    pairs = pairs_of(inputs)
    if row == "bare":
        done = crop_chunk(output, pairs)
    else:
        chunks = [pairs[start : start + CHUNK] for start in range(0, len(pairs), CHUNK)]
        with multiprocessing.get_context("fork").Pool(2) as pool:
            done = sum(pool.imap_unordered(functools.partial(crop_chunk, output), chunks))
    if done != len(pairs):
        raise RuntimeError(f"{done} of {len(pairs)} images")


def job(workers: int, inputs: str, output: str) -> None:
    """The job, as the command line starts it."""
    from ganimation_tf.cli.preprocess import load
    from pipeline.local.workers import LocalWorkers
    from pipeline.options import PreprocessOptions

    options = PreprocessOptions(
        images=f"{inputs}/imgs",
        annotations=f"{inputs}/openface_csv",
        output=output,
        workers=workers,
    )
    with LocalWorkers(workers) as processes:
        preprocess = load()
        print(time.monotonic(), flush=True)
        result = preprocess.run(options, (), processes)
    if result.manifest.rejections:
        raise RuntimeError(f"rejected: {result.manifest.rejections}")


def table(rounds: list[dict[str, Measured]], images: int) -> str:
    """The rows, and the ratios with their goals."""

    def middle(number: Callable[[dict[str, Measured]], float]) -> float:
        return statistics.median(map(number, rounds))

    lines = [
        f"{'':24}{'images/s':>10}{'w/o import':>12}{'CPU s':>8}{'all MiB':>9}{'worker MiB':>12}"
    ]
    for row, name in ROWS.items():
        m = {
            field.name: middle(lambda measured, f=field.name, row=row: getattr(measured[row], f))
            for field in dataclasses.fields(Measured)
        }
        rates = f"{images / m['seconds']:10.0f}{images / m['after_import']:12.0f}"
        lines.append(f"{name:24}{rates}{m['cpu']:8.1f}{m['whole']:9.0f}{m['largest']:12.0f}")
    lines += ["", f"{'':42}{'whole':>8}{'w/o import':>12}{'by CPU':>8}{'goal':>10}"]
    for one, other, goal in GOALS:
        ratios = []
        for name in ("seconds", "after_import", "cpu"):
            # Two processes share the CPU time of one.
            scale = 2 if name == "cpu" and (one, other) == ("job2", "job1") else 1
            ratios.append(
                middle(
                    lambda measured, n=name, s=scale, a=one, b=other: (
                        s * getattr(measured[b], n) / getattr(measured[a], n)
                    )
                )
            )
        name = f"{ROWS[one]} / {ROWS[other]}"
        whole, running, cpu = ratios
        lines.append(f"{name:42}{whole:8.2f}{running:12.2f}{cpu:8.2f}{f'>= {goal}':>10}")
    largest = max(found[row].largest for found in rounds for row in ("job1", "job2"))
    lines.append(f"{'largest worker, MiB':42}{largest:8.0f}{WORKER_GOAL:>30}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--keep", help="directory for the inputs, made there once and kept")
    parser.add_argument("--row", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.row:
        run_row(*args.row)
        return
    with tempfile.TemporaryDirectory() as temporary:
        root = pathlib.Path(args.keep or temporary)
        inputs, few = root / f"in{args.images}", root / f"in{UNIQUE}"
        for directory, count in ((inputs, args.images), (few, UNIQUE)):
            if not directory.exists():
                make_inputs(directory, count)
        read_all(inputs)
        for row in ("bare", "job1"):
            measure(row, few)
        load = os.getloadavg()[0]
        rounds = [{row: measure(row, inputs) for row in ROWS} for _ in range(args.repeats)]
    print(
        f"{args.images} JPEGs of 256 px, {os.cpu_count()} cores, load before {load:.1f}, "
        f"rounds: {args.repeats}\n"
    )
    print(table(rounds, args.images))


if __name__ == "__main__":
    main()
