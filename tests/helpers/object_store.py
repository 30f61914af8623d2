"""A store that speaks S3, moto's server on loopback, with a bucket called `faces`."""

import contextlib
import pathlib
import urllib.request
from collections.abc import Iterator

import boto3
from moto.server import ThreadedMotoServer

BUCKET = "faces"
_REGION, _KEY = "us-east-1", "unused"


class Store:
    """The bucket.

    Attributes:
        options: of Beam's, behind `--`, that lead there.
    """

    def __init__(self, url: str):
        keys = {"aws_access_key_id": _KEY, "aws_secret_access_key": _KEY}
        self._client = boto3.client("s3", endpoint_url=url, region_name=_REGION, **keys)
        self._client.create_bucket(Bucket=BUCKET)
        self.options = (
            f"--s3_endpoint_url={url}",
            f"--s3_region_name={_REGION}",
            f"--s3_access_key_id={_KEY}",
            f"--s3_secret_access_key={_KEY}",
        )

    def put(self, folder: pathlib.Path, prefix: str = "") -> None:
        """Every file below a folder, under its path there."""
        for path in folder.rglob("*.*"):
            key = prefix + path.relative_to(folder).as_posix()
            self._client.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())

    def contents(self, prefix: str) -> dict[str, bytes]:
        """All files whose names begin so, by what follows it."""
        listed = self._client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
        return {
            one["Key"].removeprefix(prefix): self._client.get_object(Bucket=BUCKET, Key=one["Key"])[
                "Body"
            ].read()
            for one in listed
        }


@contextlib.contextmanager
def running() -> Iterator[Store]:
    """The server, as long as it is needed."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        url = "http://{}:{}".format(*server.get_host_and_port())
        # Its buckets are this process's and outlive a server.
        reset = urllib.request.Request(f"{url}/moto-api/reset", method="POST")
        urllib.request.urlopen(reset).close()
        yield Store(url)
    finally:
        server.stop()
