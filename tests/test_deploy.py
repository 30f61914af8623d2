"""The deployment files, as far as they can be checked without a container engine."""

import pathlib
import re

import pytest

import serving
from ganimation_tf import signature

DEPLOY = pathlib.Path(serving.__file__).parent / "deploy"


@pytest.fixture(scope="module")
def service():
    yaml = pytest.importorskip("yaml")
    (found,) = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"].values()
    return found


def mounts(service) -> dict[str, str]:
    """Path in the container -> path outside."""
    triples = [re.fullmatch(r"(.+):(/[^:]+):ro", volume) for volume in service["volumes"]]
    return {found[2]: found[1] for found in triples}  # each is mounted read-only


def test_model_config_is_what_tensorflow_serving_reads(service):
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    text = (DEPLOY / "models.config").read_text()
    found = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    (model,) = found.model_config_list.config
    assert (model.name, model.model_platform) == (signature.MODEL_NAME, "tensorflow")
    assert mounts(service)[model.base_path].startswith("${MODEL_DIR")


def test_every_config_file_is_mounted_where_the_flags_look(service):
    inside = mounts(service)
    flags = dict(flag.removeprefix("--").split("=") for flag in service["command"])
    for flag in ("model_config_file", "batching_parameters_file"):
        assert (DEPLOY / inside[flags[flag]]).is_file()


def test_ports_are_the_ones_of_the_image_on_loopback(service):
    assert service["ports"] == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]


def test_image_is_pinned(service):
    assert re.fullmatch(r"tensorflow/serving:\d+\.\d+\.\d+", service["image"])


def test_largest_padded_batch_is_the_largest_batch():
    text = re.sub(r"#.*", "", (DEPLOY / "batching.config").read_text())
    sizes = [int(size) for size in re.findall(r"allowed_batch_sizes: (\d+)", text)]
    (largest,) = re.findall(r"max_batch_size \{ value: (\d+) \}", text)
    assert sizes == sorted(set(sizes)) and sizes[-1] == int(largest)
