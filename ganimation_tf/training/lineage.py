"""`lineage.json` of a run: all that it was made from, kept for when none of it is there any more.

    made_with: a list of `origin.made_with()`, one for each different process that trained
    dataset: digest, records, inputs, rejected, options, sources: of `dataset.json`; and, if its
        statistics are there, intensity_ranges: AU: lowest, highest that training sees often
    start_from: null, or the parent: name, preset, dataset, and its own lineage

The model card of an export carries it along.
"""

import json
import pathlib
from typing import Any

from ganimation_tf import shipped
from ganimation_tf.data.manifest import STATISTICS, TRAIN
from ganimation_tf.data.statistics.dataset import intensity_ranges
from ganimation_tf.errors import UserError, reason
from ganimation_tf.files import write_json
from ganimation_tf.origin import made_with
from ganimation_tf.training import runs, saved_networks
from ganimation_tf.training.plan import Plan

FILE = "lineage.json"


def note(run: pathlib.Path, plan: Plan) -> None:
    """Writes the run's lineage; of a run that goes on, adds with what.

    Raises:
        UserError: if it cannot be written.
    """
    lineage = read(run) or {
        "made_with": [],
        "dataset": _dataset(plan),
        "start_from": _parent(plan.start_from),
    }
    now = made_with()
    if now not in lineage["made_with"]:
        lineage["made_with"].append(now)
        write_json(run / FILE, lineage)


def read(run: pathlib.Path) -> dict[str, Any]:
    """The lineage of a run; empty for one that is older than lineages.

    Raises:
        UserError: if it cannot be read.
    """
    try:
        return json.loads((run / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{run / FILE}: cannot be read: {reason(error)}") from error


def _dataset(plan: Plan) -> dict[str, Any]:
    made = plan.manifest
    return {
        "digest": made.digest(),
        "records": {split: made.records(split) for split in made.splits},
        "inputs": made.inputs,
        "rejected": dict(made.rejections),
        "options": dict(made.options),
        "sources": dict(made.sources),
        "intensity_ranges": _intensity_ranges(plan.data),
    }


def _intensity_ranges(data: pathlib.Path) -> dict[str, tuple[float, float]]:
    try:
        facts = json.loads((data / STATISTICS).read_text(encoding="utf-8"))
    except FileNotFoundError:  # another program than `preprocess` wrote the dataset
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{data / STATISTICS}: cannot be read: {reason(error)}") from error
    return intensity_ranges(facts, TRAIN)


def _parent(source: pathlib.Path | None) -> dict[str, Any] | None:
    if source is None:
        return None
    if saved_networks.holds_weights(source):
        card = shipped.read_config(source).get("card", {})
        known = ("package", "training", "lineage")
        return {"name": runs.name_of(source), **{k: card[k] for k in known if k in card}}
    facts = runs.read_facts(source)
    return {
        "name": runs.name_of(source),
        "training": {"preset": facts["preset"], "config": facts["train"], "steps": facts["steps"]},
        "lineage": read(source),
    }
