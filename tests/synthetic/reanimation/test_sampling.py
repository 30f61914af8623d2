"""Sampled expressions cover what is to be learnt."""

import numpy as np

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.synthetic.reanimation import sampling


def many(count=6000):
    rng = np.random.default_rng(5)
    return np.stack([sampling.sample_action_units(rng) for _ in range(count)])


def test_each_action_unit_is_in_15_percent_over_its_whole_range():
    faces = many()
    shown = faces > 0.1
    assert (shown.mean(0) >= 0.15).all(), dict(zip(OPENFACE, shown.mean(0), strict=True))
    for column in faces.T:
        levels = np.histogram(column[column > 0.1], bins=3, range=(0.1, 1.0))[0]
        assert (levels > 0.02 * len(faces) / 2).all()


def test_each_action_unit_is_in_15_percent_of_a_persons_faces_the_neutral_ones_counted():
    rng = np.random.default_rng(6)
    actual = np.concatenate([sampling.sample_expressions(rng, 8) for _ in range(2500)])
    shown = (actual > 0.1).mean(0)
    assert (shown >= 0.147).all(), dict(zip(OPENFACE, shown, strict=True))  # 0.15 - 1 sigma


def test_each_occurs_alone_and_together():
    shown = many() > 0.1
    alone = shown & (shown.sum(1, keepdims=True) == 1)
    together = shown & (shown.sum(1, keepdims=True) > 1)
    assert (alone.mean(0) > 0.008).all()
    assert (together.mean(0) > 0.08).all()


def test_lids_are_not_wide_and_closed_at_once():
    faces = many()
    both = (faces[:, OPENFACE.index("AU05")] > 0.1) & (faces[:, OPENFACE.index("AU45")] > 0.1)
    assert not both.any()


def test_first_of_a_person_is_neutral_and_a_seed_gives_the_same():
    first = sampling.sample_expressions(np.random.default_rng(1), 8)
    again = sampling.sample_expressions(np.random.default_rng(1), 8)
    assert first.shape == (8, 17) and first.dtype == np.float32
    assert not first[0].any() and first[1:].any()
    np.testing.assert_array_equal(first, again)
    assert first.min() >= 0 and first.max() <= 1


def test_variations_stay_within_eight_degrees():
    rng = np.random.default_rng(2)
    actual = [sampling.sample_variation(rng, 4) for _ in range(200)]
    assert max(abs(each.yaw) for each in actual) <= 8
    assert max(abs(each.pitch) for each in actual) <= 8
    assert all(each.identity.shape == (4,) for each in actual)
