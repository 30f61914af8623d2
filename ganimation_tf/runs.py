"""The run directory: numbered, named by its facts, and saying what made it."""

import json
import os
import pathlib
import platform
import re
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganimation_tf import __version__, action_units
from ganimation_tf.config import TrainConfig
from ganimation_tf.errors import UserError
from ganimation_tf.manifest import EVAL, TRAIN, Manifest

CONFIG = "config.json"


def new_run(runs: pathlib.Path, label: str) -> pathlib.Path:
    """Makes `runs/<next number>-<label>` and returns it."""
    runs.mkdir(parents=True, exist_ok=True)
    numbers = [int(m[1]) for p in runs.iterdir() if (m := re.match(r"(\d{5})-", p.name))]
    run = runs / f"{max(numbers, default=-1) + 1:05d}-{label}"
    run.mkdir()
    for name in ("checkpoints", "logs", "samples"):
        (run / name).mkdir()
    return run


def environment() -> dict[str, Any]:
    """Versions and devices, for `environment.json`."""
    return {
        "ganimation_tf": __version__,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "devices": [device.name for device in tf.config.list_logical_devices()],
    }


def _write_json(path: pathlib.Path, facts: dict[str, Any]) -> None:
    path.write_text(json.dumps(facts, indent=2) + "\n")


def open_run(
    runs: pathlib.Path,
    resume: pathlib.Path | None,
    config: TrainConfig,
    manifest: Manifest,
    preset: str,
    steps: int,
) -> pathlib.Path:
    """A new run with its `config.json` and `environment.json`, or `resume` if it fits.

    Raises:
        UserError: if the run to go on with had another recipe, length or dataset.
    """
    facts = {
        "preset": preset,
        "train": config.to_dict(),
        "steps": steps,
        "dataset": {
            "action_units": list(manifest.action_units),
            "crop": {"size": manifest.crop.size, "margin": manifest.crop.margin},
            "digest": manifest.digest(),
            "records": {split: manifest.records(split) for split in (TRAIN, EVAL)},
        },
    }
    if resume is None:
        units, size = len(manifest.action_units), manifest.crop.size
        run = new_run(runs, f"{preset}-{size}px-{units}au-batch{config.batch_size}")
        _write_json(run / CONFIG, facts)
        _write_json(run / "environment.json", environment())
        return run
    try:
        saved = json.loads((resume / CONFIG).read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{resume} is not a run: cannot read {CONFIG}: {error}") from error
    action_units.require_same(
        saved["dataset"]["action_units"], manifest.action_units, f"{resume} and the dataset"
    )
    changed = [key for key in ("train", "steps", "dataset") if saved[key] != facts[key]]
    if changed:
        raise UserError(
            f"{resume} cannot go on: {changed[0]} was {json.dumps(saved[changed[0]])} "
            f"and is now {json.dumps(facts[changed[0]])}"
        )
    return resume
