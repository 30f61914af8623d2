"""What a judge of AUs says of edits, beside what it says of faces that nobody edited."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ganimation_tf import progress
from ganimation_tf.evaluation import parts
from ganimation_tf.evaluation.agreement import SCALE, Agreement, agreement
from ganimation_tf.evaluation.intervals import mean
from ganimation_tf.evaluation.judges import Judge
from ganimation_tf.evaluation.samples import Requests, Samples


@dataclasses.dataclass(frozen=True, eq=False)
class Judgement:
    """Readings of m edits in n AUs, those that both judge and dataset know.

    Attributes:
        judge: its name.
        names: the AUs.
        edits: agreement of the edits with the AUs that were asked for.
        copies: that of the inputs with the AUs that were asked for: what returning them earns.
        own: that of the inputs with their own AUs: the judge's own error on these faces.
        rows: mean absolute and squared error of each edit over the AUs, on 0 to 5; NaN where the
            judge cannot read the input.
        copy_rows: the mean absolute error of each input, likewise.
        no_face: edits in which it finds no face, of faces in which it does.
        unreadable: inputs in which it finds no face; they are left out.
    """

    judge: str
    names: tuple[str, ...]
    edits: Agreement
    copies: Agreement
    own: Agreement
    rows: np.ndarray
    squared_rows: np.ndarray
    copy_rows: np.ndarray
    no_face: int
    unreadable: int


class Reader:
    """A judge as the dataset needs it: its AUs in the dataset's order, on the dataset's scale.

    A judge with a scale of its own is fitted to the AUs of faces that nobody edited, a line for
    each AU; a face is read by the line of the other half of the people.

    Args:
        samples: the faces, with AUs that are known.
        batches: how their pictures are gone through.
    """

    def __init__(
        self, judge: Judge, samples: Samples, batches: progress.Batches = progress.batches
    ):
        self.judge = judge
        self.names = tuple(name for name in samples.names if name in judge.action_units)
        self.columns = [samples.names.index(name) for name in self.names]
        self._samples = samples
        people = np.unique(np.asarray(samples.people, str))
        self._half = {person: place % 2 for place, person in enumerate(people)}
        self.known = samples.action_units[:, self.columns].astype(np.float64)
        raw = self.raw(samples.images, batches)
        self._lines = self._fit(raw)
        self.inputs = self.scaled(raw, samples.people)

    def read(
        self,
        images: np.ndarray,
        people: Sequence[str],
        batches: progress.Batches = progress.batches,
    ) -> np.ndarray:
        """uint8 (n, size, size, 3) to float64 (n, AUs) in [0, 1]; NaN where there is no face."""
        return self.scaled(self.raw(images, batches), people)

    def raw(self, images: np.ndarray, batches: progress.Batches = progress.batches) -> np.ndarray:
        """The judge's own words, as `read` without the lines."""
        readings = parts.concatenated(
            lambda some: self.judge.read(some, self._samples.crop),
            images,
            f"pictures read by {self.judge.name}",
            batches,
        )
        order = [tuple(self.judge.action_units).index(name) for name in self.names]
        return readings.astype(np.float64)[:, order]

    def _fit(self, raw: np.ndarray) -> np.ndarray:
        """Slope and intercept for each half of the people and each AU, (2, 2, AUs)."""
        lines = np.zeros((2, 2, len(self.names)))
        lines[:, 0] = 1
        if self.judge.on_scale:
            return lines
        half = np.array([self._half[str(person)] for person in self._samples.people])
        for own in (0, 1):
            others = (half != own) & np.isfinite(raw).all(1)
            if others.sum() < 2:  # a single person: there is no other half
                others = np.isfinite(raw).all(1)
            lines[own] = _least_squares(raw[others], self.known[others])
        return lines

    def scaled(self, raw: np.ndarray, people: Sequence[str]) -> np.ndarray:
        """The judge's words on the dataset's scale.

        Args:
            raw: (n, AUs), as `raw` returns them.
            people: whom each row shows, (n,).
        """
        lines = self._lines[[self._half[str(person)] for person in people]]
        scaled = raw * lines[:, 0] + lines[:, 1]
        return scaled if self.judge.on_scale else np.clip(scaled, 0, 1)


def _least_squares(raw: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope, not below 0, and intercept of `known` on `raw`, column by column."""
    if not len(raw):
        return np.ones(raw.shape[1]), np.zeros(raw.shape[1])
    centred = raw - raw.mean(0)
    spread = (centred**2).sum(0)
    slope = (centred * (known - known.mean(0))).sum(0) / np.where(spread > 1e-12, spread, np.inf)
    slope = np.clip(slope, 0, None)  # a judge may be of no use for an AU, but never upside down
    return slope, known.mean(0) - slope * raw.mean(0)


def judge_edits(
    reader: Reader,
    samples: Samples,
    requests: Requests,
    images: np.ndarray,
    batches: progress.Batches = progress.batches,
) -> Judgement:
    """Reads the edits and compares.

    An edit without a face, of a face that can be read, counts as wrong by as much as can be.

    Args:
        images: uint8 (m, size, size, 3), the edits.
        batches: how they are gone through.
    """
    people = [samples.people[row] for row in requests.sources]
    wanted = requests.targets[:, reader.columns].astype(np.float64)
    before = reader.inputs[requests.sources]
    readings = reader.read(images, people, batches)
    unreadable = ~np.isfinite(before).all(1)
    lost = ~np.isfinite(readings).all(1) & ~unreadable
    readings[lost] = np.where(wanted[lost] > 0.5, 0.0, 1.0)
    readings[unreadable] = np.nan
    return Judgement(
        judge=reader.judge.name,
        names=reader.names,
        edits=agreement(readings, wanted),
        copies=agreement(before, wanted),
        own=agreement(reader.inputs, reader.known),
        rows=SCALE * np.abs(readings - wanted).mean(1),
        squared_rows=SCALE**2 * ((readings - wanted) ** 2).mean(1),
        copy_rows=SCALE * np.abs(before - wanted).mean(1),
        no_face=int(lost.sum()),
        unreadable=int(unreadable.sum()),
    )


def rows_of(judgement: Judgement) -> dict[str, np.ndarray]:
    """The measures that a judge gives each edit, by the names that reports have for them."""
    return {
        f"{judgement.judge}_mae": judgement.rows,
        f"{judgement.judge}_mse": judgement.squared_rows,
        f"{judgement.judge}_copy_mae": judgement.copy_rows,
    }


def figures_of(judgement: Judgement) -> dict[str, float]:
    """Means over the AUs, beside the judge's own on faces that nobody edited."""
    name = judgement.judge
    return {
        f"{name}_rmse": mean(judgement.edits.rmse),
        f"{name}_pearson": mean(judgement.edits.pearson),
        f"{name}_icc": mean(judgement.edits.icc),
        f"{name}_copy_pearson": mean(judgement.copies.pearson),
        f"{name}_copy_icc": mean(judgement.copies.icc),
        f"{name}_own_mae": mean(judgement.own.mae),
        f"{name}_own_pearson": mean(judgement.own.pearson),
        f"{name}_no_face": float(judgement.no_face),
        f"{name}_unreadable": float(judgement.unreadable),
    }
