"""The alarms of training: a symptom in numbers, the likely cause and the option that helps.

What is normal at the beginning is not judged before a warm-up is over: on photos the generator
first learns to keep every pixel, and for some hundred steps it does nothing else.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping

from ganimation_tf.config import TrainConfig

COPIES, PAINTS = 0.95, 0.05
"""Mean attention above and below which hardly a pixel is painted, or kept."""

UNIFORM_STD, HARD_SHARE = 0.01, 0.98
NO_GAIN = 0.95
"""An AU error above this part of its baseline is no better than the baseline."""

PENALTY_LIMIT = 0.5
"""Gradient penalty of a slope of 0.3 or 1.7, which should be 1."""

COLLAPSED_SHARE = -1e-3
"""A gap below this part of `gap_limit` is negative; at 0, where training should end, it is not."""

EXPLODED_TIMES, EXPLODED_NORM = 100.0, 1e4
VANISHED_TIMES, VANISHED_NORM = 1e-3, 1e-6
"""A gradient norm is judged against its usual value, and by itself."""

GRADIENTS = ("critic_gradient", "generator_gradient")

WORSE_THAN_INPUT = 1.0
"""Truth error of returning the input."""

Means = Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Baselines:
    """What the numbers are compared with.

    Attributes:
        mean_error: AU error of predicting the mean: the mean variance of the training AUs.
        gap_limit: see `largest_gap`.
    """

    mean_error: float
    gap_limit: float


def largest_gap(image_size: int, patches: int) -> float:
    """The largest difference of mean patch scores that a critic of slope 1 can make.

    Two images in [-1, 1] are at most `2 * sqrt(3) * image_size` apart, so the sum of the scores,
    whose slope the gradient penalty holds at 1, differs by no more than that.

    Args:
        image_size: S.
        patches: P, of P x P scores.
    """
    return 2.0 * math.sqrt(3.0) * image_size / patches**2


@dataclasses.dataclass(frozen=True)
class Alarm:
    """A symptom, and what it means.

    Attributes:
        code: its name.
        at_once: whether it is judged from the first step, without a warm-up.
        symptom: the window's means, the baselines and the usual value of each gradient norm, to
            the symptom in words with its numbers; None if there is none.
        advice: likely cause and remedy, with options in braces.
        of_critic: whether it says something only where the critic teaches the generator.
    """

    code: str
    at_once: bool
    symptom: Callable[[Means, Baselines, Means], str | None]
    advice: str
    of_critic: bool = False


def _gains(means: Means) -> bool:
    return means["generator_action_units"] < NO_GAIN * means["unedited_action_units"]


def _reads(means: Means, baselines: Baselines) -> bool:
    return means["critic_action_units"] < NO_GAIN * baselines.mean_error


def _copies(means: Means) -> bool:
    """Little paint alone is no fault: what there is may be in the right place."""
    return means["mask_mean"] > COPIES and not _gains(means)


def _copies_input(means, baselines, usual):
    return f"attention mean {means['mask_mean']:.2f}" if _copies(means) else None


def _paints_everything(means, baselines, usual):
    return f"attention mean {means['mask_mean']:.2f}" if means["mask_mean"] < PAINTS else None


def _uniform_mask(means, baselines, usual):
    if PAINTS <= means["mask_mean"] <= COPIES and means["mask_std"] < UNIFORM_STD:
        return f"attention {means['mask_mean']:.2f} at every pixel"


def _hard_mask(means, baselines, usual):
    if PAINTS <= means["mask_mean"] <= COPIES and means["mask_saturated"] > HARD_SHARE:
        return f"{means['mask_saturated']:.1%} of the attention within 0.05 of 0 or 1"


def _critic_blind(means, baselines, usual):
    if not _reads(means, baselines):
        return (
            f"the critic's AU error {means['critic_action_units']:.4f} against "
            f"{baselines.mean_error:.4f} for predicting the mean"
        )


def _no_visible_edit(means, baselines, usual):
    if _reads(means, baselines) and not _gains(means) and not _copies(means):
        return (
            f"the generator's AU error {means['generator_action_units']:.4f} against "
            f"{means['unedited_action_units']:.4f} without any edit"
        )


def _critic_fooled(means, baselines, usual):
    """Where the truth is known: without pairs there is no such error."""
    wrong = means.get("truth_error", 0.0)
    if wrong > WORSE_THAN_INPUT and _reads(means, baselines) and _gains(means):
        return (
            f"the critic says that edits show what was asked (AU error "
            f"{means['generator_action_units']:.4f} against {means['unedited_action_units']:.4f} "
            f"without any edit), the truth says that they are worse than the input (squared error "
            f"{wrong:.2f} of it)"
        )


def _gap_collapsed(means, baselines, usual):
    gap = -means["critic_realism"]
    # A copy is as real as its original.
    if gap < COLLAPSED_SHARE * baselines.gap_limit and not _copies(means):
        return f"realism gap {gap:.3g}"


def _gap_exploded(means, baselines, usual):
    gap = abs(means["critic_realism"])
    if gap > baselines.gap_limit:
        return f"realism gap {gap:.3g}, more than {baselines.gap_limit:.3g}"


def _slope_wrong(means, baselines, usual):
    if means["gradient_penalty"] > PENALTY_LIMIT:
        return f"gradient penalty {means['gradient_penalty']:.2f}"


def _exploded(name: str):
    return _norm_alarm(
        name, lambda norm, usual: norm > EXPLODED_NORM or norm > EXPLODED_TIMES * usual
    )


def _vanished(name: str):
    return _norm_alarm(
        name, lambda norm, usual: norm < VANISHED_NORM or norm < VANISHED_TIMES * usual
    )


def _norm_alarm(name: str, wrong: Callable[[float, float], bool]):
    def symptom(means, baselines, usual):
        # Against NaN, as long as nothing is usual, every comparison is false.
        norm, before = means[name], usual.get(name, math.nan)
        if wrong(norm, before):
            known = "" if math.isnan(before) else f" (usually {before:.2g})"
            return f"gradient norm of the {name.split('_')[0]} {norm:.2g}{known}"

    return symptom


ALARMS = (
    Alarm(
        "copies_input",
        False,
        _copies_input,
        "the generator copies its input; check the AU labels in the dataset's report.html, or "
        "raise {--loss.action-units}",
        of_critic=True,
    ),
    Alarm(
        "paints_everything",
        True,
        _paints_everything,
        "the generator paints every pixel anew and the person is lost; lower {--loss.attention} "
        "or raise {--loss.cycle}",
    ),
    Alarm(
        "uniform_mask",
        False,
        _uniform_mask,
        "the mask chooses no place, the color lies over the image like a veil; lower "
        "{--loss.total-variation}",
    ),
    Alarm(
        "hard_mask",
        False,
        _hard_mask,
        "a mask of all or nothing hardly learns any more and its edges show; raise "
        "{--loss.total-variation} or lower {--learning-rate}",
    ),
    Alarm(
        "critic_blind",
        False,
        _critic_blind,
        "the critic has not learnt to see expressions, so the generator cannot either; labels "
        "and faces may not belong together (look at report.html), else raise "
        "{--loss.action-units} or {--critic-filters}",
        of_critic=True,
    ),
    Alarm(
        "no_visible_edit",
        False,
        _no_visible_edit,
        "the generator paints, but the expression stays; raise {--loss.action-units} or lower "
        "{--loss.cycle}",
        of_critic=True,
    ),
    Alarm(
        "critic_fooled",
        False,
        _critic_fooled,
        "the generator draws patterns that the critic takes for expressions; let it learn from "
        "the truth: raise {--loss.truth}, or lower {--loss.action-units}",
        of_critic=True,
    ),
    Alarm(
        "gap_collapsed",
        False,
        _gap_collapsed,
        "the critic takes the generator's images for more real than photos; raise "
        "{--critic-steps} or {--critic-filters}, or lower {--loss.action-units}",
        of_critic=True,
    ),
    Alarm(
        "gap_exploded",
        True,
        _gap_exploded,
        "no critic of slope 1 can tell images so far apart: the gradient penalty has lost hold; "
        "raise {--loss.gradient-penalty} or lower {--learning-rate}",
        of_critic=True,
    ),
    Alarm(
        "slope_wrong",
        False,
        _slope_wrong,
        "the critic's slope is far from 1, and its realism tells the generator little; raise "
        "{--loss.gradient-penalty} or lower {--learning-rate}",
        of_critic=True,
    ),
    *(
        Alarm(
            f"{name}_exploded",
            True,
            _exploded(name),
            "training is about to diverge; lower {--learning-rate}",
        )
        for name in GRADIENTS
    ),
    *(
        Alarm(
            f"{name}_vanished",
            True,
            _vanished(name),
            "the network has stopped learning: its units are saturated or dead; begin a new run "
            "with a lower {--learning-rate}",
        )
        for name in GRADIENTS
    ),
)


def _judge_disagrees(means, baselines, usual):
    error = means["judge_error"]
    if error >= WORSE_THAN_INPUT and _gains(means):
        return (
            f"the critic says that edits show what was asked (AU error "
            f"{means['generator_action_units']:.4f} against {means['unedited_action_units']:.4f} "
            f"without any edit), the judge sees {error:.2f} of the input's error"
        )


OF_JUDGEMENTS = Alarm(
    "judge_disagrees",
    False,
    _judge_disagrees,
    "the generator draws patterns that the critic takes for expressions; train on pairs, where "
    "the truth is known, or lower {--loss.action-units}",
    of_critic=True,
)
"""Of what a judge says at the end of an epoch, not of windows of steps."""


def alarms_for(config: TrainConfig) -> tuple[Alarm, ...]:
    """Those that mean something where a config does without the critic's judgement."""
    return tuple(
        alarm for alarm in ALARMS if config.loss_weights.uses_critic or not alarm.of_critic
    )
