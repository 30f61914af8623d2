"""What comes next after a finished run has of it: a directory of a name that stays the same."""

import contextlib
import json
import pathlib
import shutil

from ganimation_tf.errors import UserError, as_user_error
from ganimation_tf.files import scratch
from ganimation_tf.training import runs

METRICS, HISTORY = "metrics.json", "history.json"
"""What tells runs apart, of the last line of `metrics.jsonl`; and all of its lines."""

TOLD = ("step", "epoch", "loss", "val_loss", "val_truth_error", "val_judge_error")

TIMES = ("seconds", "images_per_second")
"""Of a line: what is another one each time."""


def require_place(directory: pathlib.Path, runs_or_run: pathlib.Path) -> None:
    """Looks at the place of a copy, for all that is there is replaced.

    Args:
        directory: where the copy is to be.
        runs_or_run: the run, or what holds it.

    Raises:
        UserError: if it is neither new nor empty nor an earlier copy, or holds the run or lies in
            one.
    """
    there = directory.resolve()
    if there.exists() and not there.is_dir():
        raise UserError(f"--result {directory} must be a directory, but it is a file")
    if there.is_dir() and any(there.iterdir()) and not (there / HISTORY).is_file():
        raise UserError(f"--result {directory} must be new or empty, but it holds other files")
    inside = next(filter(_is_run, there.parents), None)
    if inside is not None:
        raise UserError(f"--result {directory} lies in the run {inside}: choose another folder")
    if runs_or_run.resolve().is_relative_to(there):
        raise UserError(
            f"--result {directory} is replaced as a whole, and {runs_or_run} lies there: choose "
            "another folder"
        )


def _is_run(directory: pathlib.Path) -> bool:
    with contextlib.suppress(UserError):  # any program may have a config.json
        runs.read_facts(directory)
        return True
    return False


def write(run: pathlib.Path, directory: pathlib.Path) -> None:
    """Makes `directory` a copy of a run: without its logs and without any state but the newest.

    It is a run like any other: it can be exported, evaluated, shown and started from. What was in
    `directory` is replaced.

    Raises:
        UserError: if it cannot be written, or `require_place` refuses it.
    """
    require_place(directory, run)  # it may have appeared while the run was trained
    newest = {path.name for path in runs.saved_states(run)[-1:]}

    def left_out(folder: str, names: list[str]) -> list[str]:
        if pathlib.Path(folder) == run:
            return [name for name in names if name in ("logs", runs.LOCK)]
        if pathlib.Path(folder) == run / "checkpoints":
            return [name for name in names if name not in newest]
        return []

    with as_user_error(f"{directory}: cannot be written", OSError, shutil.Error):
        directory.parent.mkdir(parents=True, exist_ok=True)
        with scratch(directory) as partial:
            shutil.copytree(run, partial, ignore=left_out)
            _write_metrics(partial)
            if directory.exists():
                shutil.rmtree(directory)
            partial.rename(directory)


def _write_metrics(run: pathlib.Path) -> None:
    lines = (run / runs.METRICS).read_text(encoding="utf-8").splitlines()
    history = [
        {name: value for name, value in json.loads(line).items() if name not in TIMES}
        for line in lines
    ]
    last = {name: value for name, value in history[-1].items() if name in TOLD} if history else {}
    for name, content in ((METRICS, last), (HISTORY, history)):
        (run / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
