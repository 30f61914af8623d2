"""A short run of `load_run`; `benchmarks/serve_load.py` is the long one."""

import shutil

import pytest

import load_run


@pytest.fixture(scope="module")
def server(model_dir, tmp_path_factory):
    """A process that serves a copy of `model_dir`: (models, process, gRPC and REST address)."""
    models = tmp_path_factory.mktemp("load") / "models"
    shutil.copytree(model_dir, models)
    with load_run.server_process(models, "--poll-seconds", "0.1") as one:
        yield models, *one


def test_hostile_requests_get_the_right_answers_and_stop_nothing(server):
    _, process, address, rest = server
    run = load_run.storm(process, address, rest, 3000)
    assert run.wrong == []
    assert sum(run.counts.values()) >= 3000 and run.counts.keys() >= {"valid_edit", "valid_rest"}


def test_swaps_under_load(server):
    models, _, address, rest = server
    run = load_run.swap(models, address, rest, 3)
    assert run.wrong == []
    assert run.counts["valid_edit"] > 3
