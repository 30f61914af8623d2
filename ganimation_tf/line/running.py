"""`dvc repro` with what it takes for granted looked at first."""

import pathlib
from collections.abc import Sequence
from typing import Any

from ganimation_tf import files
from ganimation_tf.errors import UserError, as_user_error
from ganimation_tf.evaluation import wording
from ganimation_tf.evaluation.gate import Gate
from ganimation_tf.line import project

_LOCK = ".dvc/tmp/ganimation-line.lock"


def run(directory: pathlib.Path, more: Sequence[str] = ()) -> int:
    """Runs the steps whose inputs, parameters or outputs are not those of the last time.

    Args:
        more: for `dvc repro`, such as the name of a step.

    Returns:
        DVC's exit code: 0 if all is done, 1 if a step failed, whose own words say why.

    Raises:
        UserError: if there is no line, its parameters cannot be right, or another process runs it.
    """
    if not (directory / project.PIPELINE).is_file() or not (directory / ".dvc").is_dir():
        raise UserError(f"{directory} has no line: ganimation line init {directory} makes one")
    check(directory)
    lock = directory / _LOCK
    with as_user_error(f"{lock.parent}: cannot be written"):
        lock.parent.mkdir(parents=True, exist_ok=True)
    with files.locked(lock, f"{directory}: the line is being run by another process"):
        return min(1, project.dvc(directory, ["repro", *more]).returncode)


def check(directory: pathlib.Path) -> None:
    """Looks at what would otherwise be known only after hours: the gates, and who is allowed.

    Raises:
        UserError: naming the parameter, the rule and the value.
    """
    params = _read_params(directory / project.PARAMS)
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


def _read_params(path: pathlib.Path) -> dict[str, Any]:
    from ruamel.yaml import YAML, YAMLError  # it comes with DVC

    with as_user_error(f"{path}: cannot be read", OSError, YAMLError, UnicodeDecodeError):
        params = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    if not isinstance(params, dict):
        raise UserError(f"{path} must have a section for each step")
    return params
