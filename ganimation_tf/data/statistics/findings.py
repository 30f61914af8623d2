"""What a look at the statistics should warn of, in words.

The thresholds come from OpenFace's output on 1370 faces (1000 portraits, 370 generated emotional
faces): the highest mean of an AU is 0.28 (AU07), AU45 is active on 3 % of the faces.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

from ganimation_tf.data import manifest
from ganimation_tf.data.statistics import shifts
from ganimation_tf.data.statistics.binning import UNIT
from ganimation_tf.data.statistics.moments import mean
from ganimation_tf.data.statistics.split import ACTIVE, UPSIDE_DOWN, SplitStatistics

FEW_IMAGES = 10_000
RARE_SHARE = 0.01
RARE_FACES = 50
FEW_SHARE = 0.05
"""An AU is rare below 1 % of the faces, and below 50 faces unless that is more than 5 %."""

STRONG_MEAN = 0.6
BLINK_SHARE = 0.5
CLIPPED_SHARE = 0.01
REJECTED_SHARE = 0.2
ENLARGED_SHARE = 0.5
DOUBTFUL_SHARE = 0.02
"""Share of faces in the wrong place that is no accident: 1 of 1370 real ones looks like one."""

JUDGED_FACES = 100
"""Faces from which on a distribution is judged."""

SCALED_FACES = 20
"""Faces of which at least one shows something, if not all are chosen to be neutral."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """A warning: a code for machines and a sentence for people."""

    code: str
    message: str


def findings(
    splits: Mapping[str, SplitStatistics], rejected: int, action_units: Sequence[str]
) -> list[Finding]:
    """All warnings about a dataset.

    Args:
        splits: the statistics of each split.
        rejected: number of rejected inputs.
        action_units: the N names.
    """
    whole = SplitStatistics.empty(len(action_units))
    for numbers in splits.values():
        whole.merge(numbers)
    return [
        *_labels(whole, action_units),
        *_scale(whole, action_units),
        *_shift(whole, action_units),
        *_places(whole),
        *_coverage(splits, action_units),
        *_amount(splits, whole, rejected),
    ]


def _labels(whole: SplitStatistics, action_units: Sequence[str]) -> Iterator[Finding]:
    """Distributions that no annotator gives."""
    count, means = whole.records, mean(whole)
    if count < JUDGED_FACES:
        return
    for unit, name in enumerate(action_units):
        low, high = int(whole.lowest[unit]) / UNIT, int(whole.highest[unit]) / UNIT
        if low == high > 0:
            yield Finding(
                "constant_au",
                f"{name} is {high:g} on all {count} faces: labels look shifted, "
                "this may be another column",
            )
        elif means[unit] > STRONG_MEAN:
            yield Finding(
                "strong_au",
                f"{name} has a mean of {means[unit]:.2f}; above {STRONG_MEAN} no AU is plausible: "
                "labels look shifted, or the scale is wrong",
            )
    if "AU45" in action_units:
        unit = list(action_units).index("AU45")
        closed = int(whole.together[unit, unit])
        if closed > BLINK_SHARE * count:
            yield Finding(
                "eyes_closed",
                f"AU45 (blink) is active on {closed} of {count} faces, but most photos show open "
                "eyes: labels look shifted",
            )


def _scale(whole: SplitStatistics, action_units: Sequence[str]) -> Iterator[Finding]:
    """Intensities that are none, or of another scale."""
    count = whole.records
    highest = int(whole.highest.max()) / UNIT if count else 0.0
    if count >= SCALED_FACES and 0 < highest <= ACTIVE:
        yield Finding(
            "low_scale",
            f"no intensity is above {highest:g}: the scale of the annotations may be smaller than "
            "was assumed",
        )
    if count < JUDGED_FACES:
        return
    if whole.total.any() and not whole.histogram[:, 1:-1].any():
        yield Finding(
            "binary_labels",
            "all intensities are 0 or 1: this is presence, and the model will not learn "
            "intensities in between",
        )
    clipped = [
        f"{name} ({int(values)})"
        for name, values in zip(action_units, whole.clipped, strict=True)
        if values > CLIPPED_SHARE * count
    ]
    if clipped:
        yield Finding(
            "clipped",
            f"more than {CLIPPED_SHARE:.0%} of the values lay outside the source's scale: "
            f"{', '.join(clipped)}",
        )


def _shift(whole: SplitStatistics, action_units: Sequence[str]) -> Iterator[Finding]:
    if message := shifts.shifted(whole, action_units):
        yield Finding("shifted_labels", message)


def _places(whole: SplitStatistics) -> Iterator[Finding]:
    """Landmarks on other pixels than they were measured on."""
    least = max(1, DOUBTFUL_SHARE * whole.records)
    worst = [ranked.item for ranked in whole.doubtful.items]
    if whole.bright_eyes >= least:
        keys = ", ".join(face.key for face, contrast, _ in worst if contrast < 0)
        yield Finding(
            "bright_eyes",
            f"on {int(whole.bright_eyes)} of {whole.records} faces the eyes are brighter than the "
            f"cheeks, such as {keys}: the landmarks may have been measured on other pixels "
            "(another photo, size or orientation); look at the report's doubtful faces",
        )
    if whole.upside_down >= least:
        keys = ", ".join(face.key for face, _, roll in worst if abs(roll) > UPSIDE_DOWN)
        yield Finding(
            "upside_down",
            f"{int(whole.upside_down)} of {whole.records} faces lie on their heads"
            f"{f', such as {keys}' if keys else ''}: the annotator may have read the pixels "
            "another way up; --max-roll refuses such faces",
        )


def _coverage(
    splits: Mapping[str, SplitStatistics], action_units: Sequence[str]
) -> Iterator[Finding]:
    """AUs that cannot be learnt or not be measured."""
    train = splits.get(manifest.TRAIN)
    if train is None or not train.records:
        return
    active = {name: int(train.together[unit, unit]) for unit, name in enumerate(action_units)}
    never = [name for name, faces in active.items() if not faces]
    if never:
        yield Finding(
            "never_active",
            f"{', '.join(never)}: never active (intensity {ACTIVE:g} or more) on the "
            f"{train.records:,} training faces; the model cannot learn what it never sees",
        )
    limit = math.ceil(train.records * max(RARE_SHARE, min(FEW_SHARE, RARE_FACES / train.records)))
    rare = [f"{name} ({faces})" for name, faces in active.items() if 0 < faces < limit]
    if rare:
        yield Finding(
            "rarely_active",
            f"{', '.join(rare)}: active on fewer than {limit} of the {train.records:,} "
            "training faces; expect weak results for them",
        )
    for split, numbers in sorted(splits.items()):
        missing = [
            name
            for unit, name in enumerate(action_units)
            if active[name] and not numbers.together[unit, unit]
        ]
        if missing and numbers.records:
            yield Finding(
                "missing_in_split",
                f"{split} has no face with {', '.join(missing)} active, but train has: "
                "nothing can be measured there",
            )


def _amount(
    splits: Mapping[str, SplitStatistics], whole: SplitStatistics, rejected: int
) -> Iterator[Finding]:
    """Too few, too small, too many left out."""
    for split, numbers in sorted(splits.items()):
        if not numbers.records:
            yield Finding("empty_split", f"there is no face for {split}")
    count = whole.records
    if count < FEW_IMAGES:
        yield Finding(
            "few_images",
            f"{count:,} faces are fewer than {FEW_IMAGES:,}: rare AUs and poses will be thin",
        )
    inputs = count + rejected
    if rejected > REJECTED_SHARE * inputs:
        yield Finding(
            "many_rejected",
            f"{rejected} of {inputs} inputs ({rejected / inputs:.0%}) were rejected; their "
            "reasons may have one cause",
        )
    if whole.enlarged > ENLARGED_SHARE * count:
        yield Finding(
            "enlarged_faces",
            f"{whole.enlarged} of {count} faces are smaller in their photos than the crop: "
            "they are enlarged and blurred; a smaller --image-size loses nothing",
        )
