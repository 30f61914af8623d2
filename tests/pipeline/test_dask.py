"""Shards written by the workers of a Dask scheduler: the bytes of one process, whatever happens."""

import pathlib
import signal
import subprocess
import sys

import distributed
import numpy as np
import pytest
from waiting import wait_for

import namespaces
import tiny_portraits
from dask_cluster import free_port, running
from ganimation_tf.errors import UserError
from jobs import contents, kept, preprocess, rejected
from openface_files import csv_text, row, write_faces, write_photo
from openface_videos import frame_row, write_clip, write_video
from pipeline.engines import dask, dask_worker, versions
from pipeline.engines.dask_check import check, write_zip
from pipeline.entries import Entries, Entry

PLACES = {"fingerprint.json"}
"""Files that tell where inputs lie, which is outside the promise of equal bytes."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two workers that have this project's dependencies and not the project."""
    with running(tmp_path_factory.mktemp("cluster"), 2) as one:
        yield one


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Photos that can be used and two that cannot."""
    folder = tmp_path_factory.mktemp("faces")
    write_faces(folder, [f"person{i // 4}/{i}" for i in range(120)])
    (folder / "photos/person0/0.jpg").write_bytes(b"")
    (folder / "csv/person1/4.csv").write_text(csv_text(row(confidence=0.1)))
    return folder


@pytest.fixture(scope="module")
def near(faces, tmp_path_factory):
    """What one process makes of them."""
    return job(faces, tmp_path_factory.mktemp("near") / "out")


def job(faces, output, *more, code=0):
    options = ("--shards", "30", "--subject-pattern", r"(person\d+)/", *more)
    return preprocess(faces / "photos", faces / "csv", output, *options, code=code)


def different(one: pathlib.Path, other: pathlib.Path) -> set[str]:
    first, second = contents(one), contents(other)
    assert first.keys() == second.keys()
    return {name for name in first if first[name] != second[name]} - PLACES


def command(faces, output, engine) -> subprocess.Popen:
    """The job as a process of its own."""
    arguments = [
        *("preprocess", "--image-size", "32", "--images", faces / "photos"),
        *("--annotations", faces / "csv", "--output", output, "--shards", "30"),
        *("--subject-pattern", r"(person\d+)/", "--engine", engine),
    ]
    program = "import sys; from ganimation_tf import cli; sys.exit(cli.main())"
    return subprocess.Popen(
        [sys.executable, "-P", "-c", program, *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
    )


def a_shard_in(output: pathlib.Path) -> None:
    wait_for(lambda: list(output.glob("train-*")), "no shard")


@pytest.mark.timeout(600)
def test_workers_without_the_project_write_the_bytes_of_one_process(cluster, faces, near, tmp_path):
    far = job(faces, tmp_path / "far", "--engine", cluster.engine)
    assert different(far, near) == set()
    assert rejected(far) == {"person0/0": "empty_image", "person1/4#0": "low_confidence"}


def test_reanimation_on_workers(cluster, tmp_path):
    points = tiny_portraits.landmarks()
    tiny_portraits.save(tmp_path / "in", {"ada": points, "bob": points + 1, "cleo": None})
    made = []
    for name, engine in (("far", cluster.engine), ("near", "local")):
        options = ("--reanimate", tmp_path / "in/model.npz", "--faces-per-photo", "16")
        options += ("--min-face-size", "0", "--shards", "3", "--engine", engine)
        output = tmp_path / name
        made.append(preprocess(tmp_path / "in/photos", tmp_path / "in/csv", output, *options))
    assert different(*made) == set()


def videos(folder):
    """Two clips, one of which has a frame that OpenFace found no face in."""
    for name in ("ada", "bob"):
        write_video(folder / f"images/{name}.avi")
        lost = {"ada": 3, "bob": None}[name]
        rows = (frame_row(n, success="0" if n == lost else "1") for n in range(1, 9))
        write_clip(folder, name, *rows)
    return folder / "images", folder / "csv", 15


def table(folder):
    """One file about 20 photos, of which one is missing."""
    box = "30,50,100,110"
    for number in range(19):
        write_photo(folder / f"images/{number}.png")
    lines = (f"{number},{number / 20},{box}" for number in range(20))
    text = "\n".join(("key,AU12,left,top,width,height", *lines))
    (folder / "table.csv").write_text(text)
    return folder / "images", folder / "table.csv", 19


@pytest.mark.parametrize("inputs", [videos, table])
def test_videos_and_tables_on_workers(cluster, tmp_path, inputs):
    *places, records = inputs(tmp_path)
    options = ("--shards", "3", "--eval-fraction", "0.5", "--engine")
    far = preprocess(*places, tmp_path / "far", *options, cluster.engine)
    near = preprocess(*places, tmp_path / "near", *options, "local")
    assert different(far, near) == set()
    assert len(kept(far)) == records and len(rejected(far)) == 1


@pytest.mark.timeout(600)
def test_a_worker_that_is_killed_changes_nothing(cluster, faces, near, tmp_path):
    with distributed.Client(cluster.engine.replace("dask", "tcp"), set_as_default=False) as client:
        before = client.nthreads().keys()
        victim = cluster.add_worker()
        (third,) = wait_for(lambda: client.nthreads().keys() - before, "no third worker")
        process = command(faces, tmp_path / "far", cluster.engine)
        a_shard_in(tmp_path / "far")
        wait_for(lambda: client.processing()[third], "it has no work that could be lost")
        victim.kill()
    assert process.communicate(timeout=120)[1].count("Traceback") == 0
    assert process.returncode == 0
    assert different(tmp_path / "far", near) == set()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_workers_in_network_namespaces_of_their_own(faces, near, tmp_path):
    """One of them is killed, as above; they share files with the submitter, and no loopback."""
    if lacking := namespaces.why_not():
        pytest.skip(lacking)
    with (
        namespaces.machines(2) as (first, second),
        running(tmp_path / "cluster", 0, namespaces.HOST) as spread,
    ):
        victim = spread.add_worker(first)
        spread.add_worker(second)
        with distributed.Client(
            spread.engine.replace("dask", "tcp"), set_as_default=False
        ) as client:
            wait_for(lambda: len(client.nthreads()) == 2, "no two workers")
            hosts = {address.split("/")[2].split(":")[0] for address in client.nthreads()}
        assert hosts == {"198.18.77.2", "198.18.77.6"}
        process = command(faces, tmp_path / "far", spread.engine)
        a_shard_in(tmp_path / "far")
        victim.kill()
        assert process.communicate(timeout=120)[1].count("Traceback") == 0
        assert process.returncode == 0
    assert different(tmp_path / "far", near) == set()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ctrl_c_takes_the_tasks_back_and_the_next_run_goes_on(cluster, faces, near, tmp_path):
    process = command(faces, tmp_path / "far", cluster.engine)
    a_shard_in(tmp_path / "far")
    process.send_signal(signal.SIGINT)
    assert "Traceback" not in process.communicate(timeout=60)[1]
    assert process.returncode == 130
    with distributed.Client(cluster.engine.replace("dask", "tcp"), set_as_default=False) as client:

        def tasks():
            return client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))

        wait_for(lambda: tasks() == 0, "tasks were left behind")
    finished = {path.name for path in (tmp_path / "far").glob("train-*")}
    assert 0 < len(finished) < 30
    again = command(faces, tmp_path / "far", cluster.engine)
    told = again.communicate(timeout=120)[1]
    assert again.returncode == 0 and "shards are finished already" in told
    assert different(tmp_path / "far", near) == set()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_shard_whose_workers_all_die_is_named(faces, near, tmp_path):
    settings = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with running(tmp_path / "cluster", 1, **settings) as frail:
        process = command(faces, tmp_path / "far", frail.engine)
        a_shard_in(tmp_path / "far")
        address = frail.engine.replace("dask", "tcp")
        with distributed.Client(address, set_as_default=False) as client:
            wait_for(lambda: any(client.processing().values()), "it has no work to be lost")
            frail.workers[0].kill()
        told = process.communicate(timeout=240)[1]
        assert process.returncode == 2 and "Traceback" not in told
        line = told.splitlines()[-1]
        assert ".tfrecord ended each of the 1 workers that tried it, the last at tcp://" in line
        frail.add_worker()
        job(faces, tmp_path / "far", "--engine", frail.engine)
    assert different(tmp_path / "far", near) == set()


def test_no_worker(faces, tmp_path, capsys):
    with running(tmp_path / "cluster", 0) as empty:
        job(faces, tmp_path / "far", "--engine", empty.engine, "--engine-wait", "0.5", code=2)
    told = capsys.readouterr().err
    assert "no worker has come within 0.5 seconds; start one with: dask worker tcp://" in told
    assert not (tmp_path / "far").exists()


def test_no_scheduler(faces, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(dask, "_CONNECT", 0.5)
    engine = f"dask://127.0.0.1:{free_port()}"
    job(faces, tmp_path / "far", "--engine", engine, code=2)
    told = capsys.readouterr().err
    assert f"--engine {engine}: no Dask scheduler answers there" in told
    assert len(told.splitlines()) == 1 and not (tmp_path / "far").exists()


class Client:
    """Workers with the project and these versions."""

    def __init__(self, **workers):
        self._workers = workers

    def nthreads(self):
        return dict.fromkeys(self._workers, 1)

    def run(self, function, *args, workers=None):
        return dict.fromkeys(self._workers, True) if function is eval else self._workers


@pytest.mark.parametrize(
    ("name", "version"),
    [("OpenCV", "4.5.1"), ("apache-beam", "missing"), (versions.CODE, "0ddc0de")],
)
def test_a_worker_of_other_versions_is_refused(name, version):
    same, other = versions.here(), {**versions.here(), name: version}
    check(Client(a=same, b=same), "dask://h:1", 1.0, "none")
    expected = f"the worker b has {name} {version} where this machine has {same[name]}; install"
    with pytest.raises(UserError, match=expected):
        check(Client(a=same, b=other), "dask://h:1", 1.0, "none")


def test_a_detector_must_be_the_same_where_it_is_used():
    same = versions.here()
    workers = Client(a={**same, "mtcnn": "0.0.1"})
    check(workers, "dask://h:1", 1.0, "none")
    with pytest.raises(UserError, match="the worker a has mtcnn 0.0.1 where this machine has"):
        check(workers, "dask://h:1", 1.0, "mtcnn")


def test_the_zip_is_the_code(tmp_path):
    path = write_zip(tmp_path)
    program = (
        f"import sys; sys.path.insert(0, {str(path)!r})\n"
        "from pipeline.engines import versions; print(versions.__file__, versions.code_digest())"
    )
    command = [sys.executable, "-S", "-P", "-c", program]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert told.stdout.split() == [f"{path}/pipeline/engines/versions.py", versions.code_digest()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--engine", "dask:h:1"), "--engine must be local or dask://HOST:PORT, got 'dask:h:1'"),
        (
            ("--engine", "dask://h:1", "--workers", "2"),
            "--workers is for local; the workers of dask://h:1 are started with it",
        ),
        (
            ("--engine", "dask://h:1", "--", "--runner=PortableRunner"),
            "--engine dask://h:1 writes what PortableRunner would; give one of the two",
        ),
        (("--", "--runner=DaskRunner"), "a Dask cluster is used by --engine dask://HOST:PORT"),
        (
            ("--", "--runner=beam_pyspark_runner.pyspark_runner.PySparkRunner"),
            "is refused: it drops or mixes up tagged outputs",
        ),
    ],
)
def test_options_that_cannot_be(faces, tmp_path, capsys, options, message):
    job(faces, tmp_path / "out", *options, code=2)
    assert message in capsys.readouterr().err


def test_help_loads_no_dask():
    program = (
        "import atexit, sys\n"
        "names = ('dask', 'distributed')\n"
        "atexit.register(lambda: print([name in sys.modules for name in names]))\n"
        "from ganimation_tf import cli\n"
        "cli.main(['preprocess', '--help'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "[False, False]"


def test_what_is_handed_out_comes_back(tmp_path):
    """Rows of a table, too, which travel as they were parsed."""
    rows = [{"AU12": "1.5"}, ("a", np.arange(3.0))]
    given = [
        Entry("a", "annotation", "t.csv", rows[0], 3, "ada", "eval"),
        Entry("b", "image", "", 1),
    ]
    more = [Entry("c", "annotation", "t.csv", rows[1], block=2)]
    batches = [Entries(given), Entries(), Entries(more)]
    dask_worker.hand_out(str(tmp_path), "token", "train-0", batches)
    actual = list(dask_worker.handed_out(str(tmp_path), "token", "train-0"))
    assert actual[:2] == given and actual[2][:3] == more[0][:3] and actual[2].block == 2
    np.testing.assert_array_equal(actual[2].reference[1], [0, 1, 2])
    (path,) = tmp_path.iterdir()
    assert path.name.startswith(".tmp-")  # so that a finished job has deleted it
