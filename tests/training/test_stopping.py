"""Ctrl-C in a training: what is said, and when."""

import subprocess
import sys

PROGRAM = """
import hashlib, logging, os, pathlib, signal, sys, threading, time
from ganimation_tf.training.stopping import stopping

class States:
    run = pathlib.Path(sys.argv[1])
    stop_requested = False

logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
began = time.monotonic()

def press():
    for _ in range(int(sys.argv[2])):
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.2)
    print("asked", flush=True)

with stopping(States, 10):
    threading.Thread(target=press).start()
    # As a training step: a call into C, in which Python runs no handler.
    hashlib.pbkdf2_hmac("sha256", b"", b"", 6_000_000)
    print("step ended", States.stop_requested, flush=True)
"""


def run(tmp_path, times):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), str(times)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,  # what is said when is the order of the lines
        text=True,
    )


def test_the_first_is_told_while_the_step_runs_and_obeyed_at_its_end(tmp_path):
    done = run(tmp_path, 1)
    told, asked, ended = done.stdout.splitlines()[-3:]  # TensorFlow may have said something
    assert told.endswith("stopping at the end of this step; once more: at once")
    assert (asked, ended) == ("asked", "step ended True")


def test_the_second_ends_within_the_step(tmp_path):
    done = run(tmp_path, 2)
    assert done.returncode == 130
    assert "step ended" not in done.stdout
    assert done.stdout.endswith("ended at once; the last saved state is kept\n")
