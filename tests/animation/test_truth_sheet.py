"""Input, edit and truth side by side, of plain-coloured faces."""

import numpy as np
import pytest

from ganimation_tf.animation import truth_sheet
from ganimation_tf.evaluation import baselines
from ganimation_tf.evaluation.samples import Samples
from ganimation_tf.faces.alignment import CropSpec
from ganimation_tf.media.contact_sheet import GAP

SIZE = 16
RED, GREEN, BLUE, YELLOW = (200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0)


def faces(pairs=("a", "a", "b", "b")) -> Samples:
    """Person a changes AU12 by 0.1, from red to green; person b by 0.9, from blue to yellow."""
    colors = np.array([RED, GREEN, BLUE, YELLOW], np.uint8)
    return Samples(
        images=np.broadcast_to(colors[:, None, None], (4, SIZE, SIZE, 3)).copy(),
        action_units=np.array([[0.0], [0.1], [0.0], [0.9]], np.float32),
        people=["a", "a", "b", "b"],
        keys=["a0", "a1", "b0", "b1"],
        pairs=list(pairs),
        names=("AU12",),
        crop=CropSpec(SIZE),
    )


def shows(sheet: np.ndarray, color) -> int:
    """How many pixels have exactly this color."""
    return int((sheet == np.array(color, np.uint8)).all(-1).sum())


def test_a_row_for_each_person_the_largest_change_first():
    samples = faces()
    copy = baselines.Copy(samples.names, samples.crop)
    one, two = (truth_sheet.draw(copy, samples, people) for people in (1, 2))
    face = truth_sheet.SIDE**2
    # Copying: input and edit have the input's colour, the truth has the other.
    assert sorted((shows(one, BLUE), shows(one, YELLOW))) == [face, 2 * face]
    assert shows(one, RED) == shows(one, GREEN) == 0
    assert sorted((shows(two, RED), shows(two, GREEN))) == [face, 2 * face]
    assert two.shape[0] - one.shape[0] == truth_sheet.SIDE + GAP


def test_faces_without_a_truth_are_refused():
    samples = faces(pairs=("", "", "", ""))
    with pytest.raises(ValueError, match="faces of pairs are needed"):
        truth_sheet.draw(baselines.Copy(samples.names, samples.crop), samples, 1)
