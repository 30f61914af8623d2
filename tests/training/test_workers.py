"""Several machines: two processes on one, which meet on the loopback interface."""

import dataclasses
import json
import os
import pathlib
import re
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest

import tiny
import two_workers
from ganimation_tf.errors import UserError
from ganimation_tf.training import dataset, workers

SCRIPT = pathlib.Path(two_workers.__file__)
SECONDS = 250


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def started(worker: int, addresses: list[str], *arguments) -> subprocess.Popen:
    task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": worker}}
    environment = os.environ | {"TF_CONFIG": json.dumps(task), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def alone(*arguments) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"}
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def together(*arguments, ends=((), ())) -> list[tuple[int, str, str]]:
    """(exit code, output, errors) of both workers; `ends`: what each is told besides."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    both = [started(number, addresses, *arguments, *ends[number]) for number in range(2)]
    try:
        outputs = [each.communicate(timeout=SECONDS) for each in both]
    finally:
        for each in both:
            each.kill()
    return [(each.returncode, *output) for each, output in zip(both, outputs, strict=True)]


@pytest.mark.slow
def test_five_steps_of_two_workers_equal_those_of_one_process():
    one = json.loads(alone("steps").splitlines()[-1])
    both = []
    for code, output, errors in together("steps"):
        assert code == 0, errors[-2000:]
        both.append(json.loads(output.splitlines()[-1]))
    assert [one["replicas"], *(each["replicas"] for each in both)] == [1, 2, 2]
    for each in both:
        np.testing.assert_allclose(each["weights"], one["weights"], rtol=0, atol=1e-6)
        for mine, theirs in zip(each["logs"], one["logs"], strict=True):
            assert mine.keys() == theirs.keys()
            np.testing.assert_allclose(list(mine.values()), list(theirs.values()), rtol=1e-5)


@pytest.mark.slow
def test_a_training_that_a_signal_or_a_death_ended_goes_on_as_if_it_had_not(tmp_path):
    """One worker is stopped, then the other is killed; the eval split has 7 faces."""
    data = tmp_path / "data"
    tiny.write_dataset(data, evaluation=7)
    for code, _, errors in together("train", data, tmp_path / "whole"):
        assert code == 0, errors[-2000:]
    (whole,) = (tmp_path / "whole").iterdir()

    stopped = together("train", data, tmp_path / "broken", ends=((), ("stop",)))
    assert [code for code, *_ in stopped] == [130, 130], stopped
    assert "saved; the same command goes on from here" in stopped[0][2]
    killed = together("train", data, tmp_path / "broken", ends=((), ("die",)))
    assert [code for code, *_ in killed] == [2, -9], killed[0][2][-3000:]
    assert "another machine of the training is gone or out of reach" in killed[0][2]
    for code, _, errors in together("train", data, tmp_path / "broken"):
        assert code == 0, errors[-2000:]
    (broken,) = (tmp_path / "broken").iterdir()
    for name in ("generator", "critic"):
        pairs = (
            keras.models.load_model(run / f"{name}.keras").get_weights() for run in (whole, broken)
        )
        for expected, value in zip(*pairs, strict=True):
            np.testing.assert_array_equal(value, expected)
    logs = [
        json.loads((run / "metrics.jsonl").read_text().splitlines()[-1]) for run in (whole, broken)
    ]
    names = sorted(logs[0].keys() - {"seconds", "images_per_second"})
    np.testing.assert_allclose(*([each[name] for name in names] for each in logs), rtol=1e-6)


def cluster(kind: str, index: int, **addresses) -> str:
    return json.dumps({"cluster": addresses, "task": {"type": kind, "index": index}})


def test_workers_are_numbered_with_the_chief_first(monkeypatch):
    for kind, index, expected in (
        ("chief", 0, (0, 3, "a:1")),
        ("worker", 0, (1, 3, "b:1")),
        ("worker", 1, (2, 3, "c:1")),
    ):
        config = cluster(kind, index, chief=["a:1"], worker=["b:1", "c:1"])
        monkeypatch.setenv("TF_CONFIG", config)
        assert workers.task_of_environment() == expected


def test_one_worker_is_none(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", cluster("worker", 0, worker=["a:1"]))
    assert workers.task_of_environment() is None
    monkeypatch.delenv("TF_CONFIG")
    assert workers.task_of_environment() is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("worker 1", "TF_CONFIG must be JSON such as"),
        ("[]", "TF_CONFIG must be JSON such as"),
        (cluster("worker", 2, worker=["a:1", "b:1"]), "there is no worker 2: the cluster has 2"),
        (cluster("worker", -1, worker=["a:1", "b:1"]), "there is no worker -1"),
        (cluster("worker", 0, worker=["a:1"], ps=["b:1"]), "only chief and worker take part"),
        (cluster("evaluator", 0, worker=["a:1", "b:1"]), "a task is a chief or a worker"),
    ],
)
def test_what_names_no_worker_is_refused_in_a_sentence(monkeypatch, text, words):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match=re.escape(words)):
        workers.task_of_environment()


@pytest.mark.parametrize("in_memory", [False, True])
def test_the_shares_of_a_batch_are_its_rows(tmp_path, in_memory):
    """Two workers with two replicas each, from a step in the middle of an epoch on."""
    config = dataclasses.replace(tiny.CONFIG, batch_size=4, critic_steps=2)
    facts = tiny.write_dataset(tmp_path, train=20)
    faces = dataset.load_faces(tmp_path, facts, "train") if in_memory else None

    def elements(share: workers.Share, count: int):
        batches = dataset.training(tmp_path, facts, config, 3, faces, share)
        return list(batches.take(count).as_numpy_iterator())

    whole = elements(workers.WHOLE, 3)
    shares = [elements(workers.Share(worker, 2, 4), 6) for worker in range(2)]
    for step, batch in enumerate(whole):
        rows = [share[2 * step + replica] for share in shares for replica in range(2)]
        for name, values in batch.items():
            np.testing.assert_array_equal(np.concatenate([row[name] for row in rows]), values)


def test_the_shares_of_an_evaluation_are_its_full_batches(tmp_path):
    facts = tiny.write_dataset(tmp_path, evaluation=11)

    def images(**options):
        faces = dataset.evaluation(tmp_path, facts, batch_size=4, replicas=2, **options)
        return [batch["image"] for batch in faces.as_numpy_iterator()]

    whole = images()
    shares = [images(share=workers.Share(worker, 2, 2)) for worker in range(2)]
    assert [len(batch) for batch in whole] == [4, 4]  # 3 of 11 faces are left over
    for batch, *rows in zip(whole, *shares, strict=True):
        np.testing.assert_array_equal(np.concatenate(rows), batch)
