"""The AU vocabulary: scales divided out, assignments read, lists compared."""

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


def test_parse_assignments():
    parsed = action_units.parse_assignments(["AU12=1", " AU45 = 0.25"], NAMES)
    assert parsed == {"AU12": 1.0, "AU45": 0.25}


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["AU12"], "NAME=INTENSITY, such as AU12=1; got 'AU12'"),
        (["AU99=1"], "'AU99' is not an AU of this model; it knows AU01 AU12 AU45"),
        (["AU12=1", "AU12=0"], "AU12 is given twice"),
        (["AU12=much"], "AU12 must be a number in [0, 1], got 'much'"),
        (["AU12=1.01"], "AU12 must be in [0, 1], got 1.01"),
        (["AU12=-0.5"], "AU12 must be in [0, 1], got -0.5"),
        (["AU12=nan"], "AU12 must be in [0, 1], got nan"),
    ],
)
def test_parse_assignments_refuses(assignments, message):
    with pytest.raises(UserError) as caught:
        action_units.parse_assignments(assignments, NAMES)
    assert message in str(caught.value)


def test_vector_follows_the_order_of_the_names():
    values = action_units.vector({"AU45": 0.5, "AU01": 1}, NAMES)
    assert values.tolist() == [1, 0, 0.5]
    assert values.dtype == np.float32


def test_vector_refuses_unknown_names():
    with pytest.raises(UserError, match="'AU02' is not one of the AUs AU01 AU12 AU45"):
        action_units.vector({"AU02": 1}, NAMES)


def test_require_same_accepts_equal_lists_of_any_sequence():
    assert action_units.require_same(NAMES, list(NAMES), "run") is None  # and no error


@pytest.mark.parametrize("found", [("AU12", "AU01", "AU45"), ("AU01", "AU12")])
def test_require_same_shows_both_lists(found):
    with pytest.raises(UserError) as caught:
        action_units.require_same(NAMES, found, "data/x")
    assert str(caught.value) == (
        f"data/x: the AU lists differ: expected AU01 AU12 AU45; found {' '.join(found)}"
    )


@pytest.mark.parametrize(
    ("source", "expected"), [([0.1, 0.2, 0.3], [0.1, 1, 0.3]), (None, [0, 1, 0])]
)
def test_target_keeps_what_is_not_named_or_sets_it_to_zero(source, expected):
    source = None if source is None else np.array(source, np.float32)
    found = action_units.target(source, {"AU12": 1.0}, ("AU06", "AU12", "AU45"))
    np.testing.assert_allclose(found, expected)
    assert found.dtype == np.float32
