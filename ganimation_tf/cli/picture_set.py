"""The directory of a set of pictures: what it was asked for, and whether it is finished."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from ganimation_tf import files
from ganimation_tf.errors import UserError, as_user_error


def begin(
    out: pathlib.Path, name: str, settings: Mapping[str, Any], folders: Sequence[str]
) -> pathlib.Path:
    """Makes the folders, or finds those of an interrupted call.

    Args:
        out: the directory.
        name: of the file of settings when the set is finished; until then it begins with a dot.
        settings: what an unfinished set must have been asked for, no more and no less.
        folders: below `out`.

    Returns:
        The unfinished set's file of settings.

    Raises:
        UserError: if `out` holds anything else.
    """
    unfinished = out / f".{name}"
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} must be a directory, but it is a file")
    if unfinished.is_file():
        if _settings_in(unfinished) != settings:
            raise UserError(
                f"{out} holds an unfinished set of other options (see {unfinished}); "
                "give the same ones, or another directory"
            )
    elif out.exists() and any(out.iterdir()):
        raise UserError(f"{out} must be new or empty, but it holds files")
    with as_user_error(f"{out}: cannot be written"):
        for folder in folders:
            (out / folder).mkdir(parents=True, exist_ok=True)
    files.write_json(unfinished, settings)
    return unfinished


def _settings_in(path: pathlib.Path) -> Any:
    """What the file says; None if it is damaged or in another encoding."""
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        return None
