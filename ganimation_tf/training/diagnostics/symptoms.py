"""The symptoms of training, in numbers: each a function of a window's means.

It takes the means, the baselines and the usual value of each gradient norm, and returns the symptom
in words with its numbers, or None.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping

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


Symptom = Callable[[Means, Baselines, Means], str | None]
"""See above."""


def largest_gap(image_size: int, patches: int) -> float:
    """The largest difference of mean patch scores that a critic of slope 1 can make.

    Two images in [-1, 1] are at most `2 * sqrt(3) * image_size` apart, so the sum of the scores,
    whose slope the gradient penalty holds at 1, differs by no more than that.

    Args:
        image_size: S.
        patches: P, of P x P scores.
    """
    return 2.0 * math.sqrt(3.0) * image_size / patches**2


def _gains(means: Means) -> bool:
    return means["generator_action_units"] < NO_GAIN * means["unedited_action_units"]


def _reads(means: Means, baselines: Baselines) -> bool:
    return means["critic_action_units"] < NO_GAIN * baselines.mean_error


def _copies(means: Means) -> bool:
    """Little paint alone is no fault: what there is may be in the right place."""
    return means["mask_mean"] > COPIES and not _gains(means)


def copies_input(means: Means, baselines: Baselines, usual: Means) -> str | None:
    """Hardly a pixel is painted, and the AUs do not come nearer."""
    return f"attention mean {means['mask_mean']:.2f}" if _copies(means) else None


def paints_everything(means: Means, baselines: Baselines, usual: Means) -> str | None:
    """Hardly a pixel of the input is kept."""
    return f"attention mean {means['mask_mean']:.2f}" if means["mask_mean"] < PAINTS else None


def uniform_mask(means: Means, baselines: Baselines, usual: Means) -> str | None:
    """The mask is the same at every pixel."""
    if PAINTS <= means["mask_mean"] <= COPIES and means["mask_std"] < UNIFORM_STD:
        return f"attention {means['mask_mean']:.2f} at every pixel"
    return None


def hard_mask(means: Means, baselines: Baselines, usual: Means) -> str | None:
    """The mask takes all or nothing nearly everywhere."""
    if PAINTS <= means["mask_mean"] <= COPIES and means["mask_saturated"] > HARD_SHARE:
        return f"{means['mask_saturated']:.1%} of the attention within 0.05 of 0 or 1"
    return None


def critic_blind(means: Means, baselines: Baselines, usual: Means) -> str | None:
    """The critic reads AUs no better than their mean would."""
    if not _reads(means, baselines):
        return (
            f"the critic's AU error {means['critic_action_units']:.4f} against "
            f"{baselines.mean_error:.4f} for predicting the mean"
        )
    return None


def no_visible_edit(means: Means, baselines: Baselines, usual: Means) -> str | None:
    """The critic reads AUs, and sees no change in what the generator paints."""
    if _reads(means, baselines) and not _gains(means) and not _copies(means):
        return (
            f"the generator's AU error {means['generator_action_units']:.4f} against "
            f"{means['unedited_action_units']:.4f} without any edit"
        )
    return None


def critic_fooled(means: Means, baselines: Baselines, usual: Means) -> str | None:
    """Where the truth is known: without pairs there is no such error."""
    wrong = means.get("truth_error", 0.0)
    if wrong > WORSE_THAN_INPUT and _reads(means, baselines) and _gains(means):
        return (
            f"the critic says that edits show what was asked (AU error "
            f"{means['generator_action_units']:.4f} against {means['unedited_action_units']:.4f} "
            f"without any edit), the truth says that they are worse than the input (squared error "
            f"{wrong:.2f} of it)"
        )
    return None


def gap_collapsed(means: Means, baselines: Baselines, usual: Means) -> str | None:
    """The generator's images are more real than photos to the critic."""
    gap = -means["critic_realism"]
    # A copy is as real as its original.
    if gap < COLLAPSED_SHARE * baselines.gap_limit and not _copies(means):
        return f"realism gap {gap:.3g}"
    return None


def gap_exploded(means: Means, baselines: Baselines, usual: Means) -> str | None:
    """The critic tells images apart further than a slope of 1 allows."""
    gap = abs(means["critic_realism"])
    if gap > baselines.gap_limit:
        return f"realism gap {gap:.3g}, more than {baselines.gap_limit:.3g}"
    return None


def slope_wrong(means: Means, baselines: Baselines, usual: Means) -> str | None:
    """The critic's slope is far from 1."""
    if means["gradient_penalty"] > PENALTY_LIMIT:
        return f"gradient penalty {means['gradient_penalty']:.2f}"
    return None


def exploded(name: str) -> Symptom:
    """The norm of a gradient, `name`, is far above what is usual."""
    return _norm_alarm(
        name, lambda norm, usual: norm > EXPLODED_NORM or norm > EXPLODED_TIMES * usual
    )


def vanished(name: str) -> Symptom:
    """The norm of a gradient, `name`, is far below what is usual."""
    return _norm_alarm(
        name, lambda norm, usual: norm < VANISHED_NORM or norm < VANISHED_TIMES * usual
    )


def _norm_alarm(name: str, wrong: Callable[[float, float], bool]) -> Symptom:
    def symptom(means: Means, baselines: Baselines, usual: Means) -> str | None:
        # Against NaN, as long as nothing is usual, every comparison is false.
        norm, before = means[name], usual.get(name, math.nan)
        if wrong(norm, before):
            known = "" if math.isnan(before) else f" (usually {before:.2g})"
            return f"gradient norm of the {name.split('_')[0]} {norm:.2g}{known}"
        return None

    return symptom


def judge_disagrees(means: Means, baselines: Baselines, usual: Means) -> str | None:
    """The critic sees the AUs that were asked for, a judge does not."""
    error = means["judge_error"]
    if error >= WORSE_THAN_INPUT and _gains(means):
        return (
            f"the critic says that edits show what was asked (AU error "
            f"{means['generator_action_units']:.4f} against {means['unedited_action_units']:.4f} "
            f"without any edit), the judge sees {error:.2f} of the input's error"
        )
    return None
