"""Statistics inside the job: filled while a shard is written, merged by a CombineFn.

One element for each shard crosses the runner, of a size that depends on neither its faces nor
their number.
"""

from collections.abc import Iterable, Mapping, Sequence

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from ganimation_tf.annotations.advice import annotate
from ganimation_tf.annotations.names import nearest_miss, unpaired_name
from ganimation_tf.annotations.rejections import REASONS, Rejection
from ganimation_tf.data import manifest, tfrecord
from ganimation_tf.data.records import FaceRecord
from ganimation_tf.data.report.page import render
from ganimation_tf.data.report.pictures import pictures
from ganimation_tf.data.statistics.batches import Batches
from ganimation_tf.data.statistics.dataset import DatasetStatistics, to_dict, to_json
from ganimation_tf.data.statistics.findings import Finding, findings
from ganimation_tf.data.statistics.split import Face
from pipeline import files


class ShardStatistics:
    """Gathers the statistics of one shard."""

    def __init__(self, shard: str, action_units: Sequence[str], margin: float):
        """For the TFRecord file called `shard`, of crops with this margin, from its beginning."""
        self._gathered = DatasetStatistics(len(action_units))
        self._action_units = list(action_units)
        self._shard = shard
        self._split = self._gathered.split(shard.partition("-")[0])
        self._batches = Batches(self._split, margin)
        self._written = 0

    def add(self, record: FaceRecord, length: int) -> None:
        """Takes in the record that was written last, in `length` bytes."""
        place = self._written + tfrecord.HEADER_BYTES
        self._batches.add(record, Face(record.key, self._shard, place, length))
        self._written = place + length + tfrecord.FOOTER_BYTES

    def add_rejection(self, rejection: Rejection) -> None:
        """Counts a rejected input."""
        self._gathered.add_rejection(
            rejection.code, rejection.key, rejection.file, rejection.message
        )

    def finish(
        self, clipped: Mapping[str, int], poses: Iterable[Sequence[float]]
    ) -> DatasetStatistics:
        """What was gathered, with what records do not hold.

        Args:
            clipped: values outside the source's scale, by AU.
            poses: float (3,) each: pitch, yaw and roll in degrees.
        """
        for name, count in clipped.items():
            self._split.clipped[self._action_units.index(name)] += count
        for pitch, yaw, _ in poses:
            self._split.add_pose(float(pitch), float(yaw))
        self._batches.flush()
        return self._gathered


class MergeStatistics(beam.CombineFn):
    """`DatasetStatistics` of parts -> of the whole; any order gives the same."""

    def __init__(self, units: int):
        """For datasets of `units` AUs."""
        self._units = units

    def create_accumulator(self) -> DatasetStatistics:
        return DatasetStatistics(self._units)

    def add_input(
        self, accumulator: DatasetStatistics, element: DatasetStatistics
    ) -> DatasetStatistics:
        accumulator.merge(element)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[DatasetStatistics]) -> DatasetStatistics:
        whole = self.create_accumulator()
        for accumulator in accumulators:
            whole.merge(accumulator)
        return whole

    def extract_output(self, accumulator: DatasetStatistics) -> DatasetStatistics:
        return accumulator


def _missing(dataset: manifest.Manifest, gathered: DatasetStatistics) -> list[Finding]:
    """What to do about images without annotation."""
    count = gathered.rejections.get("no_annotation", 0)
    if not count:
        return []

    def examples(code: str) -> list[str]:
        kept = [ranked.item for ranked in gathered.examples[code].items]
        return [unpaired_name(code, key, file) for key, file, _ in kept]

    missing = examples("no_annotation")
    unused = examples("no_image") if "no_image" in gathered.rejections else []
    miss = nearest_miss(missing, unused)
    advice = miss or annotate(count, missing, dataset.options)
    return [Finding("no_annotation", advice)]


def write_statistics(
    output: str,
    dataset: manifest.Manifest,
    gathered: DatasetStatistics,
    notes: Iterable[tuple[str, str]] = (),
) -> None:
    """Writes `statistics.json` and `report.html` beside the finished TFRecord files.

    Args:
        output: directory of the dataset.
        dataset: its description.
        gathered: what was counted.
        notes: (code, message) of what was to be said before the job.
    """
    warnings = [Finding(code, message) for code, message in notes]
    warnings += findings(gathered.splits, sum(gathered.rejections.values()), dataset.action_units)
    warnings += _missing(dataset, gathered)
    facts = to_dict(gathered, dataset.action_units, warnings)
    files.write_text(FileSystems.join(output, manifest.STATISTICS), to_json(facts))

    def open_shard(name: str):
        path = FileSystems.join(output, name)
        return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)

    report = render(facts, dataset, REASONS, pictures(facts, open_shard))
    files.write_text(FileSystems.join(output, manifest.REPORT), report)
