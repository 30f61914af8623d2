"""The run directory: numbered, named by its facts, and saying what made it."""

import contextlib
import json
import os
import pathlib
import platform
import re
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ganimation_tf import __version__, action_units, files, shipped
from ganimation_tf.config import TrainConfig
from ganimation_tf.data.manifest import EVAL, TRAIN, Manifest
from ganimation_tf.errors import UserError, as_user_error, reason

CONFIG = "config.json"
METRICS = "metrics.jsonl"
BEST = "best"
NETWORKS = ("generator", "critic")
PRETRAINED = "pretrained"
"""What the weights that ship are called, wherever the package lies."""

LOCK = ".lock"


def new_run(runs: pathlib.Path, label: str) -> pathlib.Path:
    """Makes `runs/<next number>-<label>` and returns it."""
    runs.mkdir(parents=True, exist_ok=True)
    numbers = [int(m[1]) for p in runs.iterdir() if (m := re.match(r"(\d{5})-", p.name))]
    return make_run(runs / f"{max(numbers, default=-1) + 1:05d}-{label}")


def make_run(run: pathlib.Path) -> pathlib.Path:
    """Makes the directory of a run with those in it; returns it."""
    run.mkdir()
    for name in ("checkpoints", "logs", "samples"):
        (run / name).mkdir()
    return run


def number_of(run: pathlib.Path) -> int:
    """The number with which a run's name begins."""
    return int(run.name[:5])


def numbered(runs: pathlib.Path, number: int) -> pathlib.Path:
    """The run of that number, which another machine has made.

    Raises:
        UserError: if it cannot be seen here.
    """
    matches = sorted(runs.glob(f"{number:05d}-*"))
    if not matches:
        raise UserError(
            f"{runs} has no run {number:05d}, which the chief has: it must be a folder that all "
            "machines share"
        )
    return matches[0]


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


def facts_of(
    config: TrainConfig,
    manifest: Manifest,
    preset: str,
    steps: int,
    start_from: pathlib.Path | None = None,
) -> dict[str, Any]:
    """What makes two runs the same: `config.json`.

    Args:
        steps: generator updates of the whole run.
        start_from: the run or the weights that it starts from, if any.
    """
    return {
        "preset": preset,
        "train": config.to_dict(),
        "steps": steps,
        "start_from": None if start_from is None else name_of(start_from),
        "dataset": {
            "action_units": list(manifest.action_units),
            "crop": {"size": manifest.crop.size, "margin": manifest.crop.margin},
            "digest": manifest.digest(),
            "records": {split: manifest.records(split) for split in (TRAIN, EVAL)},
        },
    }


def name_of(source: pathlib.Path) -> str:
    """What a run or weights to start from are called: their place, or `PRETRAINED`."""
    source = source.resolve()
    return PRETRAINED if source == shipped.directory().resolve() else str(source)


def read_facts(run: pathlib.Path) -> dict[str, Any]:
    """The `config.json` of a run, the options filled in that it is older than.

    Raises:
        UserError: if it cannot be read.
    """
    try:
        facts = json.loads((run / CONFIG).read_text(encoding="utf-8"))
        facts["train"] = TrainConfig.from_dict(facts["train"]).to_dict()
        list(facts["dataset"]["action_units"])  # raises where it is no run's
        return {"start_from": None, **facts}
    except FileNotFoundError:
        raise UserError(f"{run} is not a run: it has no {CONFIG}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{run} is not a run: cannot read {CONFIG}: {reason(error)}") from error


def start_run(runs: pathlib.Path, facts: Mapping[str, Any]) -> pathlib.Path:
    """A new run with its `config.json` and `environment.json`.

    Raises:
        UserError: if it cannot be written.
    """
    size, units = facts["dataset"]["crop"]["size"], len(facts["dataset"]["action_units"])
    label = f"{facts['preset']}-{size}px-{units}au-batch{facts['train']['batch_size']}"
    with as_user_error(f"{runs}: a run cannot be written there"):
        run = new_run(runs, label)
        for name, content in (("environment.json", environment()), (CONFIG, facts)):
            (run / name).write_text(json.dumps(content, indent=2) + "\n")
    return run


def find_run(runs: pathlib.Path, facts: Mapping[str, Any]) -> pathlib.Path | None:
    """The newest run below `runs` with the very same facts, None if there is none."""
    return next((run for run in newest_first(runs) if read_facts(run) == facts), None)


def newest_first(runs: pathlib.Path) -> Iterator[pathlib.Path]:
    """The runs below `runs` whose config can be read."""
    for path in sorted(runs.glob("[0-9]" * 5 + "-*"), reverse=True):
        # One that was killed before it began has none.
        with contextlib.suppress(UserError):
            read_facts(path)
            yield path


def require_same(run: pathlib.Path, facts: Mapping[str, Any]) -> None:
    """Refuses to go on with a run that was made from other facts.

    Raises:
        UserError: naming each difference and both values.
    """
    lists = read_facts(run)["dataset"]["action_units"], facts["dataset"]["action_units"]
    action_units.require_same(*lists, f"{run} and the dataset")
    if changed := differences(run, facts):
        raise UserError(f"{run} cannot go on: {'; '.join(changed)}")


def differences(run: pathlib.Path, facts: Mapping[str, Any]) -> list[str]:
    """What of a run is otherwise than in `facts`: each name with both values."""
    before, now = dict(_leaves(read_facts(run))), dict(_leaves(facts))
    return [
        f"{name} was {json.dumps(before.get(name))} and is now {json.dumps(now.get(name))}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]


def _leaves(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def lock(run: pathlib.Path) -> contextlib.AbstractContextManager[int]:
    """Claims the run for this process; see `files.locked`."""
    return files.locked(run / LOCK, f"{run} is being trained by another process")


def saved_states(run: pathlib.Path) -> list[pathlib.Path]:
    """The directories of a run's states, oldest first."""
    return sorted((run / "checkpoints").glob("step-" + "[0-9]" * 7))


def saved_step(run: pathlib.Path) -> int:
    """The step of a run's newest state, 0 without one."""
    return max((int(path.name.removeprefix("step-")) for path in saved_states(run)), default=0)
