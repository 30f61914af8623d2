"""Can an export be served? A server of its own, in a fresh process, is asked over gRPC."""

import contextlib
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import numpy as np

from ganimation_tf import files, processes
from ganimation_tf.blessing import INFRASTRUCTURE, Blessing
from ganimation_tf.errors import ServiceError, UserError
from ganimation_tf.export import signature
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.export.model_directory import SAVED_MODEL_FILE
from ganimation_tf.export.request_samples import sample_inputs
from serving.client.sync import GanimationClient

ROWS = 2
REPEATS = 10
"""Requests of `serving_default` that are timed."""

CONDITIONS = (
    "a fresh process serves it",
    "every signature answers, with finite numbers of the declared rows",
    "equal AUs return the image bit for bit",
)

_SERVER = """
import os, sys, threading
from ganimation_tf import cli

def outlived():
    os.read(0, 1)
    os._exit(1)

threading.Thread(target=outlived, daemon=True).start()
sys.exit(cli.main(["serve", "--port", "0", "--model-dir", sys.argv[1]]))
"""
"""`ganimation serve` that ends when its standard input does: with the process that started it."""

_SERVING = re.compile(r"^serving .* at (\S+:\d+)", re.MULTILINE)


def validate(export: pathlib.Path, seconds: float) -> Blessing:
    """Serves a copy of the export and asks every signature.

    Args:
        export: `<model_dir>/<version>`.
        seconds: how long the server may take to be ready.

    Raises:
        UserError: if it is no export.
    """
    if not (export / SAVED_MODEL_FILE).is_file():
        raise UserError(f"{export} is no SavedModel: it has no {SAVED_MODEL_FILE}")
    digest = files.tree_digest(export)
    facts: dict[str, float] = {}
    failures: list[str] = []
    began = time.monotonic()
    try:
        with _alone(export, seconds) as address, GanimationClient(address) as client:
            facts["seconds_to_serve"] = round(time.monotonic() - began, 2)
            failures += _failures(client, sample_inputs(client.describe(), ROWS))
            facts["milliseconds_per_face"] = _milliseconds(client)
    except ServiceError as error:
        failures.append(str(error))
    return Blessing(INFRASTRUCTURE, not failures, digest, CONDITIONS, failures, facts)


@contextlib.contextmanager
def _alone(export: pathlib.Path, seconds: float) -> Iterator[str]:
    """As `served`, of a copy of the export and no other version."""
    with tempfile.TemporaryDirectory(prefix="ganimation-served-") as folder:
        models = pathlib.Path(folder, "models")
        shutil.copytree(export, models / "1")
        with served(models, pathlib.Path(folder, "log"), seconds) as address:
            yield address


@contextlib.contextmanager
def served(model_dir: pathlib.Path, log: pathlib.Path, seconds: float) -> Iterator[str]:
    """HOST:PORT of a server of a model directory, in a process of its own.

    Args:
        log: the file that what it says goes to.
        seconds: how long it may take to be ready.

    Raises:
        ServiceError: if it is not ready in time, with what it said last.
    """
    command = [sys.executable, "-P", "-c", _SERVER, str(model_dir)]
    with (
        log.open("w") as stream,
        subprocess.Popen(
            command,
            env=processes.environment(),
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=stream,
        ) as server,
    ):
        try:
            yield _address(server, log, seconds)
        finally:
            server.terminate()


def _address(server: subprocess.Popen, log: pathlib.Path, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while True:
        ended, text = server.poll() is not None, log.read_text()
        if match := _SERVING.search(text):
            return match[1]
        if ended or time.monotonic() > deadline:
            last = (text.strip().splitlines() or ["it said nothing"])[-1]
            how = "ended" if ended else f"was not ready within {seconds:g} seconds"
            raise ServiceError(f"the server {how}: {last}")
        time.sleep(0.1)


def _failures(client: GanimationClient, inputs: dict[str, dict[str, np.ndarray]]) -> Iterator[str]:
    declared = client.metadata()
    for name in sorted(declared.keys() & inputs.keys()):
        for output, array in client.predict(name, inputs[name]).items():
            if len(array) != ROWS:
                yield f"{name}: {output} must have {ROWS} rows, got {len(array)}"
            elif array.dtype.kind == "f" and not np.isfinite(array).all():
                yield f"{name}: {output} is not finite"
    if signature.FROM_SOURCE in declared:
        asked = dict(inputs[signature.FROM_SOURCE])
        asked[signature.ACTION_UNITS] = asked[signature.SOURCE]
        answer = client.predict(signature.FROM_SOURCE, asked)[signature.IMAGE]
        if not np.array_equal(answer, asked[signature.IMAGE]):
            yield f"{signature.FROM_SOURCE}: equal AUs must return the image bit for bit"


def _milliseconds(client: GanimationClient) -> float:
    """Median over some requests of one face."""
    card: ModelCard = client.describe()
    inputs = sample_inputs(card, 1)[signature.EDIT]
    times = []
    for _ in range(REPEATS):
        began = time.monotonic()
        client.predict(signature.EDIT, inputs)
        times.append(time.monotonic() - began)
    return round(1000 * statistics.median(times), 1)
