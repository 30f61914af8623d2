"""Which portraits exchange their skins."""

import itertools

import numpy as np
import pytest

from ganimation_tf.synthetic.reanimation import Appearance, skin_difference
from ganimation_tf.synthetic.reanimation.couples import couples
from ganimation_tf.synthetic.reanimation.skin import MOST_TURN


def turned(*yaws):
    """Portraits that differ in nothing but how far the head is turned."""
    return [Appearance(np.full((3, 3), 128.0), yaw, 0.0, 10.0) for yaw in yaws]


def strangers(appearances):
    return [f"person {number}" for number in range(len(appearances))]


def test_most_alike_first_and_who_is_like_nobody_stays_alone():
    portraits = turned(-20, 10, 3, 2, 20)
    assert couples(portraits, strangers(portraits)) == [(2, 3), (1, 4)]


@pytest.mark.parametrize("yaws", [(0, 7, 14), (14, 7, 0)])
def test_equally_alike_come_in_the_given_order(yaws):
    portraits = turned(*yaws)
    assert couples(portraits, strangers(portraits)) == [(0, 1)]


@pytest.mark.parametrize("yaw, expected", [(MOST_TURN, [(0, 1)]), (MOST_TURN * 1.001, [])])
def test_difference_is_at_most_one(yaw, expected):
    portraits = turned(0, yaw)
    assert couples(portraits, strangers(portraits)) == expected


@pytest.mark.parametrize("count", [0, 1])
def test_nobody_to_exchange_with(count):
    portraits = turned(*range(count))
    assert couples(portraits, strangers(portraits)) == []


def test_a_person_has_no_couple_with_oneself():
    assert couples(turned(0, 0.1, 5), ["ada", "ada", "bob"]) == [(1, 2)]


def test_a_person_exchanges_with_one_other_only():
    """What has skin of ada or bob is of these two, in all photos of them."""
    people = ["ada", "bob", "ada", "cy", "bob", "dot"]
    assert couples(turned(0, 0.1, 10, 10.5, 13, 16), people) == [(0, 1), (2, 4), (3, 5)]


def test_many_as_by_trying_each_two():
    rng = np.random.default_rng(1)
    portraits = [
        Appearance(
            128 * np.exp(rng.normal(0, 0.08, (3, 3))),
            *rng.normal(0, 6, 2),
            scale=10 * np.exp(rng.normal(0, 0.3)),
        )
        for _ in range(80)
    ]
    expected, left = [], set(range(80))
    alike = sorted(
        (skin_difference(portraits[one], portraits[other]), one, other)
        for one, other in itertools.combinations(range(80), 2)
    )
    for difference, one, other in alike:
        if difference <= 1 and {one, other} <= left:
            expected.append((one, other))
            left -= {one, other}
    assert 10 < len(expected) < 40
    assert couples(portraits, strangers(portraits)) == expected


def test_tone_and_size_count_too():
    """By hand: shades of 128 and 140 differ by log(140 / 128) / .25 = .358, sizes of 10 and 14 by
    log(1.4) / .6 = .561."""
    tone = np.full((3, 3), 128.0)
    darker = tone.copy()
    darker[0, 2] = 140
    own = Appearance(tone, 0, 0, 10)
    assert skin_difference(own, Appearance(darker, 0, 0, 10)) == pytest.approx(0.3584, abs=1e-4)
    assert skin_difference(own, Appearance(darker, 0, 7, 14)) == pytest.approx(0.5608, abs=1e-4)
