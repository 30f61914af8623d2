"""Each step of the job by itself, in a small pipeline."""

import apache_beam as beam
import pytest
from apache_beam import typehints
from apache_beam.testing import test_pipeline
from apache_beam.testing.util import assert_that, equal_to

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.annotations.openface import OpenFaceReader
from ganimation_tf.annotations.plain import FORM, PlainTable
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.data import manifest
from ganimation_tf.data.statistics.dataset import DatasetStatistics
from ganimation_tf.faces import alignment
from openface_files import write_faces
from pipeline import listing, local, sharding
from pipeline.engines.local import Local
from pipeline.entries import TO_INDEX, Entries, Entry
from pipeline.job import Job
from pipeline.listing import Assign, Batch, ListEntries, write_inputs
from pipeline.local.workers import LocalWorkers
from pipeline.rejected import merge_runs, write_run
from pipeline.runners import make_pipeline, pipeline_options
from pipeline.statistics import MergeStatistics
from pipeline.transforms import Finish, WriteShards

TRAIN = "train-00000-of-00001.tfrecord"


def job(root, reader=None, shards=None) -> Job:
    plan = sharding.Sharding(0.0, None, shards or {"train": 1})
    reader = reader or OpenFaceReader()
    return Job(str(root), reader, plan, alignment.CropSpec(16), "largest", 0.8, 95)


def small_pipeline() -> beam.Pipeline:
    return test_pipeline.TestPipeline(runner="FnApiRunner")


def flat(batches) -> list[tuple]:
    """(shard, kind, key) of every entry."""
    return [(name, entry.kind, entry.key) for name, batch in batches for entry in batch]


def holds(expected):
    def check(batches):
        assert sorted(flat(batches)) == sorted(expected)

    return check


def photo(key: str) -> Entry:
    return Entry(key, "image", f"{key}.jpg", f"/photos/{key}.jpg")


def table(root, *rows: str) -> Entry:
    path = root / "t.csv"
    path.write_text("key,AU12,subject\n" + "".join(f"{row}\n" for row in rows))
    return Entry("t", TO_INDEX, "t.csv", str(path))


@pytest.mark.parametrize("batch", [1, 1000])
def test_list_entries(tmp_path, monkeypatch, batch):
    monkeypatch.setattr(listing, "_BATCH", batch)
    handed_out = str(tmp_path / "inputs.gz")
    annotation = Entry("a", TO_INDEX, "a.csv", "/csv/a.csv")
    marks = Entry("b", TO_INDEX, "b_of_details.txt", "/csv/b_of_details.txt")
    write_inputs(handed_out, [photo("a"), photo("b"), annotation, marks], False)
    expected = [(TRAIN, "image", "a"), (TRAIN, "image", "b")]
    expected += [(TRAIN, "annotation", "a"), (TRAIN, "looked_at", "b")]
    with small_pipeline() as pipeline:
        entries, listed = pipeline | beam.Create([handed_out]) | ListEntries(job(tmp_path))
        assert str(entries.element_type) == str(typehints.Tuple[str, Entries])
        assert_that(entries, holds(expected), "entries")
        assert_that(listed | beam.CombineGlobally(sum), equal_to([4]), "listed")


def test_each_shard_has_an_element(tmp_path):
    handed_out = str(tmp_path / "inputs.gz")
    write_inputs(handed_out, [photo("a")], False)
    wide = job(tmp_path, shards={"train": 7})
    with small_pipeline() as pipeline:
        entries, _ = pipeline | beam.Create([handed_out]) | ListEntries(wide)
        assert_that(entries | beam.Keys() | beam.Distinct(), equal_to(wide.sharding.names()))


def test_assign_moves_an_image_to_the_shard_of_its_subject(tmp_path):
    reader = PlainTable(FORM, ("AU12",), 1.0)
    both = sharding.Sharding(0.5, None, {"train": 2, "eval": 2})
    table_job = Job(str(tmp_path), reader, both, alignment.CropSpec(16), "largest", 0.8, 95)
    handed_out = str(tmp_path / "inputs.gz")
    names = [f"{number:02}" for number in range(12)]
    rows = [f"{name},1,person{int(name) % 3}" for name in names]
    write_inputs(handed_out, [*map(photo, names), table(tmp_path, *rows)], True)
    expected = []
    for name in names:
        shard = both.shard(name, f"person{int(name) % 3}")
        expected += [(shard, "image", name), (shard, "annotation", name)]
    with small_pipeline() as pipeline:
        entries, _ = pipeline | beam.Create([handed_out]) | ListEntries(table_job)
        assert_that(entries, holds(expected))


def test_the_first_row_with_a_subject_counts_in_any_order(tmp_path):
    reader = PlainTable(FORM, ("AU12",), 1.0)
    many = Job(
        str(tmp_path),
        reader,
        sharding.Sharding(0.5, None, {"train": 1, "eval": 1}),
        alignment.CropSpec(16),
        "largest",
        0.8,
        95,
    )
    parts = [
        Entry("a", "annotation", "t.csv", [], number, subject)
        for number, subject in ((9, "late"), (2, None), (5, "early"))
    ]
    first = many.sharding.shard("a")
    expected = [(many.sharding.shard("a", "early"), "annotation", "a")] * 3
    with small_pipeline() as pipeline:
        given = beam.Create([(first, Entries([part])) for part in parts])
        moved = pipeline | given.with_output_types(Batch) | Assign(many)
        assert_that(moved, holds(expected))


def test_write_shards_and_finish(tmp_path):
    write_faces(tmp_path, ["a", "b"])
    output = tmp_path / "out"
    output.mkdir()
    entries = [
        Entry(key, kind, f"{key}.{end}", str(tmp_path / place / f"{key}.{end}"))
        for kind, place, end in (("image", "photos", "jpg"), ("annotation", "csv", "csv"))
        for key in "ab"
    ]
    entries.append(photo("c"))
    with small_pipeline() as pipeline:
        given = beam.Create([(TRAIN, Entries(entries))]).with_output_types(Batch)
        shards, rejected, statistics = pipeline | given | WriteShards(job(output), Local())
        counts = shards | beam.Map(lambda facts: (facts.shard.records, facts.inputs))
        assert_that(counts, equal_to([(2, 3)]), "facts")
        assert_that(rejected | beam.Map(lambda run: run.lines), equal_to([1]), "rejected")
        listed = pipeline | "Listed" >> beam.Create([len(entries)])
        options = {"reader": "openface", "images": "photos", "annotations": "csv"}
        records = shards | Finish(job(output), options, rejected, listed, statistics)
        assert_that(records, equal_to([2]), "records")
    made = manifest.Manifest.load(output)
    assert (made.inputs, made.rejections) == (3, {"no_annotation": 1})


def test_merge_statistics(tmp_path):
    parts = []
    for number in range(5):
        part = DatasetStatistics(len(OPENFACE))
        part.split("train").records = number
        part.add_rejection("no_face", f"k{number}", "f", "m")
        parts.append(part)

    def check(elements):
        (whole,) = elements
        assert whole.split("train").records == 10 and whole.rejections == {"no_face": 5}

    with small_pipeline() as pipeline:
        merged = (
            pipeline | beam.Create(parts) | beam.CombineGlobally(MergeStatistics(len(OPENFACE)))
        )
        assert_that(merged, check)


@pytest.mark.parametrize("count", [0, 1, 64, 65, 200])
def test_rejections_are_merged_in_order(tmp_path, count):
    runs, every = [], []
    for number in range(count):
        keys = [f"{(number * 7919 + step * 104729) % 1000:03}" for step in range(3)]
        rejections = [Rejection(key, "no_face", f"é {number}", "f") for key in keys]
        runs.append(write_run(str(tmp_path), f"shard{number}", rejections))
        every += [rejection.to_json() for rejection in rejections]
    target = tmp_path / "rejected.jsonl"
    merge_runs([run.path for run in runs], str(target))
    assert target.read_text(encoding="utf-8").splitlines() == sorted(every)


def test_another_beam_is_asked_for_workers_in_its_own_way(monkeypatch):
    from apache_beam.options.pipeline_options import DirectOptions

    monkeypatch.setattr(local, "usable", lambda: False)
    options = pipeline_options([], 2)
    with LocalWorkers(2) as workers:
        assert workers._process is None
        made = make_pipeline(options, workers)
    direct = made._options.view_as(DirectOptions)
    assert (direct.direct_running_mode, direct.direct_num_workers) == ("multi_processing", 2)
