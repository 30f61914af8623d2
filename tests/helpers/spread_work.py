"""Work for `parallel.spread`, in a module that its processes can import wherever pytest runs."""

import os
import signal


def added(shared, item):
    return shared + item, os.getpid()


def failing(shared, item):
    if item == shared:
        raise ValueError(f"item {item}")
    return item


def dying(shared, item):
    if item == shared:
        os.kill(os.getpid(), signal.SIGKILL)
    return item
