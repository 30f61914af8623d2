"""The AU vocabulary: scales divided out, lists compared."""

import numpy as np
import pytest

from ganimation_tf import action_units
from ganimation_tf.errors import UserError

NAMES = ("AU01", "AU12", "AU45")


def test_openface_list_is_the_published_one():
    numbers = [int(name[2:]) for name in action_units.OPENFACE]
    assert numbers == [1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45]


def test_normalise_divides_and_counts_what_it_clips():
    scaled, clipped = action_units.normalise(np.array([0, 2.5, 5, 6, -1]), 5)
    assert scaled.tolist() == [0, 0.5, 1, 1, 0]
    assert scaled.dtype == np.float32
    assert clipped == 2


def test_normalise_keeps_the_shape_and_the_scale_of_another_source():
    scaled, clipped = action_units.normalise(np.full((2, 3), 0.25), 1)
    assert scaled.tolist() == [[0.25] * 3] * 2
    assert clipped == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_normalise_refuses_what_is_not_finite(bad):
    with pytest.raises(ValueError, match="must be finite"):
        action_units.normalise(np.array([0.0, bad]), 5)


def test_require_same_accepts_equal_lists_of_any_sequence():
    assert action_units.require_same(NAMES, list(NAMES), "run") is None  # and no error


@pytest.mark.parametrize("other", [("AU12", "AU01", "AU45"), ("AU01", "AU12")])
def test_require_same_shows_both_lists(other):
    with pytest.raises(UserError) as caught:
        action_units.require_same(NAMES, other, "data/x")
    assert str(caught.value) == (
        f"data/x: the AU lists differ: expected AU01 AU12 AU45; found {' '.join(other)}"
    )
