"""A training run: a numbered directory, two networks, `fit`."""

import dataclasses
import logging
import pathlib
from collections.abc import Iterator, Sequence

import tensorflow as tf

from ganimation_tf.data import records
from ganimation_tf.data.manifest import EVAL, TRAIN
from ganimation_tf.errors import UserError
from ganimation_tf.evaluation import judges
from ganimation_tf.evaluation import samples as evaluation_samples
from ganimation_tf.training import (
    best,
    dataset,
    devices,
    estimate,
    length,
    longer,
    memory,
    runs,
    shown,
    transfer,
)
from ganimation_tf.training.build import build_model
from ganimation_tf.training.callbacks import judged as judged_lib
from ganimation_tf.training.callbacks.checkpoints import Checkpoints, writing
from ganimation_tf.training.callbacks.health import Health
from ganimation_tf.training.callbacks.judged import JudgedEdits
from ganimation_tf.training.callbacks.metrics_log import MetricsLog
from ganimation_tf.training.callbacks.progress import Progress
from ganimation_tf.training.callbacks.samples import SampleGrid
from ganimation_tf.training.callbacks.summaries import Summaries, writer
from ganimation_tf.training.diagnostics import symptoms
from ganimation_tf.training.diagnostics.monitor import Monitor
from ganimation_tf.training.failures import explained
from ganimation_tf.training.model import GANimation
from ganimation_tf.training.plan import Plan
from ganimation_tf.training.runs import saved_step
from ganimation_tf.training.stopping import stopping

SAMPLES = 8
"""Faces in the sample grid."""

log = logging.getLogger(__name__)


def train(
    plan: Plan,
    runs_dir: pathlib.Path | None,
    *,
    resume: pathlib.Path | None = None,
    new: bool = False,
    chosen_devices: Sequence[str] = (),
    checkpoint_minutes: float = 10.0,
    ignore_memory: bool = False,
    judge: str | None = None,
    judge_minutes: float = 10.0,
) -> pathlib.Path:
    """Trains, or goes on with what an interrupted call began, and returns the run's directory.

    Args:
        runs_dir: where the numbered run is. The newest one there with the very same plan is gone
            on with, else the newest that is the same but for fewer steps; without one a new run
            is made.
        resume: the run to go on with, in place of one found in `runs_dir`.
        new: make a new run in any case.
        chosen_devices: names of the devices to use; none: all GPUs, else the CPU.
        checkpoint_minutes: time between two saved states within an epoch.
        ignore_memory: train also where the memory will hardly suffice.
        judge: of AUs, as `evaluation.judges.load` names it; where no truth is known, the best
            networks are those of which it says so.
        judge_minutes: least time between two of its judgements.

    Raises:
        UserError: if dataset, config, run and devices do not fit each other, the memory does not
            suffice, or the run cannot be written.
        KeyboardInterrupt: if a signal asked it to stop; its state is saved.
    """
    if runs_dir is None:
        if resume is None:
            raise ValueError("runs_dir must be given where resume is not")
        runs_dir = resume.parent
    strategy = devices.choose_strategy(chosen_devices)
    devices.require_even(strategy, plan.config.batch_size)
    plan = dataclasses.replace(plan, config=devices.resolved(plan.config, strategy))
    if resume is not None:
        resume = resume.resolve()
        if not longer.is_shorter(runs.read_facts(resume), plan.facts):
            runs.require_same(resume, plan.facts)
    found = resume or (None if new else longer.find(runs_dir, plan.facts))
    if found and saved_step(found) >= plan.steps:
        log.info("%s is finished already; --new trains it once more", found)
        return found
    if not found and not new:
        longer.tell_of_unfinished(runs_dir, plan.facts)
    tf.config.experimental.enable_op_determinism()
    with strategy.scope():
        model = build_model(plan)
        if plan.start_from:
            for line in transfer.start_from(model, plan.start_from, plan.manifest.action_units):
                log.info("%s", line)
    if not ignore_memory:
        estimate.require_memory(model, plan.config.batch_size, strategy.num_replicas_in_sync)
    run = found or runs.start_run(runs_dir, plan.facts)
    with runs.lock(run):
        with writing(run):
            longer.replan(run, plan.facts)
        score = best.make_score(plan.config, judge is not None)
        checkpoints = Checkpoints(run, checkpoint_minutes, score)
        start = checkpoints.restore(model)
        if start:
            log.info("going on with %s at step %d", run, start)
        length.tell(plan.config, plan.steps)
        with stopping(checkpoints, plan.steps), explained(plan), writing(run):
            judged = _judged(plan, judge, judge_minutes)
            _fit(plan, model, run, start, [*judged], checkpoints)
    return run


def _judged(plan: Plan, judge: str | None, minutes: float) -> Iterator[JudgedEdits]:
    """The callback of a judge, if there is one and there are faces that it can judge."""
    if judge is None:
        return
    if not plan.manifest.records(EVAL):
        raise UserError(f"{plan.data} has no eval split: there is nobody to judge")
    samples = evaluation_samples.load(plan.data, EVAL, judged_lib.FACES)
    yield JudgedEdits(judges.load(judge), samples, minutes, plan.steps)


def _fit(
    plan: Plan,
    model: GANimation,
    run: pathlib.Path,
    start: int,
    judged: Sequence[JudgedEdits],
    checkpoints: Checkpoints,
) -> None:
    config = plan.config
    validation, faces_shown = _evaluation(plan, model.distribute_strategy.num_replicas_in_sync)
    monitor = Monitor(_baselines(plan, model), config, plan.steps)
    train_log, eval_log = (writer(run / "logs" / split) for split in (TRAIN, EVAL))
    callbacks = [
        *judged,  # writes nothing; the others log what it says
        Health(monitor, run, train_log),  # before what saves: what is not finite is not kept
        Progress(plan.steps, config.images_per_step, log.info),
        MetricsLog(run / runs.METRICS, config.images_per_step),
        Summaries(train_log, eval_log, faces_shown, plan.steps),
        SampleGrid(faces_shown, plan.manifest.action_units, run, train_log, plan.steps),
        checkpoints,  # the last: it saves what the others have done
    ]
    faces = _faces(plan)
    for begin, end, steps in _segments(start, plan.steps, plan.epoch_steps):
        model.fit(
            dataset.training(plan.data, plan.manifest, config, begin, faces),
            initial_epoch=begin // plan.epoch_steps,
            epochs=end,
            steps_per_epoch=steps,
            validation_data=validation,
            callbacks=callbacks,
            shuffle=False,  # the dataset is shuffled by seed and position
            verbose=0,  # `Progress` says it in one line
        )


def _faces(plan: Plan) -> memory.Faces | None:
    """The training faces in memory; None if they are too many, and are no pairs.

    Raises:
        UserError: if only the truth of pairs is to be learnt and there are none.
    """
    weights = plan.config.loss_weights
    if not (
        weights.of_truth
        or memory.fits_decoded(plan.manifest.records(TRAIN), plan.manifest.crop.size)
    ):
        return None
    faces = dataset.load_faces(plan.data, plan.manifest, TRAIN)
    if not weights.of_truth:
        return faces
    if not (faces.paired or weights.uses_critic):
        raise UserError(
            f"{plan.data} has no pairs ({records.PAIR}), and this recipe learns from nothing else: "
            f"--loss.{next(iter(weights.of_truth)).replace('_', '-')} and the like need the truth; "
            "take --preset paper, or faces of `ganimation synthesize`"
        )
    log.info("%d of %d training faces are pictures of a pair", faces.paired, len(faces))
    if faces.paired < len(faces):
        log.info("for the others the terms that need the truth are left out")
    return faces


def _segments(start: int, total: int, epoch_steps: int) -> Iterator[tuple[int, int, int]]:
    """The calls of `fit` that lead from one step to another, as it knows whole epochs only.

    Returns:
        (first step, epoch to end before, steps in each of its epochs): what is left of the first
        epoch, the whole epochs, and what is wanted of the last.
    """
    while start < total:
        epoch, done = divmod(start, epoch_steps)
        whole = total // epoch_steps - epoch
        if done or not whole:
            steps, epochs = min(epoch_steps - done, total - start), 1
        else:
            steps, epochs = epoch_steps, whole
        yield start, epoch + epochs, steps
        start += steps * epochs


def _baselines(plan: Plan, model: GANimation) -> symptoms.Baselines:
    units = dataset.load_action_units(plan.data, plan.manifest, TRAIN)
    patches = model.critic.output["realism"].shape[1] if model.judges_realism else 1
    return symptoms.Baselines(
        mean_error=float(units.var(axis=0).mean()),
        gap_limit=symptoms.largest_gap(plan.manifest.crop.size, patches),
    )


def _evaluation(plan: Plan, replicas: int):
    """What to validate on, None without an eval split; and the faces of the sample grid."""
    data, manifest, batch_size = plan.data, plan.manifest, plan.config.batch_size
    split = EVAL if manifest.records(EVAL) else TRAIN
    faces_shown = shown.faces(data, manifest, split, SAMPLES, plan.config.seed)
    if split == TRAIN:
        log.warning("%s has no eval split: nothing is validated, samples are training faces", data)
        return None, faces_shown
    if manifest.records(EVAL) < replicas:
        log.warning("the eval split has fewer faces than there are devices: nothing is validated")
        return None, faces_shown
    faces = dataset.evaluation(data, manifest, batch_size=batch_size, replicas=replicas)
    if replicas > 1:
        log.info(
            "validating on full batches only, which %d devices share: %d", replicas, len(faces)
        )
    return faces, faces_shown
