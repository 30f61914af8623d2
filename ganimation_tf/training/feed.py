"""What `fit` is fed: the training faces, the calls that lead to the last step, the evaluation."""

import logging
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import tensorflow as tf

from ganimation_tf.data import records
from ganimation_tf.data.manifest import EVAL, TRAIN
from ganimation_tf.errors import UserError
from ganimation_tf.training import dataset, memory, shown, workers
from ganimation_tf.training.plan import Plan

SAMPLES = 8
"""Faces in the sample grid."""

LEAST_EVALUATED, EVALUATED_SHARE = 256, 0.1
"""How many eval faces a run is looked at by: as many as this share of the images that it is trained
on between two evaluations, but so many at least. Training must not wait for its evaluations."""

log = logging.getLogger(__name__)


def training_faces(plan: Plan) -> memory.Faces | None:
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
    # AUs alone hold no face together: patterns would do.
    if not (faces.paired or weights.realism or weights.cycle):
        raise UserError(
            f"{plan.data} has no pairs ({records.PAIR}), and this recipe learns from nothing else: "
            f"--loss.{next(iter(weights.of_truth)).replace('_', '-')} and the like need the truth; "
            "take --preset film, or faces of `ganimation synthesize`"
        )
    log.info("%d of %d training faces are pictures of a pair", faces.paired, len(faces))
    if faces.paired < len(faces):
        log.info("for the others the terms that need the truth are left out")
    return faces


def segments(start: int, total: int, epoch_steps: int) -> Iterator[tuple[int, int, int]]:
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


def largest_divisor(number: int, most: int) -> int:
    """The largest number up to `most` that divides another without rest."""
    return next(each for each in range(min(number, most), 0, -1) if number % each == 0)


class Evaluation(NamedTuple):
    """What a run is looked at by.

    Attributes:
        faces: what to validate on; None without an eval split.
        steps: batches of it; None: to its end.
        shown: the faces of the sample grid.
    """

    faces: tf.data.Dataset | None
    steps: int | None
    shown: Mapping[str, tf.Tensor]


def evaluation(plan: Plan, strategy: tf.distribute.Strategy) -> Evaluation:
    """The eval split as `fit` validates on it, and eight faces of it, or else of training."""
    data, manifest, batch_size = plan.data, plan.manifest, plan.config.batch_size
    replicas = strategy.num_replicas_in_sync
    split = EVAL if manifest.records(EVAL) else TRAIN
    faces_shown = shown.faces(data, manifest, split, SAMPLES, plan.config.seed)
    if split == TRAIN:
        log.warning("%s has no eval split: nothing is validated, samples are training faces", data)
        return Evaluation(None, None, faces_shown)
    if manifest.records(EVAL) < replicas:
        log.warning("the eval split has fewer faces than there are devices: nothing is validated")
        return Evaluation(None, None, faces_shown)
    share = workers.share_of(strategy)
    trained_on = plan.epoch_steps * plan.config.images_per_step
    at_most = max(LEAST_EVALUATED, int(EVALUATED_SHARE * trained_on))
    faces = dataset.evaluation(
        data, manifest, batch_size=batch_size, replicas=replicas, share=share, at_most=at_most
    )
    steps = len(faces) * share.workers // share.replicas if share.workers > 1 else None
    if replicas > 1:
        log.info(
            "validating on full batches only, which %d devices share: %d",
            replicas,
            steps or len(faces),
        )
    return Evaluation(workers.distributed(strategy, faces), steps, faces_shown)
