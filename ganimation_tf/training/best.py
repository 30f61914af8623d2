"""Which networks of a run are its best."""

from collections.abc import Callable, Mapping

from ganimation_tf.config import TrainConfig
from ganimation_tf.training.callbacks.judged import ERROR


def make_score(
    config: TrainConfig, judged: bool = False
) -> Callable[[Mapping[str, float]], float | None]:
    """Names the best epoch: by truth where it is known, else by a judge, if there is one, else by
    the errors of AUs and cycle.

    Realism is left out: it is the critic's own scale, which moves from epoch to epoch.
    """

    def score(logs: Mapping[str, float]) -> float | None:
        if "val_cycle" not in logs:
            return None
        if logs.get("val_truth_error"):
            return float(logs["val_truth_error"])
        if judged:
            return logs.get(ERROR)
        weights = config.loss_weights
        return float(
            weights.action_units * logs["val_generator_action_units"]
            + weights.cycle * logs["val_cycle"]
        )

    return score
