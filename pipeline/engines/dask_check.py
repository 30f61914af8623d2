"""Whether the workers of a Dask scheduler can do a job; what they lack of this project is sent."""

import importlib.resources
import pathlib
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence

import distributed

from ganimation_tf.errors import UserError
from pipeline.engines import versions

_POLL = 0.1  # seconds between looks for a worker

_HAS_PROJECT = "__import__('importlib.util').util.find_spec('ganimation_tf') is not None"
"""What a worker is asked before it can be asked by functions of this project."""


def check(client: distributed.Client, engine: str, wait: float, detector: str) -> None:
    """Waits for a first worker, and makes sure that all can do the job.

    Args:
        client: of the scheduler.
        engine: as the user gave it, for messages.
        wait: seconds in which a worker must come.
        detector: of the job.

    Raises:
        UserError: if none comes, or one differs in what the bytes of a dataset hang on.
    """
    deadline = time.monotonic() + wait
    while not client.nthreads():
        if time.monotonic() > deadline:
            address = engine.replace("dask://", "tcp://", 1)
            raise UserError(
                f"--engine {engine}: no worker has come within {wait:g} seconds; start one with: "
                f"dask worker {address} --nthreads 1"
            )
        time.sleep(_POLL)
    has = client.run(eval, _HAS_PROJECT)
    _compare(client, engine, [worker for worker in has if has[worker]], detector)
    lacking = [worker for worker in has if not has[worker]]
    if lacking:
        with tempfile.TemporaryDirectory() as folder:
            client.upload_file(str(write_zip(pathlib.Path(folder))))
        _compare(client, engine, lacking, detector)


def _compare(
    client: distributed.Client, engine: str, workers: Sequence[str], detector: str
) -> None:
    if not workers:  # which `run` would take for all of them
        return
    versions_by_worker: Mapping[str, Mapping[str, str]] = client.run(versions.here, workers=workers)
    for worker, there in sorted(versions_by_worker.items()):
        differs = versions.difference(there, versions.of_worker(detector))
        if differs:
            raise UserError(
                f"--engine {engine}: the worker {worker} has {differs}; install the same there and "
                "start it again, or the same inputs would not give the same bytes"
            )


def write_zip(folder: pathlib.Path) -> pathlib.Path:
    """Writes the modules of this project that workers run into a zip that Python can import from.

    Args:
        folder: where to; the name tells which code it is.
    """
    path = folder / f"ganimation_tf-{versions.code_digest()}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for package in versions.PACKAGES:
            for name, file in versions.modules(importlib.resources.files(package), package):
                packed.writestr(name, file.read_bytes())
    return path
