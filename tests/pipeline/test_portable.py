"""The job on Beam's own portable job service: the way to Flink, Spark and every other engine; and
on those that are at hand: Prism, and Flink where `BEAM_JOB_SERVER_JAR` names its job server.

Three processes that share only the files: the job service, a pool that starts workers elsewhere,
and the submitter. `GANIMATION_PORTABLE_LOG=DIR` keeps their logs and the digests.
"""

import contextlib
import hashlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from dask_cluster import free_port
from ganimation_tf.data import manifest
from jobs import contents, preprocess
from openface_files import csv_text, row, write_faces

SERVICE = ("-m", "apache_beam.runners.portability.local_job_service_main")
POOL = ("-m", "apache_beam.runners.worker.worker_pool_main")

TWO_WORKERS = """
import sys
from apache_beam.runners.portability import local_job_service_main
from apache_beam.runners.portability.fn_api_runner import fn_runner

begin = fn_runner.FnApiRunner.__init__

def begin_with_two(self, *args, **kwargs):
    begin(self, *args, **kwargs)
    self._num_workers = 2

fn_runner.FnApiRunner.__init__ = begin_with_two
local_job_service_main.run(sys.argv[1:])
"""
"""The same service with two workers for each job: it has no option for their number."""


@contextlib.contextmanager
def running(
    log: pathlib.Path,
    *arguments: str,
    cwd: pathlib.Path,
    port: int,
    program: str = sys.executable,
):
    """A program with these arguments, once it answers at `port`; ended with all it started."""
    # The pool starts workers by the name `python`.
    path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    cwd.mkdir()
    with log.open("w") as out:
        process = subprocess.Popen(
            [program, *arguments],
            cwd=cwd,
            env={**os.environ, "PATH": path},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 120
        while True:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            with contextlib.suppress(OSError), socket.create_connection(("localhost", port), 1):
                break
            time.sleep(0.1)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def logs(tmp_path, request):
    actual = pathlib.Path(os.environ.get("GANIMATION_PORTABLE_LOG", tmp_path / "logs"))
    actual = actual / request.node.name.replace("/", "_")
    actual.mkdir(parents=True, exist_ok=True)
    return actual


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("program", "workers"), [(SERVICE, 1), (("-c", TWO_WORKERS), 2)], ids=["stock", "two"]
)
def test_external_workers_write_the_bytes_of_one_process(tmp_path, logs, program, workers):
    write_faces(tmp_path, [f"person{i // 4}/{i}" for i in range(60)])
    (tmp_path / "photos/person0/0.jpg").write_bytes(b"")
    (tmp_path / "csv/person1/4.csv").write_text(csv_text(row(confidence=0.1)))
    job_port, pool_port = free_port(), free_port()
    inputs = (tmp_path / "photos", tmp_path / "csv")
    options = ("--records-per-shard", "7", "--subject-pattern", r"(person\d+)/")
    beam = (
        *("--runner=PortableRunner", f"--job_endpoint=localhost:{job_port}"),
        *("--environment_type=EXTERNAL", f"--environment_config=localhost:{pool_port}"),
    )
    service = running(
        logs / "job_service.log",
        *(*program, "-p", str(job_port)),
        cwd=tmp_path / "a",
        port=job_port,
    )
    pool = running(
        logs / "worker_pool.log",
        *(*POOL, f"--service_port={pool_port}"),
        cwd=tmp_path / "b",
        port=pool_port,
    )
    with service, pool:
        far = preprocess(*inputs, tmp_path / "far", *options, "--", *beam)
    near = preprocess(*inputs, tmp_path / "near", *options)
    assert contents(far) == contents(near)
    assert manifest.Manifest.load(far).rejections == {"empty_image": 1, "low_confidence": 1}
    log = (logs / "worker_pool.log").read_text()
    assert log.count("Starting worker with command") == workers
    digests = [
        f"{hashlib.sha256(data).hexdigest()}  {name}" for name, data in contents(far).items()
    ]
    (logs / "digests.txt").write_text("\n".join(sorted(digests, key=lambda line: line[66:])) + "\n")


def faces(tmp_path: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Photos and annotations of some faces."""
    write_faces(tmp_path, [f"person{i // 4}/{i}" for i in range(60)])
    return tmp_path / "photos", tmp_path / "csv"


def prism() -> str | None:
    """Where Prism is: on the path, or where Go installs to."""
    go = shutil.which("go")
    places = [os.environ.get("GOBIN", ""), os.environ["PATH"]]
    if go:
        asked = subprocess.run([go, "env", "GOPATH"], capture_output=True, text=True, check=True)
        places.append(f"{asked.stdout.strip()}/bin")
    return shutil.which("prism", path=os.pathsep.join(places))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_prism_writes_the_bytes_of_one_process(tmp_path, logs):
    actual = prism()
    if not actual:
        pytest.skip(
            "there is no prism; with Go it is made by: "
            "go install github.com/apache/beam/sdks/v2/go/cmd/prism@v2.77.0"
        )
    inputs = faces(tmp_path)
    job_port, pool_port = free_port(), free_port()
    service = running(
        logs / "prism.log",
        *(f"--job_port={job_port}", "--serve_http=false"),
        cwd=tmp_path / "a",
        port=job_port,
        program=actual,
    )
    pool = running(
        logs / "worker_pool.log",
        *(*POOL, f"--service_port={pool_port}"),
        cwd=tmp_path / "b",
        port=pool_port,
    )
    with service, pool:
        beam = ("--runner=PortableRunner", f"--job_endpoint=localhost:{job_port}")
        beam += ("--environment_type=EXTERNAL", f"--environment_config=localhost:{pool_port}")
        far = preprocess(*inputs, tmp_path / "far", "--shards", "7", "--", *beam)
    assert contents(far) == contents(preprocess(*inputs, tmp_path / "near", "--shards", "7"))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_flink_writes_the_bytes_of_one_process(tmp_path):
    jar = os.environ.get("BEAM_JOB_SERVER_JAR", "")
    if not jar:
        pytest.skip("BEAM_JOB_SERVER_JAR names no job server's jar of Beam 2.77 for Flink")
    assert pathlib.Path(jar).is_file(), f"BEAM_JOB_SERVER_JAR names no file: {jar}"
    assert shutil.which("java"), "Flink's job server needs Java"
    inputs = faces(tmp_path)
    beam = ("--runner=FlinkRunner", f"--flink_job_server_jar={jar}", "--environment_type=LOOPBACK")
    far = preprocess(*inputs, tmp_path / "far", "--shards", "7", "--", *beam)
    assert contents(far) == contents(preprocess(*inputs, tmp_path / "near", "--shards", "7"))
