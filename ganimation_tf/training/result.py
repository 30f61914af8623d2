"""What comes next after a finished run has of it: a directory of a name that stays the same."""

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


def write(run: pathlib.Path, directory: pathlib.Path) -> None:
    """Makes `directory` a copy of a run: without its logs and without any state but the newest.

    It is a run like any other: it can be exported, evaluated, shown and started from. What was in
    `directory` is replaced.

    Raises:
        UserError: if it cannot be written, or holds what is no earlier copy or the run itself.
    """
    there = directory.resolve()
    if run.resolve().is_relative_to(there) or there.is_relative_to(run.resolve()):
        raise UserError(f"{directory}: a copy of {run} cannot hold it or lie in it")
    if there.is_dir() and any(there.iterdir()) and not (there / METRICS).is_file():
        raise UserError(f"{directory}: it holds other files now, and no earlier result")
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
