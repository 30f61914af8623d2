"""Networks in LiteRT's format (`.tflite`), run without TensorFlow.

The wheel `ai-edge-litert` is the interpreter that `tf.lite` is, by itself: it is there in 0.4 s,
where `import tensorflow` takes 7 s and 560 MiB.
"""

import os

from ganimation_tf import quiet
from ganimation_tf.errors import as_user_error

MOST_THREADS = 4
"""Convolutions of 128 px have no work for more."""


def load(content: bytes, where: str, threads: int | None = None):
    """The interpreter of a network, its tensors allocated. Not to be shared between threads.

    Args:
        content: the file.
        where: its name, for the error.
        threads: of the network; None: one for each core, at most `MOST_THREADS`.

    Raises:
        UserError: if it is no such network.
    """
    threads = threads or min(MOST_THREADS, os.cpu_count() or 1)
    with quiet.notes_hidden():  # it says on the terminal which delegate it made
        from ai_edge_litert.interpreter import Interpreter

        with as_user_error(f"{where} is not a LiteRT network", ValueError, RuntimeError):
            network = Interpreter(model_content=content, num_threads=threads)
            network.allocate_tensors()
    return network
