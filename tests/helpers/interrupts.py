"""Child processes that a Ctrl-C reaches, also where it is ignored by what runs the tests."""

import contextlib
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def heard() -> Iterator[None]:
    """What is started meanwhile has SIGINT as a terminal's commands have it.

    Not by `preexec_fn`: Python then forks in place of `vfork`, and gRPC, where a test before has
    used it, writes into the child's standard error or aborts it.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
