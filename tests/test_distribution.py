"""Replicas: training on two devices is training on one with the same global batch."""

import json
import pathlib
import subprocess
import sys


def test_two_steps_on_two_replicas_equal_those_on_one():
    script = pathlib.Path(__file__).with_name("two_replicas.py")
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    facts = json.loads(done.stdout.splitlines()[-1])
    assert facts.pop("replicas") == 2
    assert facts.pop("whole training") == {"weights": 0.0, "logs": 0.0}
    assert len(facts) == 2
    for name, difference in facts.items():
        assert difference["weights"] < 1e-6, (name, facts)
        assert difference["logs"] < 1e-5, (name, facts)
