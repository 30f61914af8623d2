"""Everything that is known of a model's edits, as one report."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ganimation_tf import progress
from ganimation_tf.data import manifest
from ganimation_tf.errors import UserError
from ganimation_tf.evaluation import edits as edits_lib
from ganimation_tf.evaluation import judged, kid, parts, preservation, tables
from ganimation_tf.evaluation.agreement import SCALE
from ganimation_tf.evaluation.edits import Editor, Edits
from ganimation_tf.evaluation.intervals import bootstrap
from ganimation_tf.evaluation.judged import Judgement, Reader, judge_edits
from ganimation_tf.evaluation.judges import Judge
from ganimation_tf.evaluation.judges.identity import FaceNet
from ganimation_tf.evaluation.judges.meshes import FaceMeshes
from ganimation_tf.evaluation.remarks import remarks
from ganimation_tf.evaluation.report import Report, statistic
from ganimation_tf.evaluation.samples import Requests, Samples, fit_to, load, requests
from ganimation_tf.evaluation.sweeps import Sweep, figures_of, one_of_each, sweeps
from ganimation_tf.origin import made_with

SWEPT = 8
"""People whose AUs are swept, each AU by each judge."""


@dataclasses.dataclass(frozen=True)
class Instruments:
    """What is measured with, beside the pixels themselves; each may be missing.

    Attributes:
        judges: of AUs.
        identity: of who it is.
        meshes: where the head's pose is read.
        features: uint8 images (n, size, size, 3) to (n, d), for KID.
        swept: people whose AUs are swept; 0: no sweeps.
    """

    judges: Sequence[Judge] = ()
    identity: FaceNet | None = None
    meshes: FaceMeshes | None = None
    features: Any = None
    swept: int = SWEPT


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """A report, and the pictures that its page shows.

    Attributes:
        report: the figures.
        samples, requests, edits: what was asked and what was made, for the page and for judges
            that are programs.
    """

    report: Report
    samples: Samples
    requests: Requests
    edits: Edits


def evaluate(
    model: Editor,
    dataset: str | pathlib.Path | Samples,
    *,
    split: str = manifest.EVAL,
    instruments: Instruments | None = None,
    faces: int | None = None,
    batch_size: int = 16,
    batches: progress.Batches = progress.batches,
) -> Evaluation:
    """Measures a model on faces that it was not trained on.

        >>> from ganimation_tf.animation import evaluated
        >>> evaluation = gan.evaluate(evaluated.open_editor(str(run), data), data)
        >>> evaluation.edits.images.shape[1:]
        (32, 32, 3)

    Args:
        model: any object like `edits.Editor`.
        dataset: a dataset's directory, or faces that are loaded already.
        split: the split of the directory.
        instruments: judges and the like; none: the pixels alone.
        faces: at most so many of the split.
        batch_size: faces that the model is given at once; of no influence on the figures.
        batches: how pictures are gone through: `progress.tracked_batches` shows how far it is.

    Raises:
        UserError: if dataset and model do not fit each other, or KID is asked of too few faces.
    """
    instruments = instruments or Instruments()
    samples = dataset if isinstance(dataset, Samples) else load(dataset, split, faces)
    samples, notes = fit_to(samples, model.action_units, model.crop)
    samples = _without_people_of(instruments.judges, samples, notes)
    asked = requests(samples)
    if instruments.features is not None:
        kid.require_enough(len(asked), len(samples))
    made = edits_lib.make(model, samples, asked, batch_size, batches)
    measured = _Measured(rows=dict(made.rows))
    for judge in instruments.judges:
        reader = Reader(judge, samples, batches)
        measured.judgements.append(judge_edits(reader, samples, asked, made.images, batches))
        if instruments.swept:
            chosen = one_of_each(samples, instruments.swept)
            measured.sweeps[judge.name] = sweeps(model, reader, chosen, batch_size, batches)
    for judgement in measured.judgements:
        measured.rows |= judged.rows_of(judgement)
        measured.figures |= judged.figures_of(judgement)
    for name, swept in measured.sweeps.items():
        measured.figures |= figures_of(name, swept)
    _measure_what_stays(instruments, samples, asked, made, measured, batches)
    if made.estimates is not None:
        measured.rows |= _critic_rows(model, samples, asked, made, batch_size, batches)
    report = _report(model, samples, asked, measured, notes, instruments.judges)
    return Evaluation(report, samples, asked, made)


def _without_people_of(judges: Sequence[Judge], samples: Samples, notes: list[str]) -> Samples:
    """The samples without the people whom a judge knows from its training.

    Raises:
        UserError: if nobody is left.
    """
    known = {person for judge in judges for person in judge.trained_on(samples.digest)}
    rows = [row for row, person in enumerate(samples.people) if person not in known]
    if len(rows) == len(samples):
        return samples
    left_out = len(set(samples.people) & known)
    if not rows:
        raise UserError(
            f"a judge was trained on all {left_out} people of these faces: it can judge others, "
            "or be trained on a share of them"
        )
    notes.append(f"{left_out} people are left out: a judge was trained on them")
    return samples.take(rows)


@dataclasses.dataclass(eq=False)
class _Measured:
    """What was found so far: values of each edit, figures without such, and the judges' words."""

    rows: dict[str, np.ndarray]
    figures: dict[str, float] = dataclasses.field(default_factory=dict)
    judgements: list[Judgement] = dataclasses.field(default_factory=list)
    sweeps: dict[str, Sequence[Sweep]] = dataclasses.field(default_factory=dict)


def _measure_what_stays(
    instruments: Instruments,
    samples: Samples,
    asked: Requests,
    made: Edits,
    measured: _Measured,
    batches: progress.Batches,
) -> None:
    """Identity, head pose and the distance of all edits from all photographs."""
    if instruments.identity is not None:
        rows, figures = preservation.identity(
            instruments.identity, samples, asked, made.images, batches
        )
        measured.rows |= rows
        measured.figures |= figures
    if instruments.meshes is not None:
        rows, figures = preservation.head_pose(
            instruments.meshes, samples, asked, made.images, batches
        )
        measured.rows |= rows
        measured.figures |= figures
    if instruments.features is not None:
        of_edits, of_photographs = (
            parts.concatenated(instruments.features, images, "pictures compared for KID", batches)
            for images in (made.images, samples.images)
        )
        distance = kid.kid(of_edits, of_photographs)
        measured.figures |= dict(zip(("kid", "kid_deviation"), distance, strict=True))


def _critic_rows(
    model: Editor,
    samples: Samples,
    asked: Requests,
    made: Edits,
    batch_size: int,
    batches: progress.Batches,
) -> dict[str, np.ndarray]:
    """What the model's own eye says: no figure about edits rests on it, but its error is told."""
    inputs = samples.images[asked.sources]
    seen = np.concatenate(
        [
            np.asarray(model.estimate(inputs[rows].astype(np.float32) / 255))
            for rows in batches(len(inputs), batch_size, "inputs estimated")
        ]
    )
    return {
        "critic_mae": SCALE * np.abs(made.estimates - asked.targets).mean(1),
        "critic_copy_mae": SCALE * np.abs(seen - asked.targets).mean(1),
    }


def _report(
    model: Editor,
    samples: Samples,
    asked: Requests,
    measured: _Measured,
    notes: Sequence[str],
    judges: Sequence[Judge],
) -> Report:
    rows = measured.rows
    people = [samples.people[row] for row in asked.sources]
    figures = {name: statistic(name)(values) for name, values in rows.items()}
    facts = {
        "model": model.name,
        "dataset": samples.digest,
        "crop": {"size": samples.crop.size, "margin": samples.crop.margin},
        "action_units": list(samples.names),
        "faces": len(samples),
        "people": len(set(samples.people)),
        "edits": len(asked),
        "judges": [{"name": judge.name, "provenance": judge.provenance} for judge in judges],
        "made_with": made_with(),
    }
    return Report(
        facts=facts,
        metrics=figures | measured.figures,
        intervals={
            name: bootstrap(values, people, statistic(name)) for name, values in rows.items()
        },
        rows={
            "key": [samples.keys[row] for row in asked.sources],
            "person": people,
            "target": list(asked.targets_from),
            **rows,
        },
        action_units=tables.by_action_unit(
            samples, asked, rows, measured.judgements, measured.sweeps
        ),
        intensities=tables.by_intensity(samples, asked, rows),
        notes=[*notes, *remarks(samples, asked, rows, measured.judgements)],
    )
