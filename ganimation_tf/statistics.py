"""What a dataset holds, in numbers: gathered record by record, merged in any order.

Workers each fill a `SplitStatistics` and the job merges them. The result is the same to the last
bit whatever the order and the grouping, because nothing is rounded after the first step: an
intensity becomes a whole number of 1/100,000 (so OpenFace's two decimals of 5 are exact), and all
sums are 64-bit integers, good for 900 million faces. The size is constant: pictures are kept as
places in the TFRecord files, and only of the `SAMPLE` and `STRONGEST` best.
"""

import bisect
import dataclasses
import hashlib
from typing import NamedTuple, Self

import numpy as np

from ganimation_tf import faces
from ganimation_tf.records import FaceRecord

UNIT = 100_000
"""Steps between intensity 0 and 1."""

BINS = 20
"""Bins of the histograms of intensities and confidences; the last includes 1."""

ACTIVE = 0.2
"""An AU is active from this intensity on: 1 of FACS's 5, level A, "a trace"."""

SIDE_EDGES = (0, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048)
"""Edges in pixels of the histogram of face sizes; the last bin has no upper end."""

ANGLE_EDGES = tuple(range(-90, 91, 10))
"""Edges in degrees of the histograms of angles; the first and last bin take what is beyond."""

SAMPLE = 24
"""Faces of a split's random sample."""

STRONGEST = 6
"""Faces kept of each AU: those of its highest intensities."""

MAX_SUBJECTS = 4096
"""Subjects are counted one by one up to here, and estimated beyond (to some 2 %)."""

EXAMPLES = 5
"""Rejections kept of each reason."""


class Face(NamedTuple):
    """Where a record is: `length` bytes of serialized record at `offset` of a TFRecord file."""

    key: str
    file: str
    offset: int
    length: int


class Ranked(NamedTuple):
    """An item of a `Best`: the lowest `rank` wins, then the lowest `tie`."""

    rank: int
    tie: int
    item: tuple


def key_hash(text: str) -> int:
    """64 bits of the text's SHA-256; other bits than the assignment to files takes."""
    encoded = text.encode(errors="backslashreplace")  # file names need not be valid UTF-8
    return int.from_bytes(hashlib.sha256(encoded).digest()[16:24], "big")


@dataclasses.dataclass
class Best:
    """The `limit` lowest of all offered items, in order."""

    limit: int
    items: list[Ranked] = dataclasses.field(default_factory=list)

    def offer(self, found: Ranked) -> None:
        """Takes the item if it is among the lowest."""
        if len(self.items) < self.limit or found < self.items[-1]:
            bisect.insort(self.items, found)
            del self.items[self.limit :]

    def merge(self, other: Self) -> None:
        """Takes what `other` has taken."""
        for found in other.items:
            self.offer(found)


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
            subjects=[],
            sample=Best(SAMPLE),
            strongest=[Best(STRONGEST) for _ in range(units)],
        )

    def add(self, record: FaceRecord, face: Face) -> None:
        """Takes in one record, which lies at `face`.

        Raises:
            ValueError: if the record has another number of AUs.
        """
        if record.action_units.shape != self.total.shape:
            raise ValueError(
                f"record {record.key!r} must have {len(self.total)} AUs, "
                f"got {record.action_units.shape}"
            )
        steps = _steps(record.action_units)
        active = (steps >= round(ACTIVE * UNIT)).astype(np.int64)
        self.records += 1
        self.total += steps
        self.products += np.outer(steps, steps)
        self.lowest = np.minimum(self.lowest, steps)
        self.highest = np.maximum(self.highest, steps)
        self.histogram[np.arange(len(steps)), _bins(steps)] += 1
        self.together += np.outer(active, active)
        self.confidence[_bins(_steps(np.array(record.confidence)))] += 1
        side = faces.scale_of(record.transform) * (record.size - 1)
        self.side[bisect.bisect_right(SIDE_EDGES, side) - 1] += 1
        self.enlarged += side < record.size - 1
        _count_angle(self.roll, faces.roll_of(record.transform))
        self._add_subject(key_hash(record.subject))
        tie = key_hash(record.key)
        self.sample.offer(Ranked(tie, 0, face))
        for unit in np.flatnonzero(steps):
            intensity = int(steps[unit])
            self.strongest[unit].offer(Ranked(-intensity, tie, (face, intensity)))

    def add_pose(self, pitch: float, yaw: float) -> None:
        """Counts a face whose head pose is known, in degrees."""
        _count_angle(self.pitch, pitch)
        _count_angle(self.yaw, yaw)

    def merge(self, other: Self) -> None:
        """Takes in what `other` has gathered; `other` stays as it is."""
        self.lowest = np.minimum(self.lowest, other.lowest)
        self.highest = np.maximum(self.highest, other.highest)
        for found in other.subjects:
            self._add_subject(found)
        self.sample.merge(other.sample)
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

    def _add_subject(self, found: int) -> None:
        place = bisect.bisect_left(self.subjects, found)
        if place == len(self.subjects) or self.subjects[place] != found:
            self.subjects.insert(place, found)
            del self.subjects[MAX_SUBJECTS:]


_SUMS = (
    *("records", "total", "products", "histogram", "together", "clipped", "confidence"),
    *("side", "enlarged", "roll", "pitch", "yaw"),
)


def _steps(intensities: np.ndarray) -> np.ndarray:
    """int64 of the same shape: [0, 1] in steps of 1/UNIT."""
    return np.rint(np.asarray(intensities, np.float64) * UNIT).astype(np.int64)


def _bins(steps: np.ndarray) -> np.ndarray:
    return np.clip(steps * BINS // UNIT, 0, BINS - 1)


def _count_angle(histogram: np.ndarray, degrees: float) -> None:
    position = bisect.bisect_right(ANGLE_EDGES, degrees) - 1
    histogram[min(max(position, 0), len(histogram) - 1)] += 1
