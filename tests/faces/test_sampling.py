"""Which part of a photo a crop needs and how much of the crop lies outside."""

import numpy as np
import pytest

from ganimation_tf.faces import sampling


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        ([[1, 0, 0], [0, 1, 0]], 0.0),
        ([[1, 0, 2], [0, 1, 2]], 0.0),
        ([[1, 0, -5], [0, 1, 0]], 0.5),
        ([[1, 0, 7], [0, 1, 7]], 0.75),
        ([[1, 0, 99], [0, 1, 0]], 1.0),
        ([[12, 0, 0], [0, 12, 0]], 0.99),
        ([[0, -1, 11], [1, 0, 0]], 0.0),
    ],
)
def test_outside_fraction(transform, expected):
    """A crop of 10 x 10 pixels in an image of 12 x 12."""
    outside = sampling.outside_fraction(np.array(transform, float), 10, (12, 12))
    assert outside == pytest.approx(expected)


def test_region_begins_at_a_whole_block_and_stays_inside():
    corners = sampling.corners(np.array([[4.0, 0, 41], [0, 4.0, 30]]), 16)
    assert sampling.region(corners, (200, 100), 4) == (28, 20, 100, 104)


def test_region_holds_what_is_reflected():
    corners = np.array([(-30.0, 2), (5, 2), (5, 9), (-30, 9)])
    left, _, right, _ = sampling.region(corners, (100, 100), 1)
    assert left == 0 and right > 30
