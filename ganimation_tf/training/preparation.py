"""What is looked at and built before there is a run: what can be refused is refused here."""

import dataclasses
import logging
import pathlib
from collections.abc import Iterator, Sequence

import tensorflow as tf

from ganimation_tf.data.manifest import EVAL
from ganimation_tf.errors import UserError
from ganimation_tf.evaluation import judges
from ganimation_tf.evaluation import samples as evaluation_samples
from ganimation_tf.training import devices, estimate, feed, longer, runs, transfer, workers
from ganimation_tf.training.build import build_model
from ganimation_tf.training.callbacks import judged as judged_lib
from ganimation_tf.training.callbacks.judged import JudgedEdits
from ganimation_tf.training.failures import explained
from ganimation_tf.training.model import GANimation
from ganimation_tf.training.plan import Plan

log = logging.getLogger(__name__)


def resolved(plan: Plan, chosen_devices: Sequence[str]) -> tuple[Plan, tf.distribute.Strategy]:
    """The plan with what these devices decide of it, and the strategy over them.

    Raises:
        UserError: if there is no such device, or the batch cannot be shared evenly.
    """
    strategy = devices.choose_strategy(chosen_devices)
    devices.require_even(strategy, plan.config.batch_size)
    config = devices.resolved(plan.config, strategy)
    return dataclasses.replace(plan, config=config), strategy


def resumable(run: pathlib.Path, plan: Plan, prolong: bool) -> pathlib.Path:
    """The run, whole path, if the plan goes on with it; raises UserError otherwise.

    Args:
        prolong: whether a run of fewer steps may be gone on with.
    """
    run = run.resolve()
    if not (prolong and longer.is_shorter(runs.read_facts(run), plan.facts)):
        runs.require_same(run, plan.facts)
    return run


def built(plan: Plan, strategy: tf.distribute.Strategy, ignore_memory: bool) -> GANimation:
    """The model of the plan, begun from other networks if the plan says so.

    Raises:
        UserError: if this machine's memory does not suffice for its share.
    """
    if plan.config.determinism:
        tf.config.experimental.enable_op_determinism()
    else:
        log.info("no determinism: another run of this, and one that goes on, differs in last bits")
    with strategy.scope():
        model = build_model(plan)
        if plan.start_from:
            for line in transfer.start_from(model, plan.start_from, plan.manifest.action_units):
                log.info("%s", line)
    count = workers.count_of(strategy)
    if not ignore_memory:
        size, replicas = plan.config.batch_size // count, strategy.num_replicas_in_sync // count
        estimate.require_memory(model, size, replicas)
    return model


def judged(plan: Plan, judge: str | None, minutes: float) -> Iterator[JudgedEdits]:
    """The callback of a judge, if there is one.

    Raises:
        UserError: if there are no faces that it can judge, or there is no such judge.
    """
    if judge is None:
        return
    if not plan.manifest.records(EVAL):
        raise UserError(f"{plan.data} has no eval split: there is nobody to judge")
    samples = evaluation_samples.load(plan.data, EVAL, judged_lib.FACES)
    yield JudgedEdits(judges.load(judge), samples, minutes, plan.steps)


def rehearse(
    plan: Plan,
    *,
    resume: pathlib.Path | None = None,
    prolong: bool = True,
    chosen_devices: Sequence[str] = (),
    judge: str | None = None,
) -> Iterator[str]:
    """What `train` would train and what it would take, in lines; nothing is written.

    Args:
        As `train` has them.

    Raises:
        UserError: for all that `train` refuses before there is a run, but memory: that is told.
    """
    if workers.task_of_environment() is not None:
        raise UserError(
            f"--dry-run does not wait for other machines: unset {workers.VARIABLE}, and give the "
            "batch of one of them"
        )
    plan, strategy = resolved(plan, chosen_devices)
    if resume is not None:
        resumable(resume, plan, prolong)
    model = built(plan, strategy, ignore_memory=True)
    with explained(plan):
        feed.training_faces(plan)
        list(judged(plan, judge, 0.0))
    yield from estimate.describe(plan, model, strategy.num_replicas_in_sync)
