"""Action units to shapes."""

import subprocess
import sys

import numpy as np
import pytest

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.synthetic.reanimation import topology
from ganimation_tf.synthetic.reanimation.action_shapes import (
    ACTION_SHAPES,
    REST,
    coefficients,
    expression_from_blendshapes,
    kept,
)

NAMES = topology.EXPRESSIONS


def shape(weights, name):
    return weights[NAMES.index(name)]


def test_every_action_unit_moves_shapes_that_the_model_has():
    assert tuple(ACTION_SHAPES) == OPENFACE
    for name, shapes in ACTION_SHAPES.items():
        for each in shapes:
            assert each in NAMES or f"{each}_L" in NAMES, (name, each)


def test_neutral_is_zero():
    assert not coefficients(np.zeros(17), NAMES).any()


def test_both_sides_add_up_to_the_unsided():
    both = coefficients({"AU26": 0.5}, NAMES)
    halves = coefficients({"AU26L": 0.5, "AU26R": 0.5}, NAMES)
    np.testing.assert_allclose(both, halves)
    assert shape(both, "jawOpen") > 0


def test_side_goes_before_the_whole():
    weights = coefficients({"AU12": 1.0, "AU12L": 0.0}, NAMES)
    assert shape(weights, "mouthSmile_L") == 0
    assert shape(weights, "mouthSmile_R") == pytest.approx(ACTION_SHAPES["AU12"]["mouthSmile"])


@pytest.mark.parametrize("name", OPENFACE)
def test_each_is_monotone(name):
    rows = np.array([coefficients({name: level}, NAMES) for level in np.linspace(0, 1, 6)])
    assert (np.diff(rows, axis=0) >= -1e-12).all()
    assert rows[-1].max() > 0


def test_closed_lid_is_not_wide():
    weights = coefficients({"AU45": 1.0, "AU05": 1.0, "AU07": 1.0}, NAMES)
    assert shape(weights, "eyeBlink_L") == 1
    assert shape(weights, "eyeWide_L") == shape(weights, "eyeSquint_L") == 0


@pytest.mark.parametrize(
    ("action_units", "message"),
    [
        (np.zeros(16), r"shape \(17,\), got \(16,\)"),
        (np.full(17, np.nan), "must be in"),
        ({"AU12": 1.5}, r"must be in \[0, 1\], got 1.5"),
        ({"AU99": 1.0}, "'AU99' is not an action unit"),
    ],
)
def test_wrong_action_units_are_refused(action_units, message):
    with pytest.raises(ValueError, match=message):
        coefficients(action_units, NAMES)


def test_blendshapes_by_name_without_what_a_resting_face_reads():
    scores = {"mouthSmileLeft": 0.8, "browInnerUp": 0.4, "eyeSquintLeft": 0.35}
    weights = expression_from_blendshapes(scores, NAMES)
    assert shape(weights, "mouthSmile_L") == pytest.approx(0.8)
    assert shape(weights, "mouthSmile_R") == 0
    brow = (0.4 - REST["browInnerUp"]) / (1 - REST["browInnerUp"])
    assert shape(weights, "browInnerUp_L") == shape(weights, "browInnerUp_R") == pytest.approx(brow)
    assert shape(weights, "eyeSquint_L") == 0


def test_gaze_is_kept():
    names = np.array(NAMES)[kept(NAMES)]
    assert set(names) == {name for name in NAMES if name.startswith("eyeLook")}


def test_renders_without_tensorflow():
    code = "import sys, ganimation_tf.synthetic.reanimation; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
