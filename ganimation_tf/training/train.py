"""A training run: a numbered directory, two networks, `fit`."""

import contextlib
import logging
import pathlib
import tempfile
from collections.abc import Iterator, Sequence

import tensorflow as tf

from ganimation_tf.data.manifest import EVAL, TRAIN
from ganimation_tf.training import (
    best,
    dataset,
    devices,
    feed,
    length,
    lineage,
    longer,
    memory,
    preparation,
    runs,
    workers,
)
from ganimation_tf.training.callbacks.checkpoints import Checkpoints, writing
from ganimation_tf.training.callbacks.health import Health
from ganimation_tf.training.callbacks.judged import JudgedEdits
from ganimation_tf.training.callbacks.metrics_log import MetricsLog
from ganimation_tf.training.callbacks.progress import Progress
from ganimation_tf.training.callbacks.samples import SampleGrid
from ganimation_tf.training.callbacks.shown_edits import ShownEdits
from ganimation_tf.training.callbacks.summaries import Summaries, writer
from ganimation_tf.training.diagnostics import symptoms
from ganimation_tf.training.diagnostics.monitor import Monitor
from ganimation_tf.training.failures import explained
from ganimation_tf.training.model import GANimation
from ganimation_tf.training.plan import Plan
from ganimation_tf.training.runs import saved_step
from ganimation_tf.training.stopping import stopping

log = logging.getLogger(__name__)


def train(
    plan: Plan,
    runs_dir: pathlib.Path | None,
    *,
    resume: pathlib.Path | None = None,
    new: bool = False,
    prolong: bool = True,
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
        prolong: go on with a run of fewer steps too; what comes out depends on what was trained
            before then.
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
    plan, strategy = preparation.resolved(plan, chosen_devices)
    if resume is not None:
        resume = preparation.resumable(resume, plan, prolong)
    find = longer.find if prolong else runs.find_run
    begun = resume or (None if new else find(runs_dir, plan.facts))
    if begun and saved_step(begun) >= plan.steps:
        again = "--output DIR with --new" if resume else "--new"
        log.info("%s is finished already; %s trains it once more", begun, again)
        return begun
    if not begun and not new:
        longer.tell_of_unfinished(runs_dir, plan.facts)
    model = preparation.built(plan, strategy, ignore_memory)
    with explained(plan):  # before there is a run, which a mistake would leave
        faces = feed.training_faces(plan)
        chief = workers.is_chief(strategy)
        judged = [*preparation.judged(plan, judge, judge_minutes)] if chief else []
    opened = _opened(plan, strategy, runs_dir, begun, resume)
    with explained(plan), opened as (run, own):
        score = best.make_score(plan.config, judge)
        checkpoints = Checkpoints(own, checkpoint_minutes, score)
        if own == run:
            lineage.note(run, plan)
        start = checkpoints.restore(model, None if own == run else run)
        workers.require_shared(strategy, run, start)
        if start:
            log.info("going on with %s at step %d", run, start)
        length.tell(plan.config, plan.steps)
        with stopping(checkpoints, plan.steps), writing(run):
            _fit(plan, model, own, start, faces, judged, checkpoints)
    return run


@contextlib.contextmanager
def _opened(
    plan: Plan,
    strategy: tf.distribute.Strategy,
    runs_dir: pathlib.Path,
    begun: pathlib.Path | None,
    resume: pathlib.Path | None,
) -> Iterator[tuple[pathlib.Path, pathlib.Path]]:
    """The run, and the directory that this process writes: the run itself, but on one machine only.

    The other machines do all that the chief does, since much of it asks each of them for its part,
    in a directory that is deleted at the end.

    Raises:
        UserError: if another process trains the run, or this machine does not see it.
    """
    if workers.is_chief(strategy):
        run = begun or runs.start_run(runs_dir, plan.facts)
        with runs.lock(run):
            with writing(run):
                longer.replan(run, plan.facts)
            if resume is None and workers.are_several(strategy):
                workers.of_chief(strategy, runs.number_of(run))
            yield run, run
        return
    run = resume or runs.numbered(runs_dir, workers.of_chief(strategy, -1))
    with tempfile.TemporaryDirectory() as root:
        yield run, runs.make_run(pathlib.Path(root, run.name))


def _fit(
    plan: Plan,
    model: GANimation,
    run: pathlib.Path,
    start: int,
    faces: memory.Faces | None,
    judged: Sequence[JudgedEdits],
    checkpoints: Checkpoints,
) -> None:
    config = plan.config
    strategy = model.distribute_strategy
    evaluation, share = feed.evaluation(plan, strategy), workers.share_of(strategy)
    monitor = Monitor(_baselines(plan, model), config, plan.steps)
    edits = ShownEdits(evaluation.shown)
    train_log, eval_log = (writer(run / "logs" / split) for split in (TRAIN, EVAL))
    callbacks = [
        *judged,  # writes nothing; the others log what it says
        Health(monitor, run, train_log),  # before what saves: what is not finite is not kept
        Progress(plan.steps, config.images_per_step, log.debug if share.worker else log.info),
        MetricsLog(run / runs.METRICS, config.images_per_step),
        Summaries(train_log, eval_log, edits, plan.steps),
        SampleGrid(edits, plan.manifest.action_units, run, train_log, plan.steps),
        checkpoints,  # the last: it saves what the others have done
    ]
    for begin, end, steps in feed.segments(start, plan.steps, plan.epoch_steps):
        batches = dataset.training(plan.data, plan.manifest, config, begin, faces, share)
        most = 1 if checkpoints.minutes == 0 else devices.steps_together(strategy)
        model.execute_together(feed.largest_divisor(steps, most))
        model.fit(
            workers.distributed(strategy, batches),
            initial_epoch=begin // plan.epoch_steps,
            epochs=end,
            steps_per_epoch=steps,
            validation_data=evaluation.faces,
            validation_steps=evaluation.steps,
            callbacks=callbacks,
            shuffle=False,  # the dataset is shuffled by seed and position
            verbose=0,  # `Progress` says it in one line
        )


def _baselines(plan: Plan, model: GANimation) -> symptoms.Baselines:
    units = dataset.load_action_units(plan.data, plan.manifest, TRAIN)
    patches = model.critic.output["realism"].shape[1] if model.judges_realism else 1
    return symptoms.Baselines(
        mean_error=float(units.var(axis=0).mean()),
        gap_limit=symptoms.largest_gap(plan.manifest.crop.size, patches),
    )
