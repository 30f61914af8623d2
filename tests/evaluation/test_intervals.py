import numpy as np
import pytest

from ganimation_tf.evaluation import intervals


def test_people_and_not_pictures_are_drawn():
    """A hundred pictures of each of 12 people, all alike: as wide as one picture of each."""
    of_people = np.random.default_rng(0).normal(size=12)
    once = intervals.bootstrap(of_people, [f"p{i:02d}" for i in range(12)], intervals.mean)
    people = np.repeat([f"p{i:02d}" for i in range(12)], 100)
    often = intervals.bootstrap(np.repeat(of_people, 100), people, intervals.mean)
    assert once.low == pytest.approx(often.low) and once.high == pytest.approx(often.high)


def test_the_width_is_that_of_the_theory():
    """400 people with deviation 1: the mean's interval is 2 x 1.96 / 20 wide."""
    values = np.random.default_rng(1).normal(size=400)
    interval = intervals.bootstrap(values, range(400), intervals.mean)
    assert interval.high - interval.low == pytest.approx(3.92 / 20 * values.std(), rel=0.08)
    assert interval.low < values.mean() < interval.high


def test_the_order_of_pictures_does_not_matter():
    rng = np.random.default_rng(2)
    values, people = rng.normal(size=60), rng.integers(0, 15, 60).astype(str)
    order = rng.permutation(60)
    assert intervals.bootstrap(values, people) == intervals.bootstrap(values[order], people[order])


def test_too_few_people():
    assert intervals.bootstrap(np.ones(900), [str(i % 9) for i in range(900)]) is None
    values = np.r_[np.ones(9), np.nan]  # the tenth has no value
    assert intervals.bootstrap(values, range(10)) is None
    assert intervals.difference(values, values, range(10)) == (0.0, None)


def test_a_difference_of_the_same_pictures_is_sharper_than_their_spread():
    before = np.random.default_rng(3).normal(scale=5, size=50)
    gap, interval = intervals.difference(before + 0.5, before, range(50), intervals.mean)
    assert gap == pytest.approx(0.5)
    assert interval.low == pytest.approx(0.5) and interval.high == pytest.approx(0.5)


def test_missing_values_of_either_side_are_left_out():
    now, before = np.array([1.0, np.nan, 3]), np.array([0.0, 0, np.nan])
    assert intervals.difference(now, before, "abc", intervals.mean) == (1.0, None)
    assert np.isnan(intervals.median(np.array([np.nan])))
