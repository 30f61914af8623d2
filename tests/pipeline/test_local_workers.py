"""Worker processes: as many as asked for, none left behind, and their death is told."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import types

import pytest
from waiting import wait_for

from ganimation_tf.errors import UserError
from openface_files import write_faces
from pipeline.local import environment
from pipeline.local.workers import LocalWorkers


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    actual = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # ended meanwhile
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            actual.append(int(path.parent.name))
    return actual


def test_a_worker_s_data_stream_ends_before_it_is_let_go():
    """Control closed first, a quick worker would break the stream of data that is open still."""
    closed = []
    handler = environment._LocalWorkerHandler.__new__(environment._LocalWorkerHandler)
    handler.control_conn, handler.data_conn = (
        types.SimpleNamespace(close=lambda name=name: closed.append(name))
        for name in ("control", "data")
    )
    handler.close()
    assert closed[:2] == ["data", "control"]


@pytest.fixture
def job(tmp_path):
    """A job in its own process, with two workers; yields it, its source and the workers."""
    write_faces(tmp_path, [f"{i:03}" for i in range(400)])
    arguments = [
        *("preprocess", "--images", tmp_path / "photos", "--annotations", tmp_path / "csv"),
        *("--output", tmp_path / "out", "--workers", "2", "--shards", "100"),
    ]
    (tmp_path / "pipeline").mkdir()  # in the current directory, and in nobody's way
    (tmp_path / "pipeline/__init__.py").write_text("raise SystemExit('the wrong one')")
    program = "import sys; from ganimation_tf import cli; sys.exit(cli.main())"
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", program, *map(str, arguments)],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    (source,) = wait_for(lambda: children(process.pid), "no source of workers")
    workers = wait_for(lambda: len(children(source)) == 2 and children(source), "no workers")
    wait_for(lambda: list((tmp_path / "out").glob("train-*")), "no shard")
    yield process, source, workers
    process.kill()
    process.wait()
    process.stderr.close()
    wait_for(lambda: not any(map(alive, [source, *workers])), "a process was left behind")


def alive(pid: int) -> bool:
    return pathlib.Path(f"/proc/{pid}").exists()


def test_the_death_of_a_worker_is_told(job):
    process, _, workers = job
    os.kill(workers[0], signal.SIGKILL)
    error = process.communicate(timeout=60)[1].splitlines()[-1]
    assert process.returncode == 2
    assert "a worker process was ended by SIGKILL, perhaps for want of memory" in error


def test_the_death_of_their_source_is_told(job):
    process, source, _ = job
    os.kill(source, signal.SIGTERM)
    error = process.communicate(timeout=60)[1].splitlines()[-1]
    assert process.returncode == 2 and "ended by SIGTERM" in error


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_workers_do_not_outlive_their_job(job, number, code):
    process, _, _ = job
    process.send_signal(number)
    assert process.wait(timeout=60) == code


def test_a_worker_takes_little_memory(job):
    for worker in job[2]:
        status = pathlib.Path(f"/proc/{worker}/status").read_text()
        (peak,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
        assert int(peak) < 350 << 10


def test_a_source_that_cannot_start_says_so(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with LocalWorkers(2) as workers:
        wait_for(lambda: workers._process.poll() is not None, "still there")
        told = "a worker process was ended with status 1; run again"
        with pytest.raises(UserError, match=told), workers.explained():
            workers.start("a", {}, lambda error: None)


def test_one_worker_is_no_process():
    with LocalWorkers(1) as workers:
        assert workers._process is None


SUPERVISED = """
import os, random, signal, sys
from pipeline.local.worker import supervise

def work(environment):
    # Signals that come while the last one is answered: each could enter a handler again.
    for _ in range(random.randrange(40)):
        os.kill(os.getppid(), signal.SIGCHLD)
    os._exit(int(environment["status"]))

supervise(0, 1, work)
"""


def test_each_end_is_told_once_however_many_signals_come():
    count = 400
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    for number in range(count):
        request = {"worker": str(number), "environment": {"status": str(number % 7)}}
        process.stdin.write(f"{json.dumps(request)}\n")
    process.stdin.flush()
    told = [json.loads(process.stdout.readline()) for _ in range(count)]
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and rest == ""
    assert {report["worker"]: report["status"] for report in told} == {
        str(number): number % 7 for number in range(count)
    }
