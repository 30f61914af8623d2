"""Which networks of a run are its best."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ganimation_tf.config import TrainConfig
from ganimation_tf.training.callbacks.judged import ERROR


class Score(NamedTuple):
    """How good an epoch's networks are.

    Attributes:
        kind: of the scale; scores of two kinds say nothing of each other.
        value: the lower, the better.
    """

    kind: str
    value: float


def is_best(score: Score, before: Mapping[str, Any]) -> bool:
    """Whether a score is as good as the best so far, or that one is of another kind.

    Args:
        before: its `kind` and `score`; empty: there is none. Older states do not say the kind.
    """
    if before.get("kind", score.kind) != score.kind:
        return True
    return score.value <= before.get("score", score.value)


def make_score(
    config: TrainConfig, judge: str | None = None
) -> Callable[[Mapping[str, float]], Score | None]:
    """Names the best epoch: by truth where it is known, else by a judge, if there is one, else by
    the errors of AUs and cycle.

    Realism is left out: it is the critic's own scale, which moves from epoch to epoch.

    Args:
        judge: its name.
    """

    def score(logs: Mapping[str, float]) -> Score | None:
        if "val_cycle" not in logs:
            return None
        if logs.get("val_truth_error"):
            return Score("truth", float(logs["val_truth_error"]))
        if judge is not None:
            return Score(f"judge {judge}", logs[ERROR]) if ERROR in logs else None
        weights = config.loss_weights
        errors = weights.action_units * logs["val_generator_action_units"]
        return Score("errors", float(errors + weights.cycle * logs["val_cycle"]))

    return score
