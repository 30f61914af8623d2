"""Records on their way into the statistics of a split, many at a time."""

from ganimation_tf.data.records import FaceRecord
from ganimation_tf.data.statistics.split import Face, SplitStatistics

_BATCH = 128


class Batches:
    """Hands records on many at a time: numpy's price is per call, not per number."""

    def __init__(self, statistics: SplitStatistics, margin: float):
        """For records whose crops have this margin."""
        self._statistics = statistics
        self._margin = margin
        self._waiting: list[tuple[FaceRecord, Face]] = []

    def add(self, record: FaceRecord, face: Face) -> None:
        """Takes one record; it is not counted before `flush`."""
        self._waiting.append((record, face))
        if len(self._waiting) == _BATCH:
            self.flush()

    def flush(self) -> None:
        """Hands on what waits."""
        self._statistics.add(self._waiting, self._margin)
        self._waiting = []
