"""Which run a command goes on with: that of its very plan, or one that is to become longer."""

import logging
import pathlib
from collections.abc import Mapping
from typing import Any

from ganimation_tf.config import TrainConfig
from ganimation_tf.files import write_json
from ganimation_tf.training import runs
from ganimation_tf.training.schedules import rate_at

STEPS = "steps"

log = logging.getLogger(__name__)


def find(runs_dir: pathlib.Path, facts: Mapping[str, Any]) -> pathlib.Path | None:
    """The run of these very facts, or else the newest that is these but for fewer steps."""
    return runs.find_run(runs_dir, facts) or _find_shorter(runs_dir, facts)


def _find_shorter(runs_dir: pathlib.Path, facts: Mapping[str, Any]) -> pathlib.Path | None:
    """The newest run below `runs_dir` that is `facts` but for fewer steps, and has saved a state.

    None if there is none.
    """
    return next(
        (
            run
            for run in runs.newest_first(runs_dir)
            if is_shorter(runs.read_facts(run), facts) and runs.saved_step(run)
        ),
        None,
    )


def is_shorter(before: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether a run's facts are these but for fewer steps."""
    return before[STEPS] < facts[STEPS] and {**before, STEPS: facts[STEPS]} == facts


def replan(run: pathlib.Path, facts: Mapping[str, Any]) -> None:
    """Gives a shorter run the number of steps of `facts`, and says what becomes of its rate.

    A run that has that number already is left alone.

    Raises:
        UserError: if its config cannot be written; it is as it was then.
    """
    before = runs.read_facts(run)
    if not is_shorter(before, facts):
        return
    write_json(run / runs.CONFIG, facts)
    config, step = TrainConfig.from_dict(facts["train"]), runs.saved_step(run)
    old, new = (rate_at(config, each[STEPS], step) for each in (before, facts))
    log.info(
        "%s was planned for %s steps and goes on to %s: the learning rate follows the longer "
        "plan, from %.3g at step %s, where it was %.3g",
        run,
        *(f"{each[STEPS]:,}" for each in (before, facts)),
        new,
        f"{step:,}",
        old,
    )


def tell_of_unfinished(runs_dir: pathlib.Path, facts: Mapping[str, Any]) -> None:
    """Says why the newest run is not gone on with, if it was not trained to its end."""
    newest = next(runs.newest_first(runs_dir), None)
    if newest and runs.saved_step(newest) < runs.read_facts(newest)[STEPS]:
        changed = "; ".join(runs.differences(newest, facts))
        log.info("%s is unfinished but another: %s. A new run is made", newest, changed)
