"""What a judge reads while one AU goes from nothing to all, and the others stay."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ganimation_tf import progress
from ganimation_tf.evaluation.agreement import drift, monotonicity, rise
from ganimation_tf.evaluation.edits import Editor, edited
from ganimation_tf.evaluation.intervals import mean
from ganimation_tf.evaluation.judged import Reader
from ganimation_tf.evaluation.samples import Samples

LEVELS = (0.0, 1 / 3, 2 / 3, 1.0)


@dataclasses.dataclass(frozen=True, eq=False)
class Sweep:
    """The sweep of one AU over some faces.

    Attributes:
        name: the AU.
        readings: float64 (faces, levels) of that AU on the judge's own scale; NaN where no face
            was found.
        monotonicity: mean over the faces, in [-1, 1].
        raised: the share of the faces that read higher at the end than at the beginning.
        drift: mean change of the other AUs from beginning to end, on the dataset's 0 to 5.
        no_face: edits in which no face was found.
    """

    name: str
    readings: np.ndarray
    monotonicity: float
    raised: float
    drift: float
    no_face: int


def one_of_each(samples: Samples, faces: int) -> Samples:
    """The most neutral face of each of at most `faces` people."""
    best: dict[str, int] = {}
    total = samples.action_units.sum(1)
    for row, person in enumerate(samples.people):
        if person not in best or total[row] < total[best[person]]:
            best[person] = row
    return samples.take([best[person] for person in sorted(best)[:faces]])


def sweeps(
    model: Editor,
    reader: Reader,
    samples: Samples,
    batch_size: int = 16,
    batches: progress.Batches = progress.batches,
) -> list[Sweep]:
    """Each AU that the judge reads, asked of each face at four levels.

    Args:
        batches: how the AUs are gone through.
    """
    return [
        _sweep(model, reader, samples, name, batch_size)
        for rows in batches(len(reader.names), 1, f"AUs swept for {reader.judge.name}")
        for name in reader.names[rows]
    ]


def _sweep(model, reader: Reader, samples: Samples, name: str, batch_size: int) -> Sweep:
    unit, place = samples.names.index(name), reader.names.index(name)
    by_level = []
    for level in LEVELS:
        wanted = samples.action_units.copy()
        wanted[:, unit] = level
        known = samples.action_units
        by_level.append(edited(model, samples.images, known, wanted, batch_size))
    read = np.stack([reader.raw(images) for images in by_level], axis=1)
    first, last = (reader.scaled(read[:, level], samples.people) for level in (0, -1))
    others = drift(first, last, place)
    rising = rise(read[:, :, place])
    return Sweep(
        name=name,
        readings=read[:, :, place],
        monotonicity=mean(monotonicity(read[:, :, place])),
        raised=mean(np.where(np.isnan(rising), np.nan, rising > 0)),
        drift=mean(others),
        no_face=int(np.isnan(read[:, :, place]).sum()),
    )


def figures_of(judge: str, swept: Sequence[Sweep]) -> dict[str, float]:
    """Means over the AUs, by the names that reports have for them."""
    return {
        f"{judge}_{name}": mean(np.array([getattr(sweep, name) for sweep in swept]))
        for name in ("monotonicity", "raised", "drift")
    }
