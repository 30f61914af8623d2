"""Replicas: training on two devices is training on one with the same global batch."""

import json
import pathlib
import subprocess
import sys

import two_replicas


def run(what):
    script = pathlib.Path(two_replicas.__file__)
    command = [sys.executable, str(script), what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_two_steps_on_two_replicas_equal_those_on_one():
    facts = run("steps")
    assert facts.pop("replicas") == 2
    assert len(facts) == 2
    for name, difference in facts.items():
        assert difference["weights"] < 1e-6, (name, facts)
        assert difference["logs"] < 1e-5, (name, facts)


def test_an_interrupted_training_on_two_replicas_ends_with_the_same_weights():
    """The eval split has 5 faces in batches of 4: the last would leave a device without any."""
    difference = run("whole")
    assert difference["weights"] == 0
    assert difference["logs"] < 1e-6  # a mean that two devices share is put back in halves
