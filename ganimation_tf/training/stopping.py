"""Ctrl-C in a training: told at once, obeyed at the end of the step."""

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator

from ganimation_tf.training.callbacks.checkpoints import Checkpoints, Interrupted
from ganimation_tf.training.runs import saved_step

SIGNALS = (signal.SIGINT, signal.SIGTERM)

EXIT_CODE = 130

log = logging.getLogger(__name__)


@contextlib.contextmanager
def stopping(checkpoints: Checkpoints, steps: int) -> Iterator[None]:
    """SIGINT and SIGTERM save the state at the end of the step; the second one ends at once.

    Python runs its handlers between two steps only, and a step can take half a minute. So a
    thread, which hears of a signal when it comes, says what will happen, and ends the process
    when another comes: states are written whole or not at all, and nothing is torn by it.

    Args:
        steps: of the whole run.

    Raises:
        KeyboardInterrupt: after the state is saved.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can be told of signals
        return

    def stop(*_) -> None:
        checkpoints.stop_requested = True

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        with _answering_at_once():
            yield
    except Interrupted:
        if saved_step(checkpoints.run) >= steps:
            return  # it was the last step: all is done
        log.info("saved; the same command goes on from here")
        raise KeyboardInterrupt from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _answering_at_once() -> Iterator[None]:
    sender, receiver = socket.socketpair()
    sender.setblocking(False)
    before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    thread = threading.Thread(target=_listen, args=(receiver,), name="stopping", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        sender.close()
        thread.join()
        receiver.close()


def _listen(receiver: socket.socket) -> None:
    """Reads the number of each signal, a byte, until the other end is closed."""
    asked = 0
    while data := receiver.recv(16):
        for number in data:
            if number not in SIGNALS:
                continue
            asked += 1
            if asked > 1:
                os.write(2, b"ended at once; the last saved state is kept\n")
                os._exit(EXIT_CODE)
            log.info("stopping at the end of this step; once more: at once")
