"""Peak memory of the submitting process of `ganimation preprocess` by the number of listed files.

    python benchmarks/listed_files.py [--files 2000 200000 1000000]

Photos and their annotations, half and half, empty: listing, plan, fingerprint, digests of the
sources and Beam's grouping see names and sizes only. The job is that of `--engine dask://` and
stops where it would give its shards to the scheduler; what each is made of lies in its file then.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

FOLDER = 1000  # photos in each

PROGRAM = """
import contextlib, resource, sys
from ganimation_tf import cli
from pipeline import engines
from pipeline.engines import dask

class Handed(dask.Cluster):
    def run(self, job, names):
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        self._end("all shards are handed out")

@contextlib.contextmanager
def opened(options, beam_args):
    cluster = Handed(None, options.engine, 1.0, beam_args)
    dask._OPEN[cluster.token] = cluster
    yield cluster

engines.opened = opened
sys.exit(cli.main())
"""
"""The process tells its own peak, in KiB: no sampling can miss it."""


def make(folder: pathlib.Path, files: int) -> None:
    """`photos/` and `csv/` with half of the files each."""
    for number in range(files // 2):
        for kind, suffix in (("photos", "jpg"), ("csv", "csv")):
            parent = folder / kind / f"person{number // FOLDER:04}"
            if number % FOLDER == 0:
                parent.mkdir(parents=True)
            (parent / f"{number:07}.{suffix}").touch()


def measure(files: int, root: pathlib.Path) -> tuple[float, float]:
    """Peak MiB of the submitter, and seconds."""
    folder = root / str(files)
    make(folder, files)
    command = [
        *(sys.executable, "-P", "-c", PROGRAM, "preprocess", "--engine", "dask://none:1"),
        *("--images", folder / "photos", "--annotations", folder / "csv"),
        *("--source", "openface", "--output", folder / "out"),
    ]
    started = time.monotonic()
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 2 or "all shards are handed out" not in done.stderr:
        raise SystemExit(done.stderr)
    return int(done.stdout.split()[-1]) / 1024, time.monotonic() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, nargs="+", default=[2000, 200_000, 1_000_000])
    args = parser.parse_args()
    print(f"{'files':>9}{'peak MiB':>10}{'seconds':>9}")
    with tempfile.TemporaryDirectory() as temporary:
        for files in args.files:
            peak, seconds = measure(files, pathlib.Path(temporary))
            print(f"{files:9}{peak:10.0f}{seconds:9.0f}", flush=True)


if __name__ == "__main__":
    main()
