"""What a reader of an evaluation must know beside its figures."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ganimation_tf.evaluation.intervals import LEAST_PEOPLE
from ganimation_tf.evaluation.judged import Judgement
from ganimation_tf.evaluation.samples import Requests, Samples


def remarks(
    samples: Samples,
    asked: Requests,
    rows: Mapping[str, np.ndarray],
    judgements: Sequence[Judgement],
) -> Iterator[str]:
    """Sentences on what was left out and what was counted."""
    if asked.truths[0] < 0:
        yield (
            "the dataset has no pairs: what the edits should look like is not known, so that "
            "truth_* is left out, and background is what lies outside of the face"
        )
    elif same := int(np.isnan(rows["truth_error"]).sum()):
        yield f"{same} pairs of equal pictures have no truth error"
    if len(asked) < len(samples):
        yield f"{len(samples) - len(asked)} of {len(samples)} faces belong to no pair"
    people = len({samples.people[row] for row in asked.sources})
    if people < LEAST_PEOPLE:
        yield f"{people} people are too few for intervals; {LEAST_PEOPLE} are needed"
    for judgement in judgements:
        missing = [name for name in samples.names if name not in judgement.names]
        if missing:
            yield f"{judgement.judge} does not read {' '.join(missing)}"
        if judgement.no_face:
            yield (
                f"{judgement.judge} finds no face in {judgement.no_face} of {len(asked)} edits; "
                "each counts as wrong by as much as can be"
            )
        if judgement.unreadable:
            yield (
                f"{judgement.judge} finds no face in {judgement.unreadable} of {len(asked)} "
                "inputs; their edits are left out of its figures"
            )
