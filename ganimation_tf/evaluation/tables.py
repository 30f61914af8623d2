"""The figures of an evaluation by AU and by intensity."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ganimation_tf.evaluation.intervals import mean, median
from ganimation_tf.evaluation.judged import Judgement
from ganimation_tf.evaluation.samples import Requests, Samples
from ganimation_tf.evaluation.sweeps import LEVELS, Sweep

CHANGES = 0.2
"""An AU whose intensity is to change by so much, of [0, 1], is counted as asked for: 1 of 5."""

EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def by_action_unit(
    samples: Samples,
    requests: Requests,
    rows: Mapping[str, np.ndarray],
    judgements: Sequence[Judgement],
    sweeps: Mapping[str, Sequence[Sweep]],
) -> list[dict[str, Any]]:
    """A dict for each AU.

    `asked`: edits in which it is to change by `CHANGES` at least; `truth_error`, `truth_share`:
    their medians, other AUs change in them too; what each judge says of it, under its name.
    """
    change = np.abs(requests.targets - samples.action_units[requests.sources])
    table = []
    for unit, name in enumerate(samples.names):
        asked = change[:, unit] >= CHANGES
        entry: dict[str, Any] = {"name": name, "asked": int(asked.sum())}
        for measure in ("truth_error", "truth_share"):
            if measure in rows:
                entry[measure] = median(rows[measure][asked])
        for judgement in judgements:
            if name in judgement.names:
                entry[judgement.judge] = _of_judge(judgement, judgement.names.index(name))
        for judge, swept in sweeps.items():
            for sweep in swept:
                if sweep.name == name:
                    entry[judge] |= _of_sweep(sweep)
        table.append(entry)
    return table


def _of_judge(judgement: Judgement, place: int) -> dict[str, Any]:
    parts = (("", judgement.edits), ("copy_", judgement.copies), ("own_", judgement.own))
    return {
        prefix + name: float(getattr(part, name)[place])
        for prefix, part in parts
        for name in ("mae", "rmse", "pearson", "icc")
    }


def _of_sweep(sweep: Sweep) -> dict[str, Any]:
    means = map(mean, sweep.readings.T)
    return {
        "sweep": dict(zip((f"{level:.2f}" for level in LEVELS), means, strict=True)),
        "monotonicity": sweep.monotonicity,
        "raised": sweep.raised,
        "drift": sweep.drift,
    }


def by_intensity(
    samples: Samples, requests: Requests, rows: Mapping[str, np.ndarray]
) -> list[dict[str, Any]]:
    """A dict for each range of the largest change of an AU that was asked for."""
    largest = np.abs(requests.targets - samples.action_units[requests.sources]).max(1)
    table = []
    for low, high in zip(EDGES[:-1], EDGES[1:], strict=True):
        inside = (largest >= low) & ((largest < high) | (high == EDGES[-1]))
        entry: dict[str, Any] = {"from": low, "to": high, "edits": int(inside.sum())}
        for measure in ("truth_error", "truth_share"):
            if measure in rows:
                entry[measure] = median(rows[measure][inside])
        table.append(entry)
    return table
