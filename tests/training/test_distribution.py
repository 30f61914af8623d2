"""Replicas: training on two devices is training on one with the same global batch."""

import json
import pathlib
import subprocess
import sys

import pytest

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


@pytest.mark.slow
def test_an_interrupted_training_on_two_replicas_ends_with_the_same_weights():
    """The eval split has 5 faces in batches of 4: the last would leave a device without any."""
    difference = run("whole")
    assert difference["weights"] == 0
    assert difference["logs"] < 1e-6  # a mean that two devices share is put back in halves


@pytest.mark.slow
def test_an_overflow_on_one_replica_leaves_the_step_out_on_both():
    moved = run("overflow")
    assert moved["finite"]["weights"] > 0 and moved["finite"]["step"] == 1
    assert moved["finite"]["scale"] == 64.0
    # Two critic updates in a step, each of which halves its scale.
    assert moved["infinite"] == {"weights": 0.0, "scale": 16.0, "step": 1}


def test_what_replicas_cannot_do_is_refused_in_a_sentence():
    messages = run("refusals")
    assert messages == {
        "steps_per_execution": "steps_per_execution > 1 fails in Keras on several replicas "
        "(keras#19246)",
        "jit_compile": "jit_compile on several replicas fails: a compiled step cannot reach the "
        "variables of another device",
        **{
            name: f"{name} on several replicas would clip each one's gradient before they are "
            "added up, and not their sum"
            for name in ("clipnorm", "global_clipnorm", "clipvalue")
        },
        "accumulation": "gradient_accumulation_steps fails in Keras on several replicas",
        "norm": "norm of critic normalizes each replica's images by themselves: build it with "
        "synchronized=True",
    }
