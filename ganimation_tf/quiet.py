"""TensorFlow's first import, without the notes that it prints before it can be told not to."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


def import_tensorflow() -> None:
    """Imports TensorFlow and looks at the devices; what that prints is shown only if it fails.

    The notes come from C++ and go to file descriptor 2, past `sys.stderr`. The log level set here
    ends those that follow; TensorFlow's errors are exceptions and are not affected.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Off by default on processors without AVX-512, where it is several times faster for some
    # convolutions too.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with notes_hidden():
        import tensorflow as tf

        tf.config.list_physical_devices()
        tf.get_logger().setLevel("WARNING")


@contextlib.contextmanager
def notes_hidden() -> Iterator[None]:
    """What is printed to file descriptor 2 meanwhile is shown only if it fails."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            yield
        except BaseException:
            notes.seek(0)
            os.write(kept, notes.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
