"""Invented AU labels whose columns go together as those of real faces do."""

from collections.abc import Sequence

import numpy as np

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.data.records import FaceRecord
from ganimation_tf.data.statistics.batches import Batches
from ganimation_tf.data.statistics.split import Face, SplitStatistics

_MUSCLES = {
    "brow": ("AU01", "AU02"),
    "smile": ("AU06", "AU07", "AU10", "AU12", "AU14", "AU25"),
    "jaw": ("AU25", "AU26"),
    "frown": ("AU04", "AU09", "AU15", "AU17", "AU23"),
}
"""What moves which AUs."""


def natural_labels(count: int, seed: int = 0) -> np.ndarray:
    """float32 (count, 17) in [0, 1]: mostly small, eyes mostly open, pairs that belong together."""
    rng = np.random.default_rng(seed)
    labels = rng.exponential(0.08, (count, len(OPENFACE)))
    for units in _MUSCLES.values():
        strength = np.clip(rng.normal(0.1, 0.25, (count, 1)), 0, 0.8)
        columns = [OPENFACE.index(unit) for unit in units]
        labels[:, columns] += strength * rng.uniform(0.7, 1.1, (count, len(columns)))
    return np.clip(labels, 0, 1).astype(np.float32)


def record(key: str, action_units: np.ndarray, **values) -> FaceRecord:
    """A record without a picture; `values` replaces fields."""
    fields = {
        "image": b"",
        "format": "jpeg",
        "size": 101,
        "key": key,
        "action_units": np.asarray(action_units, np.float32),
        "confidence": 0.98,
        "subject": key,
        "transform": np.array([[2, 0, 0], [0, 2, 0]], np.float32),
    }
    return FaceRecord(**fields | values)


def gather(labels: Sequence[np.ndarray], **values) -> SplitStatistics:
    """The statistics of records with these AUs; `values` replaces fields of all."""
    labels = np.asarray(labels)
    statistics = SplitStatistics.empty(labels.shape[1])
    batches = Batches(statistics, 0.15)
    for number, units in enumerate(labels):
        key = f"face{number}"
        batches.add(record(key, units, **values), Face(key, "train.tfrecord", number, 1))
    batches.flush()
    return statistics
