"""Addresses that nothing can be had of are refused at once, in a sentence."""

import sys
import time

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from ganimation_tf.errors import UserError
from pipeline.stores import require_reachable

NONE = PipelineOptions([])


@pytest.fixture
def nobody(monkeypatch, tmp_path):
    """An account without credentials of AWS, on a machine that is none of theirs."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "PROFILE", "SESSION_TOKEN"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("CONFIG_FILE", "SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(f"AWS_{name}", str(tmp_path / name))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_folders_and_what_was_not_given_are_no_addresses(tmp_path):
    places = {"--images": str(tmp_path), "--annotations": None, "--output": "made/*"}
    assert require_reachable(places, NONE) is None


@pytest.mark.parametrize("where", ["http://example.org/faces", "ftp://example.org/a"])
def test_a_web_address_is_no_file_system(where):
    scheme = where.partition(":")[0]
    message = f"^--images {where}: {scheme}:// is no file system; .*folders and from s3://, gs://"
    with pytest.raises(UserError, match=message):
        require_reachable({"--images": where}, NONE)


def test_s3_without_credentials_is_refused_before_any_retry(nobody):
    began = time.monotonic()
    with pytest.raises(UserError, match="^--output s3://bucket/a: there are no credentials"):
        require_reachable({"--images": "photos", "--output": "s3://bucket/a"}, NONE)
    assert time.monotonic() - began < 20  # Beam alone asks again for minutes


def test_credentials_may_be_options_or_in_the_environment(nobody, monkeypatch):
    places = {"--images": "s3://bucket/a"}
    given = PipelineOptions(["--s3_access_key_id=a", "--s3_secret_access_key=b"])
    assert require_reachable(places, given) is None
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    assert require_reachable(places, NONE) is None


def test_a_library_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(UserError, match=r"s3:// addresses need `pip install 'apache-beam\[aws\]'`"):
        require_reachable({"--images": "s3://bucket/a"}, NONE)
