"""TensorFlow's first import, without the notes that it prints before it can be told not to."""

import contextlib
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator


def import_tensorflow() -> None:
    """Imports TensorFlow and looks at the devices; what that prints is shown only if it fails.

    The notes come from C++ and go to file descriptor 2, past `sys.stderr`. The log level set here
    ends those that follow; TensorFlow's errors are exceptions and are not affected.

    Keras is set to what these networks are written for, whatever `~/.keras/keras.json` and the
    environment say for other projects. Ctrl-C meanwhile ends the process at once: as an exception
    it would come out of the middle of some import as another one.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Off by default on processors without AVX-512, where it is several times faster for some
    # convolutions too.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with notes_hidden() as terminal, _ending_at_once(terminal):
        import tensorflow as tf

        tf.config.list_physical_devices()
        tf.get_logger().setLevel("WARNING")
        _set_up_keras()


@contextlib.contextmanager
def notes_hidden() -> Iterator[int]:
    """What is printed to file descriptor 2 meanwhile is shown only if it fails.

    Yields:
        A descriptor of what 2 was before.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            yield kept
        except BaseException:
            notes.seek(0)
            os.write(kept, notes.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _set_up_keras() -> None:
    import keras

    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)


@contextlib.contextmanager
def _ending_at_once(terminal: int) -> Iterator[None]:
    """SIGINT and SIGTERM end this process with exit code 130.

    Args:
        terminal: the descriptor to tell it on.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can be told of signals
        return

    def end(*_) -> None:
        os.write(terminal, b"ganimation: interrupted\n")
        os._exit(130)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:  # SIGINT is, in a job in the background
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
