"""Throughput and memory of `ganimation preprocess`, against loops that do without Beam.

    python benchmarks/preprocess.py [--images 10000] [--repeats 1] [--keep DIR]

Inputs: 200 synthetic faces of 256 x 256 pixels and their OpenFace annotations, copied under other
names. Each row is a fresh process. `bare loop` reads the annotation, decodes, crops and encodes by
the very functions that the job calls and writes the JPEGs one after the other; the job also lists,
shards, checks sums, gathers statistics, and writes TFRecords, digests and a report. Before the
first row all inputs are read once, for the page cache, and the loop and the job run over 200
images, for the compiled modules. Times are from start to end of the process; `w/o import` counts
from when its modules are loaded. CPU and memory are those of all its processes, sampled every
200 ms; memory shared by processes counts once (PSS). With --repeats the fastest counts.
"""

import argparse
import dataclasses
import functools
import json
import multiprocessing
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

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

WORKER_GOAL_MIB = 350


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


class Sampler(threading.Thread):
    """Watches a process and its descendants until they have ended."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self._pid = pid
        self._done = threading.Event()
        self.cpu: dict[int, float] = {}
        self.peaks: dict[int, float] = {}
        self.whole = 0.0

    def run(self) -> None:
        while not self._done.wait(0.2):
            whole = 0.0
            for pid in tree(self._pid):
                try:
                    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
                    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                except OSError:  # it has ended meanwhile
                    continue
                ticks = sum(map(int, fields.split()[11:13]))
                sizes = {line.split()[0]: int(line.split()[1]) / 1024 for line in rollup[1:]}
                self.cpu[pid] = ticks / os.sysconf("SC_CLK_TCK")
                self.peaks[pid] = max(self.peaks.get(pid, 0), sizes.get("Rss:", 0))
                whole += sizes.get("Pss:", 0)
            self.whole = max(self.whole, whole)

    def stop(self) -> None:
        """Ends the thread; its numbers are complete then."""
        self._done.set()
        self.join()


def tree(root: int) -> list[int]:
    """A process and its descendants."""
    found = [root]
    for pid in found:
        try:
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:  # it has ended meanwhile
            continue
    return found


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
            found = unique[number % UNIQUE]
            shutil.copy(found, directory / kind / f"{number:06}{found.suffix}")


def read_all(directory: pathlib.Path) -> None:
    """Puts the files into the page cache."""
    for path in directory.rglob("*.*"):
        path.read_bytes()


@functools.cache
def library():
    """The reader and the geometry that the job uses by default."""
    from ganimation_tf.faces import CropSpec
    from pipeline.geometry import Geometry, Limits
    from pipeline.readers.openface import OpenFaceReader

    return OpenFaceReader(), Geometry(CropSpec(), Limits(), "none")


def crop_one(image: str, annotation: str) -> bytes:
    """The encoded crop of one photo."""
    from ganimation_tf import images
    from pipeline.crops import read_photo

    reader, geometry = library()
    (face,) = reader.faces("key", "file", annotation)
    anchors = geometry.anchors(face)
    pixels, shape = read_photo(image, geometry.useful_scale(geometry.transform(anchors)))
    crop, _ = geometry.cut(pixels, anchors, shape)
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
    from ganimation_tf.commands.preprocess import load
    from pipeline.local_workers import LocalWorkers
    from pipeline.options import PreprocessOptions

    options = PreprocessOptions(f"{inputs}/imgs", f"{inputs}/openface_csv", output, workers=workers)
    with LocalWorkers(workers) as processes:
        preprocess = load()
        print(time.monotonic(), flush=True)
        result = preprocess.run(options, (), processes)
    if result.manifest.rejections:
        raise RuntimeError(f"rejected: {result.manifest.rejections}")


def table(found: dict[str, Measured], images: int) -> str:
    """The rows, and the ratios with their goals."""
    lines = [
        f"{'':24}{'images/s':>10}{'w/o import':>12}{'CPU s':>8}{'all MiB':>9}{'worker MiB':>12}"
    ]
    for row, name in ROWS.items():
        m = found[row]
        rates = f"{images / m.seconds:10.0f}{images / m.after_import:12.0f}"
        lines.append(f"{name:24}{rates}{m.cpu:8.1f}{m.whole:9.0f}{m.largest:12.0f}")
    lines += ["", f"{'':42}{'whole':>8}{'w/o import':>12}{'by CPU':>8}{'goal':>10}"]
    for one, other, goal in GOALS:
        a, b = found[one], found[other]
        whole, running = b.seconds / a.seconds, b.after_import / a.after_import
        scale = 2 if (one, other) == ("job2", "job1") else 1  # two processes share the CPU time
        name = f"{ROWS[one]} / {ROWS[other]}"
        ratios = f"{whole:8.2f}{running:12.2f}{scale * b.cpu / a.cpu:8.2f}"
        lines.append(f"{name:42}{ratios}{f'>= {goal}':>10}")
    worker = max(found["job1"].largest, found["job2"].largest)
    lines.append(f"{'largest worker, MiB':42}{worker:8.0f}{f'< {WORKER_GOAL_MIB}':>30}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--keep", help="directory for the inputs, made there once and kept")
    parser.add_argument("--json", help="also write the numbers there")
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
        runs = [{row: measure(row, inputs) for row in ROWS} for _ in range(args.repeats)]
    found = {row: min((run[row] for run in runs), key=lambda m: m.seconds) for row in ROWS}
    print(f"{args.images} JPEGs of 256 px, {os.cpu_count()} cores, load before {load:.1f}\n")
    print(table(found, args.images))
    if args.json:
        facts = {row: dataclasses.asdict(m) for row, m in found.items()}
        pathlib.Path(args.json).write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
