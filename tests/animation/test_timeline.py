"""Key frames: times, easings, loops."""

import numpy as np
import pytest

from ganimation_tf.animation import timeline
from ganimation_tf.animation.timeline import KeyFrame, Timeline
from ganimation_tf.expression_parsing import parse

NAMES = ("AU06", "AU12")
SOURCE = np.array([0.2, 0.4])


def key(time, text="", easing="linear"):
    return KeyFrame(time, parse([text] if text else []), easing)


def test_linear_between_key_frames_and_still_outside():
    line = Timeline((key(1, "AU12=0"), key(2, "AU12=1")))
    units = line.units(SOURCE, NAMES, np.array([0, 1, 1.25, 2, 3]))
    np.testing.assert_allclose(units[:, 1], [0, 0, 0.25, 1, 1], atol=1e-6)
    np.testing.assert_allclose(units[:, 0], 0.2, atol=1e-6)


@pytest.mark.parametrize(
    ("easing", "half"),
    [("linear", 0.5), ("ease", 0.5), ("ease-in", 0.25), ("ease-out", 0.75), ("hold", 0.0)],
)
def test_easings_begin_at_0_end_at_1_and_are_themselves_half_way(easing, half):
    line = Timeline((key(0, "AU12=0", easing), key(1, "AU12=1")))
    units = line.units(SOURCE, NAMES, np.array([0, 0.5, 1]))[:, 1]
    np.testing.assert_allclose(units, [0, half, 1], atol=1e-6)


def test_relative_key_frames_follow_each_frames_own_source():
    line = Timeline((key(0, "AU12+=0.3"),))
    rows = np.array([[0, 0.1], [0, 0.5]])
    units = line.units(rows, NAMES, np.array([0, 1]))
    np.testing.assert_allclose(units[:, 1], [0.4, 0.8], atol=1e-6)


def test_a_loop_ends_one_step_before_its_start_and_comes_back_as_it_went():
    line = timeline.there_and_back(parse(["AU12=1"]), 8, 4)
    times = line.times(4)
    units = line.units(np.zeros(2), NAMES, times)[:, 1]
    np.testing.assert_allclose(times, np.arange(8) / 4)
    assert units[0] == 0 and units[4] == 1
    np.testing.assert_allclose(units[1:4], units[:4:-1], atol=1e-6)
    np.testing.assert_allclose(units[1], (1 - np.cos(np.pi / 4)) / 2, atol=1e-6)


def test_a_ramp_goes_all_the_way():
    line = timeline.there(parse(["AU12=1"]), 1.0)
    units = line.units(np.zeros(2), NAMES, line.times(4))[:, 1]
    np.testing.assert_allclose(units, [0, 0.25, 0.5, 0.75, 1], atol=1e-6)


def test_a_sweep_shows_one_au_after_the_other():
    line = timeline.sweep(NAMES, 8, 8)
    units = line.units(np.zeros(2), NAMES, np.array([0.5, 1.0, 1.5]))
    np.testing.assert_allclose(units, [[1, 0], [0, 0], [0, 1]], atol=1e-6)


@pytest.mark.parametrize("count", [2, 3, 5, 16])
@pytest.mark.parametrize("rate", [12.5, 30, 7.3])
def test_one_frame_shows_all_that_is_wanted_whatever_their_number(count, rate):
    line = timeline.there_and_back(parse(["AU12=1"]), count, rate)
    units = line.units(np.zeros(2), NAMES, line.times(rate))
    assert len(units) == count and units[:, 1].max() == 1
    line = timeline.sweep(NAMES, count, rate)
    units = line.units(np.zeros(2), NAMES, line.times(rate))
    assert len(units) == 2 * count and units.max(0).tolist() == [1, 1]
