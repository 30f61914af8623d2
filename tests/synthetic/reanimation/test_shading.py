"""Shades: limits, colour, and what is painted over a lid."""

import numpy as np
import pytest

from ganimation_tf.synthetic.reanimation import field, openings, shading

LUMA = np.array([0.299, 0.587, 0.114])


def test_fold_is_limited_and_keeps_order():
    ratio = np.geomspace(0.05, 20, 101)
    actual = shading.softened(ratio)
    assert actual[50] == pytest.approx(1, abs=1e-12)
    assert (np.diff(actual) >= 0).all()
    limits = np.exp([-shading.DARKEST, shading.LIGHTEST])
    np.testing.assert_allclose(actual[[0, -1]], limits, rtol=1e-4)
    assert shading.softened(np.array([0.98]))[0] == pytest.approx(0.98, abs=1e-3)


def painted(ratio):
    """float (3,): a grey of 100 under a shade."""
    base = field.still(np.eye(2, 3), (4, 4))
    shaded = field.Field(base.place, np.full((4, 4), ratio, np.float32), base.moved, base.covered)
    return field.sample([np.full((4, 4, 3), 100, np.uint8)], shaded, 1.0)[1, 1]


def test_shade_takes_least_of_the_red_and_its_luma_is_as_asked():
    red, green, blue = actual = painted(0.7)
    assert red > green > blue
    assert actual @ LUMA == pytest.approx(70, abs=0.5)


def test_no_shade_leaves_the_photo_exactly():
    np.testing.assert_array_equal(painted(1.0), [100, 100, 100])


LID = np.array([[20.0, 40], [30, 36], [40, 36], [50, 40]])
BROW = np.array([[16.0, 22], [25, 18], [35, 17], [45, 18], [54, 22]])
REST = np.array([18 + 16 / 9, 18.5, 18.5, 18 + 16 / 9])


def test_brow_is_above_the_lid_by_its_height_at_the_same_place():
    np.testing.assert_allclose(openings.brow_above(LID, BROW), REST)


def covered(brow):
    image = np.zeros((64, 72, 3), np.float32)
    openings.cover_lashes(image, LID, brow, REST, lambda box: _white(box))
    return image


def _white(box):
    return np.full((box[3] - box[1], box[2] - box[0], 3), 200, np.float32)


def test_lid_under_a_brow_at_rest_or_lowered_stays():
    assert not covered(BROW).any()
    assert not covered(BROW + [0, 6]).any()


def test_lid_under_a_raised_brow_shows_skin_between_them_only():
    image = covered(BROW - [0, 14])
    above = LID[1, 1] - 14  # the middle of what has come apart
    assert image[int(above), 35].mean() == pytest.approx(200 * openings.BARE_LID, rel=0.1)
    assert image[38:, :].max() < 10  # the eye
    assert image[: int(BROW[2, 1] - 14) - 2].max() < 10  # the brow
