"""Work spread over processes: every result once, whatever happens to a process."""

import os
import pathlib
import subprocess
import sys
import textwrap

import pytest
from waiting import wait_for

from ganimation_tf import parallel
from ganimation_tf.errors import UserError
from spread_work import added, dying, failing


@pytest.mark.parametrize("workers", [1, 2])
def test_each_item_has_one_result(workers):
    results = list(parallel.spread(added, 100, range(7), workers))
    assert sorted(total for total, _ in results) == [100 + item for item in range(7)]
    here = {process == os.getpid() for _, process in results}
    assert here == {workers == 1}


def test_one_item_needs_no_process():
    assert list(parallel.spread(added, 1, [1], 8)) == [(2, os.getpid())]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_is_that_of_the_work(workers):
    with pytest.raises(ValueError, match="item 3"):
        list(parallel.spread(failing, 3, range(5), workers))


def test_a_killed_process_is_told():
    with pytest.raises(UserError, match="one of 2 processes ended on its own"):
        list(parallel.spread(dying, 1, range(4), 2))


PROGRAM = """
import os, pathlib, sys, time
from ganimation_tf import parallel

def work(folder, item):
    (folder / str(os.getpid())).touch()
    time.sleep(60)

if __name__ == "__main__":
    list(parallel.spread(work, pathlib.Path(sys.argv[1]), range(2), 2))
"""


def test_processes_end_with_a_parent_that_is_killed(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    folder = tmp_path / "working"
    folder.mkdir()
    root = str(pathlib.Path(parallel.__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": root}
    command = [sys.executable, str(program), str(folder)]
    parent = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: len(list(folder.iterdir())) == 2, "both processes", 60)
    finally:
        parent.kill()
        parent.wait()
    working = [int(path.name) for path in folder.iterdir()]
    assert len(working) == 2
    wait_for(lambda: not any(map(_is_alive, working)), "the end of both processes", 20)


def _is_alive(process: int) -> bool:
    try:
        state = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
