"""`dvc repro` with what it takes for granted looked at first."""

import contextlib
import pathlib
import shlex
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ganimation_tf import files
from ganimation_tf.errors import UserError, as_user_error
from ganimation_tf.evaluation import wording
from ganimation_tf.evaluation.gate import Gate
from ganimation_tf.line import project

_LOCK = ".dvc/tmp/ganimation-line.lock"


def run(
    directory: pathlib.Path, parse: Callable[[list[str]], object], more: Sequence[str] = ()
) -> int:
    """Runs the steps whose inputs, parameters or outputs are not those of the last time.

    Args:
        parse: takes the arguments of each command of the steps before any is run, and says which of
            them cannot be.
        more: for `dvc repro`, such as the name of a step.

    Returns:
        0 if all is done, 1 if a step failed, whose own words say why.

    Raises:
        UserError: if there is no line, its parameters cannot be right, or another process runs it.
        KeyboardInterrupt: on Ctrl-C, when step and DVC have ended by it.
    """
    if not (directory / project.PIPELINE).is_file() or not (directory / ".dvc").is_dir():
        raise UserError(f"{directory} has no line: ganimation line init {directory} makes one")
    check(directory)
    for arguments in commands(directory):
        parse(arguments)
    lock = directory / _LOCK
    with as_user_error(f"{lock.parent}: cannot be written"):
        lock.parent.mkdir(parents=True, exist_ok=True)
    with (
        files.locked(lock, f"{directory}: the line is being run by another process") as claim,
        _patient(),
    ):
        # DVC holds it as well, for it goes on where only this process is killed.
        done = project.dvc(directory, ["repro", *more], pass_fds=(claim,))
        return 1 if done.returncode else 0


@contextlib.contextmanager
def _patient() -> Iterator[None]:
    """Ctrl-C, which reaches all processes of the line, ends this one last.

    A step saves its state then and DVC notes that it did not end well; `subprocess` would kill DVC.
    """
    asked: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if before != signal.SIG_IGN:  # it is, in a job in the background
        signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt


def check(directory: pathlib.Path) -> None:
    """Looks at what would otherwise be known only after hours: the gates, and who is allowed.

    Raises:
        UserError: naming the parameter, the rule and the value.
    """
    params = _read(directory / project.PARAMS)
    evaluator = params.get("evaluator") or {}
    gates = evaluator.get("gate") or []
    where = f"{directory / project.PARAMS}: evaluator.gate"
    if isinstance(gates, str):
        gates = [gates]
    if not isinstance(gates, list) or not gates:
        raise UserError(f"{where} must list at least one condition: nothing is pushed without one")
    for text in gates:
        gate = Gate.parse(str(text))
        wording.require_known(gate.metric, f"{where} {text}")


def commands(directory: pathlib.Path) -> Iterator[list[str]]:
    """The arguments of each `ganimation` of the steps, with those that come from `params.yaml`.

    Raises:
        UserError: if DVC cannot make commands of the two files.
    """
    from dvc.exceptions import DvcException
    from dvc.parsing import DataResolver
    from dvc.repo import Repo

    pipeline = directory / project.PIPELINE
    with as_user_error(str(pipeline), DvcException), Repo(str(directory)) as repo:
        stages = DataResolver(repo, str(directory), _read(pipeline)).resolve()["stages"]
    for stage in stages.values():
        texts = [stage["cmd"]] if isinstance(stage["cmd"], str) else stage["cmd"]
        for program, *arguments in map(shlex.split, texts):
            if program == "ganimation":
                yield arguments


def _read(path: pathlib.Path) -> dict[str, Any]:
    from ruamel.yaml import YAML, YAMLError  # it comes with DVC

    with as_user_error(f"{path}: cannot be read", OSError, YAMLError, UnicodeDecodeError):
        sections = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    if not isinstance(sections, dict):
        raise UserError(f"{path} must have a section for each step")
    return sections
