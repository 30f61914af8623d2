"""What each figure of a report means, in words, and how it is printed."""

import difflib
import math
from collections.abc import Iterator, Sequence

from ganimation_tf.errors import UserError
from ganimation_tf.evaluation.intervals import Interval
from ganimation_tf.evaluation.report import Difference, Report

MEANINGS = {
    "truth_error": "|edit - truth|² / |input - truth|²: 0 perfect, 1 as good as the input",
    "truth_share": "share of the true change that is made: 1 all, 0 nothing",
    "truth_gradients": "energy of the change's gradients, of the truth's: below 1 is blurred",
    "truth_edges": "strength of edges where the truth changes, of the truth's: below 1 is blurred",
    "truth_l1": "mean absolute error on the face, of 1",
    "truth_psnr": "peak signal to noise ratio on the face, dB",
    "truth_ssim": "structural similarity on the face, at most 1",
    "background": "RMSE where nothing is to change, of 1",
    "zero_edit": "RMSE of an edit that asks for no change, of 1",
    "cycle": "mean absolute error of the way there and back, of 1",
    "attention_mean": "mean of the attention mask: 1 keeps the input",
    "attention_saturated": "share of the mask that is all or nothing",
    "attention_overlap": "mask and true change: intersection over union",
    "critic_mae": "AU error of the edits as the model's own critic sees it, of 5",
    "critic_copy_mae": "what the critic would say of the inputs, of 5",
    "identity": "cosine of FaceNet's embeddings of input and edit: 1 the same face",
    "identity_distance": "distance of these embeddings: 0 the same face",
    "identity_of_others": "mean cosine of different people",
    "identity_of_truth": "cosine of input and truth: what expressions alone do",
    "head_pose": "RMS of the change of pitch, yaw and roll, radians",
    "head_pose_of_truth": "that of input and truth: what expressions alone do",
    "head_pose_no_face": "edits in which no pose is found",
    "kid": "Kernel Inception Distance of edits from photographs",
    "kid_deviation": "its deviation over 100 subsets of 250",
}
"""Of the figures with one name."""

OF_JUDGES = {
    "mae": "mean absolute AU error, of 5",
    "mse": "mean squared AU error, of 25",
    "copy_mae": "that of the inputs, had nothing been edited",
    "rmse": "root mean squared error, mean over the AUs, of 5",
    "pearson": "correlation with what was asked, mean over the AUs",
    "icc": "ICC(3,1) with what was asked, mean over the AUs",
    "copy_pearson": "correlation, had nothing been edited",
    "copy_icc": "ICC(3,1), had nothing been edited",
    "own_mae": "the judge's own error on unedited faces, of 5",
    "own_pearson": "the judge's own correlation on unedited faces",
    "no_face": "edits in which it finds no face",
    "unreadable": "inputs in which it finds no face",
    "monotonicity": "how surely a sweep of an AU reads as rising: 1 always",
    "raised": "share of sweeps that end higher than they begin",
    "drift": "mean change of the AUs that were not swept, of 5",
}
"""Of the figures that each judge gives, after its name and `_`."""


def require_known(name: str, where: str) -> None:
    """Raises `UserError` if no evaluation can measure a figure of this name.

    Args:
        where: names who asks for it.
    """
    if name in MEANINGS or any(name.endswith(f"_{figure}") for figure in OF_JUDGES):
        return
    near = difflib.get_close_matches(name, MEANINGS, n=1)
    there = f"did you mean {near[0]}?" if near else f"there is {', '.join(MEANINGS)}"
    raise UserError(f"{where}: no evaluation measures {name!r}; {there}")


def meaning(name: str, judges: Sequence[str]) -> str:
    """What a figure says, in some words.

    Args:
        judges: names of the judges of the report.
    """
    for judge in judges:
        if name.removeprefix(f"{judge}_") in OF_JUDGES and name.startswith(f"{judge}_"):
            return f"{judge}: {OF_JUDGES[name.removeprefix(f'{judge}_')]}"
    return MEANINGS.get(name, "")


def order(report: Report) -> list[str]:
    """The figures' names: truth first, then judges, then the rest."""
    judges = judge_names(report)
    known = [
        *list(MEANINGS)[:12],
        *(f"{judge}_{name}" for judge in judges for name in OF_JUDGES),
        *list(MEANINGS)[12:],
    ]
    listed = [name for name in known if name in report.metrics]
    return listed + sorted(name for name in report.metrics if name not in known)


def judge_names(report: Report) -> list[str]:
    """The AU judges of a report."""
    return [judge["name"] for judge in report.facts["judges"]]


def number(value: float | None) -> str:
    """Four digits; – for what is not known."""
    if value is None or math.isnan(value):
        return "–"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def range_of(interval: Interval | None) -> str:
    """`0.31 to 0.42`; empty without an interval."""
    return "" if interval is None else f"{number(interval.low)} to {number(interval.high)}"


def lines(report: Report, differences: Sequence[Difference] = ()) -> Iterator[str]:
    """A line for each figure, for a terminal."""
    gaps = {one.metric: one for one in differences}
    judges = judge_names(report)
    width = max(map(len, report.metrics), default=0)
    for name in order(report):
        line = f"{name:{width}}  {number(report.metrics[name]):>8}  "
        line += f"{range_of(report.intervals.get(name)):20}"
        if name in gaps:
            gap = gaps[name]
            line += f"  {gap.gap:+.4f} against the baseline"
            if gap.interval:
                line += f" ({gap.interval.low:+.4f} to {gap.interval.high:+.4f})"
        yield f"{line}  {meaning(name, judges)}".rstrip()
