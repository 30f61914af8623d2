"""What a user sees of a running job: a bar on a terminal, plain lines elsewhere."""

import io
import re
import subprocess
import sys
import time
import types

import pytest
from apache_beam.io.filesystem import BeamIOError

from pipeline import progress
from pipeline.progress import ShardProgress, Watcher

LINE = r"30/60 images \(50%\), \d+ images/s, 2 rejected, 30 remaining"


class Stream(io.StringIO):
    """A stream that is a terminal or none."""

    def __init__(self, terminal: bool):
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def watched(directory, monkeypatch, terminal: bool) -> str:
    """What is shown of a job that is half done: 20 images of one shard and 10 of another."""
    monkeypatch.setattr(progress, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr("ganimation_tf.progress.LINE_SECONDS", 0.02)
    monkeypatch.setenv("TERM", "xterm")
    stream = Stream(terminal)

    def job():
        for shard, images, rejected in (("train-0", 20, 0), ("eval-0", 10, 2)):
            noted = ShardProgress(str(directory), shard)
            noted.add(images, rejected)
            noted.write()
        deadline = time.monotonic() + 30
        while "30/60" not in stream.getvalue():
            assert time.monotonic() < deadline, stream.getvalue()
            time.sleep(0.01)

    Watcher(str(directory), 60, stream).run(job)
    return stream.getvalue()


def test_a_bar_on_a_terminal(tmp_path, monkeypatch):
    shown = watched(tmp_path, monkeypatch, terminal=True)
    assert "2 rejected, 30 remaining" in shown
    assert shown.rstrip("\033[?25h").endswith("\033[2K")  # it is wiped off at the end


def test_lines_elsewhere(tmp_path, monkeypatch):
    shown = watched(tmp_path, monkeypatch, terminal=False)
    assert re.fullmatch(LINE, shown.splitlines()[-1])
    assert "\r" not in shown and "\033" not in shown


@pytest.mark.parametrize("half", [b"", b'{"images": 2', b"\xff"])
def test_a_note_that_is_being_written_is_left_to_the_next_look(tmp_path, monkeypatch, half):
    noted = ShardProgress(str(tmp_path), "eval-0")
    noted.write()
    (note,) = tmp_path.iterdir()
    note.with_name(note.name.replace("eval-0", "aaa-0")).write_bytes(half)
    assert "30/60" in watched(tmp_path, monkeypatch, terminal=False)


def test_a_store_out_of_reach_does_not_end_the_display(tmp_path, monkeypatch):
    match, calls = progress.FileSystems.match, []

    def flaky(patterns):
        calls.append(patterns)
        if len(calls) == 1:
            raise BeamIOError("out of reach")
        return match(patterns)

    monkeypatch.setattr(progress.FileSystems, "match", flaky)
    assert "30/60" in watched(tmp_path, monkeypatch, terminal=False)


def test_a_shard_tells_no_more_often_than_every_two_seconds(tmp_path, monkeypatch):
    now = 100.0
    # The module's own clock: that of the process drives the event loops of other threads.
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(monotonic=lambda: now))
    noted = ShardProgress(str(tmp_path), "train-0")
    noted.add(1, 0)
    assert not list(tmp_path.iterdir())
    now += 2.1
    noted.add(1, 1)
    (path,) = tmp_path.iterdir()
    assert path.read_text() == '{"images": 2, "rejected": 1}'


INTERRUPTED = """
import io, os, signal, sys, time
from pipeline.progress import Watcher

def job():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(30)
    except KeyboardInterrupt:
        raise RuntimeError("a step failed") from None

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
try:
    Watcher(sys.argv[1], 1, io.StringIO()).run(job)
except KeyboardInterrupt:
    print("interrupted", signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


def test_interruption_stays_one_if_the_runner_makes_another_error_of_it(tmp_path):
    # Not in this process: what else has been loaded here may answer a signal as well.
    program = [sys.executable, "-c", INTERRUPTED, str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.returncode) == ("interrupted True\n", 0), done.stderr
