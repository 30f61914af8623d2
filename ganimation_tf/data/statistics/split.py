"""What a dataset holds, in numbers: gathered record by record, merged in any order.

Workers each fill a `SplitStatistics` and the job merges them. The result is the same to the last
bit whatever the order and the grouping, because nothing is rounded after the first step: an
intensity becomes a whole number of 1/100,000 (so OpenFace's two decimals of 5 are exact), and all
sums are 64-bit integers, good for 900 million faces. The size is constant: pictures are kept as
places in the TFRecord files, and only of the `SAMPLE` and `STRONGEST` best.
"""

import bisect
import dataclasses
from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from ganimation_tf.data.records import FaceRecord
from ganimation_tf.data.statistics import binning
from ganimation_tf.data.statistics.binning import ANGLE_EDGES, BINS, SIDE_EDGES, UNIT
from ganimation_tf.data.statistics.ranking import Best, Ranked, key_hash
from ganimation_tf.faces import alignment
from ganimation_tf.faces.contrast import LEAST, eye_contrast

ACTIVE = 0.2
"""An AU is active from this intensity on: 1 of FACS's 5, level A, "a trace"."""

SAMPLE = 24
"""Faces of a split's random sample."""

STRONGEST = 6
"""Faces kept of each AU: those of its highest intensities."""

MAX_SUBJECTS = 4096
"""Subjects are counted one by one up to here, and estimated beyond (to some 2 %)."""

DOUBTFUL = 6
"""Faces kept of those whose landmarks may lie on other pixels."""

UPSIDE_DOWN = 90.0
"""Degrees of roll beyond which a face lies on its head."""

WHOLE = 1 - 1e-3
"""Of a crop's side: one whose place in the photo is smaller by less is not enlarged. Anchors in
files have three decimals, and transforms are float32."""

EXAMPLES = 5
"""Rejections kept of each reason."""


class Face(NamedTuple):
    """Where a record is: `length` bytes of serialized record at `offset` of a TFRecord file."""

    key: str
    file: str
    offset: int
    length: int


@dataclasses.dataclass
class SplitStatistics:
    """The numbers of one split. N is the number of AUs, B the number of bins.

    Attributes:
        records: faces.
        total: int64 (N,), sum of the intensities in units of 1/UNIT.
        products: int64 (N, N), sums of the products of two intensities, in units of 1/UNIT^2.
        lowest, highest: int64 (N,) in units of 1/UNIT; UNIT and 0 while there is no record.
        histogram: int64 (N, BINS) of the intensities.
        together: int64 (N, N), faces on which both AUs are active; each AU's own on the diagonal.
        clipped: int64 (N,), values that lay outside the source's scale.
        confidence: int64 (BINS,).
        side: int64 (B,), of the crop's side in pixels of the photo, by `SIDE_EDGES`.
        enlarged: faces whose crop has more pixels than the photo had there.
        roll, pitch, yaw: int64 (B,) by `ANGLE_EDGES`; roll as the crop has it, the others only of
            faces whose pose is known.
        eyes: int64 (BINS,) of how much darker eyes are than cheeks, from -1 to 1.
        bright_eyes: faces whose eyes are brighter than the cheeks.
        upside_down: faces that lie on their heads.
        doubtful: the worst of both, as (Face, contrast, roll), roll in degrees.
        paired: faces of a pair, whose AUs were chosen and the face then made to show them.
        subjects: the lowest distinct hashes of subjects, at most MAX_SUBJECTS, in order.
        sample: a random sample of `Face`.
        strongest: for each AU its strongest, as (Face, intensity).
    """

    records: int
    total: np.ndarray
    products: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    histogram: np.ndarray
    together: np.ndarray
    clipped: np.ndarray
    confidence: np.ndarray
    side: np.ndarray
    enlarged: int
    roll: np.ndarray
    pitch: np.ndarray
    yaw: np.ndarray
    eyes: np.ndarray
    bright_eyes: int
    upside_down: int
    doubtful: Best
    paired: int
    subjects: list[int]
    sample: Best
    strongest: list[Best]

    @classmethod
    def empty(cls, units: int) -> Self:
        """The statistics of no record, for `units` AUs."""

        def zeros(*shape: int) -> np.ndarray:
            return np.zeros(shape, np.int64)

        angles = len(ANGLE_EDGES) - 1
        return cls(
            records=0,
            total=zeros(units),
            products=zeros(units, units),
            lowest=np.full(units, UNIT, np.int64),
            highest=zeros(units),
            histogram=zeros(units, BINS),
            together=zeros(units, units),
            clipped=zeros(units),
            confidence=zeros(BINS),
            side=zeros(len(SIDE_EDGES)),
            enlarged=0,
            roll=zeros(angles),
            pitch=zeros(angles),
            yaw=zeros(angles),
            eyes=zeros(BINS),
            bright_eyes=0,
            upside_down=0,
            doubtful=Best(DOUBTFUL),
            paired=0,
            subjects=[],
            sample=Best(SAMPLE),
            strongest=[Best(STRONGEST) for _ in range(units)],
        )

    def add(self, placed: Sequence[tuple[FaceRecord, Face]], margin: float) -> None:
        """Takes in records and where they lie; cheap if there are many in one call.

        Args:
            placed: records, with their places.
            margin: of the crops.

        Raises:
            ValueError: if a record has another number of AUs.
        """
        if not placed:
            return
        for record, _ in placed:
            if record.action_units.shape != self.total.shape:
                raise ValueError(
                    f"record {record.key!r} must have {len(self.total)} AUs, "
                    f"got {record.action_units.shape}"
                )
        steps = binning.steps([record.action_units for record, _ in placed])
        active = (steps >= round(ACTIVE * UNIT)).astype(np.int64)
        self.records += len(placed)
        self.total += steps.sum(axis=0)
        self.products += steps.T @ steps
        self.lowest = np.minimum(self.lowest, steps.min(axis=0))
        self.highest = np.maximum(self.highest, steps.max(axis=0))
        np.add.at(self.histogram, (np.arange(steps.shape[1]), binning.bins(steps)), 1)
        self.together += active.T @ active
        confidences = binning.steps([record.confidence for record, _ in placed])
        np.add.at(self.confidence, binning.bins(confidences), 1)
        for record, face in placed:
            self.paired += record.pair is not None
            side = alignment.scale_of(record.transform) * (record.size - 1)
            self.side[bisect.bisect_right(SIDE_EDGES, side) - 1] += 1
            self.enlarged += side < WHOLE * (record.size - 1)
            roll = alignment.roll_of(record.transform)
            binning.count_angle(self.roll, roll)
            self._add_subject(key_hash(record.subject))
            self._doubt(eye_contrast(record.image, record.size, margin), roll, face)
        self._choose(steps, [face for _, face in placed])

    def _doubt(self, contrast: float, roll: float, face: Face) -> None:
        """Counts how far the eyes are where they should be, and keeps the worst."""
        self.eyes[min(int((contrast + 1) / 2 * BINS), BINS - 1)] += 1
        bright, upside_down = contrast < LEAST, abs(roll) > UPSIDE_DOWN
        self.bright_eyes += bright
        self.upside_down += upside_down
        if bright or upside_down:
            steps = round(contrast * UNIT)
            doubt = (face, steps / UNIT, round(roll))
            self.doubtful.offer(Ranked(steps, key_hash(face.key), doubt))

    def _choose(self, steps: np.ndarray, faces: Sequence[Face]) -> None:
        """Offers faces for the sample and, by their AUs `steps` int64 (n, N), as the strongest."""
        ties = [key_hash(face.key) for face in faces]
        for tie, face in zip(ties, faces, strict=True):
            self.sample.offer(Ranked(tie, 0, face))
        first = max(0, len(faces) - STRONGEST)  # lower ones than these cannot win
        least = np.maximum(1, np.partition(steps, first, axis=0)[first])
        for row, unit in zip(*np.nonzero(steps >= least), strict=True):
            intensity = int(steps[row, unit])
            self.strongest[unit].offer(Ranked(-intensity, ties[row], (faces[row], intensity)))

    def add_pose(self, pitch: float, yaw: float) -> None:
        """Counts a face whose head pose is known, in degrees."""
        binning.count_angle(self.pitch, pitch)
        binning.count_angle(self.yaw, yaw)

    def merge(self, other: Self) -> None:
        """Takes in what `other` has gathered; `other` stays as it is."""
        self.lowest = np.minimum(self.lowest, other.lowest)
        self.highest = np.maximum(self.highest, other.highest)
        for subject in other.subjects:
            self._add_subject(subject)
        self.sample.merge(other.sample)
        self.doubtful.merge(other.doubtful)
        for mine, others in zip(self.strongest, other.strongest, strict=True):
            mine.merge(others)
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def subject_count(self) -> tuple[int, bool]:
        """Number of subjects, and whether it was counted (or else estimated).

        The MAX_SUBJECTS lowest of n hashes fill the share MAX_SUBJECTS / n of the hashes' range
        (Bar-Yossef et al. 2002).
        """
        if len(self.subjects) < MAX_SUBJECTS:
            return len(self.subjects), True
        return (MAX_SUBJECTS - 1) * 2**64 // self.subjects[-1], False

    def _add_subject(self, subject: int) -> None:
        place = bisect.bisect_left(self.subjects, subject)
        if place == len(self.subjects) or self.subjects[place] != subject:
            self.subjects.insert(place, subject)
            del self.subjects[MAX_SUBJECTS:]


_SUMS = (
    *("records", "total", "products", "histogram", "together", "clipped", "confidence"),
    *("side", "enlarged", "roll", "pitch", "yaw", "eyes", "bright_eyes", "upside_down"),
    "paired",
)
