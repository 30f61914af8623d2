"""Inputs and dataset in a store that speaks S3, moto's server: the bytes of the local job.

Slow, for Beam makes a client of boto3 for each thing that it asks of the store.
"""

import json

import boto3
import pytest
from moto.server import ThreadedMotoServer

from jobs import contents, preprocess
from openface_files import write_faces

REGION, KEY = "us-east-1", "unused"


@pytest.fixture
def store(monkeypatch):
    """A bucket called `faces`, its client and Beam's options for it."""
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    keys = {"aws_access_key_id": KEY, "aws_secret_access_key": KEY}
    client = boto3.client("s3", endpoint_url=url, region_name=REGION, **keys)
    client.create_bucket(Bucket="faces")
    yield (
        client,
        (
            f"--s3_endpoint_url={url}",
            f"--s3_region_name={REGION}",
            f"--s3_access_key_id={KEY}",
            f"--s3_secret_access_key={KEY}",
        ),
    )
    server.stop()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")  # boto3's, and of sockets that Beam's clients leave open
def test_a_bucket_holds_what_a_folder_would(store, tmp_path):
    client, options = store
    write_faces(tmp_path, [f"{i:02}" for i in range(6)])
    for path in tmp_path.rglob("*.*"):
        key = path.relative_to(tmp_path).as_posix()
        client.put_object(Bucket="faces", Key=key, Body=path.read_bytes())
    places = ("s3://faces/photos", "s3://faces/csv", "s3://faces/out")
    # More shards than photos: one is empty, as is rejected.jsonl.
    shards = ("--shards", "8", "--eval-fraction", "0")
    preprocess(*places, *shards, "--", *options)
    near = contents(preprocess(tmp_path / "photos", tmp_path / "csv", tmp_path / "near", *shards))
    listed = client.list_objects_v2(Bucket="faces", Prefix="out/")["Contents"]
    assert {one["Key"] for one in listed} == {f"out/{name}" for name in near}
    far = {
        name: client.get_object(Bucket="faces", Key=f"out/{name}")["Body"].read() for name in near
    }
    same = [name for name in near if name.endswith((".tfrecord", ".jsonl"))]
    assert len(same) == 9 and all(far[name] == near[name] for name in same)
    assert far["rejected.jsonl"] == b"" and b"" in [far[name] for name in same[1:]]
    assert far["statistics.json"] == near["statistics.json"]
    assert json.loads(far["dataset.json"])["splits"] == json.loads(near["dataset.json"])["splits"]
