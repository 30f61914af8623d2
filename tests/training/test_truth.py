"""The terms of known truth, against numbers worked out by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ganimation_tf.training import truth


def grey(*levels, size=16):
    """Images (B, size, size, 3) of one grey each, of levels in [0, 1]."""
    level = np.array(levels, np.float32)[:, None, None, None]
    return np.broadcast_to(2 * level - 1, (len(levels), size, size, 3))


def test_pixels_count_more_where_the_truth_changes():
    source, wanted, image = grey(0.5, 0.5, 0.5), grey(0.5, 0.6, 1.0), grey(0.4, 0.5, 0.5)
    change = truth.distance(source, wanted)
    # Errors .1, .1 and .5; weights 1, 1 + 20 x .1 and 1 + 20 x .3, as .5 counts as .3.
    expected = [0.1 * 1, 0.1 * 3, 0.5 * 7]
    np.testing.assert_allclose(truth.pixels(image, wanted, change), expected, rtol=1e-5)


@pytest.mark.parametrize(("attention", "off", "expected"), [
    (1.0, 0.0, 0.0),  # nothing left over: keep
    (0.25, 0.0, -math.log(0.25)),
    (0.5, 0.5, -math.log(0.5)),  # much left over: paint
    (0.0, 0.5, 0.0),
    # Between: 12 x (.065 - .04) = .3 of paint: the entropy of .3 by .2.
    (0.2, 0.065, -0.7 * math.log(0.2) - 0.3 * math.log(0.8)),
])  # fmt: skip
def test_mask_is_to_paint_what_is_left_over(attention, off, expected):
    mask = np.full((1, 16, 16, 1), attention, np.float32)
    actual = truth.mask(mask, grey(0.4), grey(0.4 + off))
    assert float(actual[0]) == pytest.approx(expected, abs=1e-4)


def test_a_saturated_mask_is_still_told_to_paint():
    logit = tf.Variable(tf.fill((1, 16, 16, 1), 9.0))
    with tf.GradientTape() as tape:
        loss = truth.mask(tf.sigmoid(logit), grey(0.4), grey(0.9))
    slope = tf.reduce_sum(tape.gradient(loss, logit))
    assert float(slope) == pytest.approx(1.0, rel=0.01)  # that of the entropy: 1 - t


def test_edges_are_blind_to_a_level_and_see_blur():
    stripes = np.zeros((1, 16, 16, 3), np.float32)
    stripes[:, :, ::2] = 1.0
    nothing = np.zeros((1, 16, 16, 1), np.float32)
    assert float(truth.edges(stripes + 0.3, stripes, nothing)[0]) == pytest.approx(0, abs=1e-6)
    # Flat against stripes: every step to the right is 1 off, none downwards; their mean is 1/2.
    flat = np.full_like(stripes, 0.5)
    assert float(truth.edges(flat, stripes, nothing)[0]) == pytest.approx(0.5)


# Of stripes against grey: each pixel has a step of 1 to the right, but for the last of a row; of
# the 16 windows of two pixels 14 hold two of them, one has one, and the last has none.
STRIPES = (14 + 0.5**0.5) / 16 / 2


def test_sharpness_sees_blur_and_no_shift():
    stripes = np.zeros((1, 16, 16, 3), np.float32)
    stripes[:, :, ::2] = 1.0
    nothing = np.zeros((1, 16, 16, 1), np.float32)
    aside, flat = 1.0 - stripes, np.full_like(stripes, 0.5)
    assert float(truth.edges(aside, stripes, nothing)[0]) == pytest.approx(1.0)
    assert float(truth.sharpness(aside, stripes, nothing)[0]) == pytest.approx(0, abs=1e-6)
    assert float(truth.sharpness(flat, stripes, nothing)[0]) == pytest.approx(STRIPES, abs=1e-3)


def test_sharpness_counts_more_where_the_truth_changes():
    stripes = np.zeros((1, 16, 16, 3), np.float32)
    stripes[:, :, ::2] = 1.0
    flat, changed = np.full_like(stripes, 0.5), np.full((1, 16, 16, 1), 0.1, np.float32)
    expected = 3 * STRIPES  # 1 + 20 x .1
    assert float(truth.sharpness(flat, stripes, changed)[0]) == pytest.approx(expected, abs=3e-3)


def test_regions_count_each_changed_cell_alike():
    source = grey(0.5, 0.5).copy()
    wanted = source.copy()
    wanted[:, 0, 0] += 2 * 0.4  # one cell changes much; 16 px make cells of one pixel
    wanted[:, 8, 8] += 2 * 0.4
    left, right = wanted.copy(), wanted.copy()
    left[:, 8, 8] = source[:, 8, 8]  # one of both cells done
    change = truth.distance(source, wanted)
    nothing_done = truth.regions(source, wanted, change)
    half_done = truth.regions(left, wanted, change)
    assert 0.95 < float(nothing_done[0]) < 1
    assert float(half_done[0]) == pytest.approx(float(nothing_done[0]) / 2, rel=1e-5)
    np.testing.assert_allclose(truth.regions(right, wanted, change), 0, atol=1e-6)


def test_flow_is_to_rest_where_nothing_changes():
    flow = np.full((1, 16, 16, 2), -3.0, np.float32)
    change = np.zeros((1, 16, 16, 1), np.float32)
    change[:, :4] = 0.2  # a quarter may move
    assert float(truth.flow_at_rest(flow, change)[0]) == pytest.approx(0.75 * 3)
    assert float(truth.flow_roughness(flow)[0]) == 0


def test_error_is_1_for_the_source_and_0_for_the_truth():
    source, wanted = grey(0.2, 0.2, 0.2), grey(0.7, 0.7, 0.7)
    image = grey(0.2, 0.7, 0.45)  # halfway: a quarter of the squared error
    error = truth.error(image, source, wanted)
    np.testing.assert_allclose(error, [1, 0, 0.25], atol=1e-4)


def test_terms_without_a_flow_judge_the_source_as_what_is_kept():
    source, wanted = grey(0.2), grey(0.7)
    edited = {
        "image": wanted,
        "color": wanted,
        "attention": np.zeros((1, 16, 16, 1), np.float32),
    }
    terms = {name: float(values[0]) for name, values in truth.terms(edited, source, wanted).items()}
    assert set(terms) == set(truth.TERMS)
    assert terms == pytest.approx(dict.fromkeys(terms, 0), abs=1e-4)
