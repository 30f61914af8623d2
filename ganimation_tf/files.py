"""Files that appear whole or not at all."""

import contextlib
import os
import pathlib

from ganimation_tf.errors import UserError, reason


def write_whole(path: pathlib.Path, data: bytes) -> None:
    """Writes the file whole or not at all.

    Raises:
        UserError: if it cannot be written; nothing is left of the attempt.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {reason(error)}") from error
    finally:
        with contextlib.suppress(OSError):  # it could not be made: said already
            partial.unlink()
