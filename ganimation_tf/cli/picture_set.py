"""The directory of a set of pictures: what it was asked for, and whether it is finished."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from ganimation_tf import files
from ganimation_tf.errors import UserError, as_user_error

INPUTS = "inputs"
"""Of the settings: a digest of what the set is made from, where it is made from files."""


def begin(
    out: pathlib.Path, name: str, settings: Mapping[str, Any], folders: Sequence[str]
) -> pathlib.Path:
    """Makes the folders, or finds those of an interrupted call.

    Args:
        out: the directory.
        name: of the file of settings when the set is finished; until then it begins with a dot.
        settings: what an unfinished set must have been asked for, no more and no less; `INPUTS` is
            not among them.
        folders: below `out`.

    Returns:
        The unfinished set's file of settings.

    Raises:
        UserError: if `out` holds anything else.
    """
    unfinished = out / f".{name}"
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} must be a directory, but it is a file")
    inputs: dict[str, Any] = {}
    if unfinished.is_file():
        known = _settings_in(unfinished)
        if isinstance(known, dict) and INPUTS in known:
            inputs = {INPUTS: known.pop(INPUTS)}
        if known != settings:
            raise UserError(
                f"{out} holds an unfinished set of other options (see {unfinished}); "
                "give the same ones, or another directory"
            )
    elif out.exists() and any(out.iterdir()):
        raise UserError(f"{out} must be new or empty, but it holds files")
    with as_user_error(f"{out}: cannot be written"):
        for folder in folders:
            (out / folder).mkdir(parents=True, exist_ok=True)
    files.write_json(unfinished, {**settings, **inputs})
    return unfinished


def require_inputs(unfinished: pathlib.Path, digest: str) -> None:
    """Notes what a set is made from, or finds it to be what the interrupted call made it from.

    Args:
        unfinished: what `begin` returned.
        digest: of the inputs.

    Raises:
        UserError: if it was made from others, whose pictures would stay in it.
    """
    settings = json.loads(unfinished.read_bytes())
    if settings.setdefault(INPUTS, digest) != digest:
        raise UserError(
            f"{unfinished.parent} holds an unfinished set of other inputs (see {unfinished}); "
            "give the same ones, or another directory"
        )
    files.write_json(unfinished, settings)


def _settings_in(path: pathlib.Path) -> Any:
    """What the file says; None if it is damaged or in another encoding."""
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        return None
