"""Waiting for what another process or thread does."""

import time


def wait_for(condition, what: str, seconds: float = 240.0):
    """What `condition` returns once that is true.

    Raises:
        AssertionError: telling `what` is missing, after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return answer
