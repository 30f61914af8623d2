"""The job's parts without Beam: sharding, one shard, the sums at the end, progress."""

import dataclasses
import io

import pytest

from ganimation_tf import inputs
from ganimation_tf.action_units import OPENFACE
from ganimation_tf.annotations.openface import OpenFaceReader
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.data import manifest
from ganimation_tf.data.statistics.dataset import DatasetStatistics
from ganimation_tf.faces import alignment
from openface_files import write_faces
from pipeline import sharding
from pipeline.entries import Entry
from pipeline.job import Job
from pipeline.progress import Watcher
from pipeline.rejected import Run, write_run
from pipeline.shards import ShardFacts, write_shard
from pipeline.transforms import finish

NAMES = ["eval-00000-of-00001.tfrecord", "train-00000-of-00001.tfrecord"]


@pytest.fixture
def job(tmp_path) -> Job:
    plan = sharding.Sharding(0.5, None, {"train": 1, "eval": 1})
    return Job(str(tmp_path), OpenFaceReader(), plan, alignment.CropSpec(16), "largest", 0.8, 95)


def test_plan_counts_shards_from_the_images():
    keys = [f"{i}" for i in range(1000)]
    plan, total = sharding.plan(keys, 0.1, None, 100, None)
    in_eval = sum(plan.split(key) == manifest.EVAL for key in keys)
    assert total == 1000 and 70 < in_eval < 130  # 100 +- 3 standard deviations
    assert plan.shards == {"train": -(-(1000 - in_eval) // 100), "eval": -(-in_eval // 100)}
    assert {plan.shard(key) for key in keys} == set(plan.names())


def test_plan_with_a_given_number_of_shards():
    assert sharding.plan(["a"], 0.2, None, 100, 8)[0].shards == {"train": 8, "eval": 2}
    assert sharding.plan(["a"], 0.1, None, 100, 1)[0].shards == {"train": 1, "eval": 1}
    assert sharding.plan(["a"], 0.0, None, 100, 2)[0].shards == {"train": 2}


def test_assignment_is_fixed_for_ever():
    """Golden values: another assignment would move faces from evaluation into training."""
    plan = sharding.Sharding(0.5, r"^(\w+)/", {"train": 10, "eval": 10})
    keys = ["anna/1", "anna/2", "bo/1", "loose"]
    assert [plan.subject(key) for key in keys] == ["anna", "anna", "bo", "loose"]
    # The first 8 bytes of SHA-256 of "anna", "bo", "loose" over 2**64: 0.333, 0.238, 0.710.
    assert [plan.split(key) for key in keys] == ["eval", "eval", "eval", "train"]


def test_a_repeated_shard_has_the_same_bytes(job, tmp_path):
    write_faces(tmp_path, ["b", "a"])
    entries = [
        Entry(key, kind, f"{key}.{suffix}", str(tmp_path / folder / f"{key}.{suffix}"))
        for kind, folder, suffix in (("image", "photos", "jpg"), ("annotation", "csv", "csv"))
        for key in "ba"
    ]
    name = NAMES[1]
    first, *_ = write_shard(name, entries, job)
    data = (tmp_path / name).read_bytes()
    second, *_ = write_shard(name, entries[::-1], job)
    assert (tmp_path / name).read_bytes() == data
    assert first == second and (first.entries, first.inputs, first.shard.records) == (4, 2, 2)


def facts(name: str, **changes: int) -> ShardFacts:
    whole = ShardFacts(manifest.Shard(name, 2, "aa"), entries=4, inputs=3, rejected=1)
    return dataclasses.replace(whole, **changes)


REJECTIONS = [Rejection("k", code, "m", "f") for code in ("no_image", "no_face")]


def runs(directory, rejections=REJECTIONS) -> list[Run]:
    """The rejections, each as the run of a shard."""
    named = zip(NAMES, rejections, strict=False)
    return [write_run(str(directory), name, [rejection]) for name, rejection in named]


def gathered() -> DatasetStatistics:
    """What goes with two shards of `facts` and with `REJECTIONS`."""
    statistics = DatasetStatistics(len(OPENFACE))
    for split in ("train", "eval"):
        statistics.split(split).records = 2
    for rejection in REJECTIONS:
        statistics.add_rejection(rejection.code, "k", "f", "m")
    return statistics


def test_finish_writes_the_manifest(job, tmp_path):
    actual = [facts(NAMES[1]), facts(NAMES[0])]
    assert finish(job, {"a": 1}, actual, runs(tmp_path), 8, gathered()) == 4
    made = manifest.Manifest.load(tmp_path)
    assert (made.inputs, made.records("train"), made.options) == (6, 2, {"a": 1})
    assert made.rejections == {"no_image": 1, "no_face": 1}
    lines = (tmp_path / manifest.REJECTED).read_text().splitlines()
    assert lines == sorted(rejection.to_json() for rejection in REJECTIONS)


@pytest.mark.parametrize(
    ("shards", "count", "listed", "message"),
    [
        ([facts(NAMES[0])], 2, 8, "shards must be"),
        ([facts(n) for n in NAMES], 2, 9, "lost files: 9 were listed, 8 were handled"),
        ([facts(n) for n in NAMES], 1, 8, "lost rejections: 1 arrived, 2 were made"),
        ([facts(n, inputs=4) for n in NAMES], 2, 8, "8 inputs, but 4 records + 2 rejections"),
    ],
)
def test_finish_refuses_what_a_runner_lost(job, tmp_path, shards, count, listed, message):
    with pytest.raises(RuntimeError, match=message.replace("+", r"\+")):
        finish(job, {}, shards, runs(tmp_path, REJECTIONS[:count]), listed, gathered())
    assert not (tmp_path / manifest.FILE).exists()


def test_failures_of_the_watched_job_are_raised(tmp_path):
    def work():
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        Watcher(str(tmp_path), 1, io.StringIO()).run(work)


def test_key_of_a_file():
    assert inputs.key_of("clips/a.b.jpg") == "clips/a.b"
    assert inputs.key_of("clips.v1/a") == "clips.v1/a"
