"""Inputs and dataset in a store that speaks S3, moto's server: the bytes of the local job.

Slow, for Beam makes a client of boto3 for each thing that it asks of the store.
"""

import json

import pytest

import dask_cluster
import object_store
import tiny_portraits
from ganimation_tf.data import manifest
from jobs import contents, preprocess
from openface_files import write_faces

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    # boto3's, and of sockets that Beam's clients leave open
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture
def store(monkeypatch):
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    with object_store.running() as found:
        yield found


@pytest.fixture(params=["local", "dask"])
def engine(request, tmp_path):
    """The options of an engine; Dask's with two workers."""
    if request.param == "local":
        yield ()
        return
    with dask_cluster.running(tmp_path / "cluster", 2) as cluster:
        yield "--engine", cluster.engine


def test_a_bucket_holds_what_a_folder_would(store, engine, tmp_path):
    write_faces(tmp_path / "in", [f"{i:02}" for i in range(6)])
    store.put(tmp_path / "in")
    places = ("s3://faces/photos", "s3://faces/csv", "s3://faces/out")
    # More shards than photos: one is empty, as is rejected.jsonl.
    shards = ("--shards", "8", "--eval-fraction", "0")
    preprocess(*places, *shards, *engine, "--", *store.options)
    near = tmp_path / "in/photos", tmp_path / "in/csv", tmp_path / "near"
    far = same_as_near(store, contents(preprocess(*near, *shards)))
    assert far["rejected.jsonl"] == b"" and b"" in far.values()


def test_faces_are_rendered_from_a_bucket_into_it(store, tmp_path):
    points = tiny_portraits.landmarks()
    tiny_portraits.save(tmp_path / "in", {"ada": points, "bob": points + 1})
    store.put(tmp_path / "in")
    options = ("--reanimate", tmp_path / "in/model.npz", "--faces-per-photo", "4")
    options += ("--min-face-size", "0", "--shards", "2")
    places = ("s3://faces/photos", "s3://faces/csv", "s3://faces/out")
    with dask_cluster.running(tmp_path / "cluster", 2) as cluster:
        preprocess(*places, *options, "--engine", cluster.engine, "--", *store.options)
    near = tmp_path / "in/photos", tmp_path / "in/csv", tmp_path / "near"
    far = same_as_near(store, contents(preprocess(*near, *options)))
    records = json.loads(far["dataset.json"])["splits"].values()
    assert sum(shard["records"] for split in records for shard in split) == 8


def same_as_near(store, near: dict[str, bytes]) -> dict[str, bytes]:
    """What is in the bucket, when that is what was written here."""
    del near[manifest.SOURCES]  # inputs are not read twice over a network
    far = store.contents("out/")
    assert far.keys() == near.keys()
    same = [name for name in near if name.endswith((".tfrecord", ".jsonl"))]
    assert same and all(far[name] == near[name] for name in (*same, "statistics.json"))
    assert json.loads(far["dataset.json"])["splits"] == json.loads(near["dataset.json"])["splits"]
    return far
