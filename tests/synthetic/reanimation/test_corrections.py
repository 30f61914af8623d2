"""What the model's expressions lose before they are shown, by arithmetic on a few vertices."""

import numpy as np
import pytest

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.synthetic.reanimation import coefficients, load_face_model
from ganimation_tf.synthetic.reanimation.corrections import (
    CALM,
    CLOSED_SNEER,
    FLAT_LIP,
    STILL_NOSE,
    corrected,
)
from ganimation_tf.synthetic.reanimation.face_model import mixed

PLACES = {
    "chin": (0.0, -7.5),
    "lip": (0.0, -3.0),
    "lip_side": (1.3, -4.0),
    "nose": (1.2, 0.0),
    "ear": (-8.0, 0.0),
}
UP = np.array([0.0, 1.0, 0.0], np.float32)


def shown(**shapes):
    """{name: (5, 3)} of shapes that move every place by the given number of centimetres up."""
    neutral = np.array([(*place, 9.0) for place in PLACES.values()], np.float32)
    expression = np.stack([np.tile(size * UP, (5, 1)) for size in shapes.values()])
    before = expression.copy()
    shape_shown = corrected(neutral, expression, tuple(shapes))
    np.testing.assert_array_equal(expression, before)
    return dict(zip(shapes, shape_shown, strict=True))


def at(rows, place):
    return rows[list(PLACES).index(place), 1]


@pytest.mark.parametrize("shape", CALM)
def test_outer_cheek_stays_where_it_is_and_the_middle_moves(shape):
    name = shape if shape == "jawOpen" else f"{shape}_R"
    shape_shown = shown(**{name: 1.0})[name]
    assert at(shape_shown, "ear") == 0
    assert at(shape_shown, "chin") == pytest.approx(1, abs=1e-3)


def test_rising_lip_leaves_the_nose():
    shape_shown = shown(mouthUpperUp_L=2.0)["mouthUpperUp_L"]
    assert at(shape_shown, "lip") == pytest.approx(2)
    assert at(shape_shown, "nose") == pytest.approx(2 * (1 - STILL_NOSE))


def test_wrinkled_nose_leaves_the_lip():
    shape_shown = shown(noseSneer_L=1.0, mouthUpperUp_L=0.8)["noseSneer_L"]
    assert at(shape_shown, "nose") == pytest.approx(1)
    assert at(shape_shown, "lip") == pytest.approx(1 - 0.8 * CLOSED_SNEER)


def test_sides_of_the_lower_lip_follow_the_jaw_as_far_as_it_carries_them():
    half = shown(jawOpen=-1.75)["jawOpen"]
    assert at(half, "lip_side") == pytest.approx(-1.75 - FLAT_LIP / 2)
    raised = shown(jawOpen=1.0)["jawOpen"]
    assert at(raised, "lip_side") == 1


def test_other_shapes_stay_to_the_bit():
    np.testing.assert_array_equal(shown(eyeBlink_L=0.7)["eyeBlink_L"], np.tile(0.7 * UP, (5, 1)))


@pytest.fixture(scope="module")
def head(photoreal_dir):
    return load_face_model(photoreal_dir / "ict_face_model.npz")


def rise(head, points, **units):
    """Centimetres by which landmarks rise, their mean."""
    moved = mixed(head.shown, coefficients(units, head.expression_names))
    return moved[head.landmarks[list(points)], 1].mean()


def test_nose_and_upper_lip_of_the_real_head_tell_au09_from_au10(head):
    wings, lip = (31, 35), (50, 51, 52, 61, 62, 63)
    assert rise(head, wings, AU09=1.0) > 2 * rise(head, lip, AU09=1.0) > 0
    assert rise(head, lip, AU10=1.0) > 2 * rise(head, wings, AU10=1.0) > 0


def test_mouth_of_the_real_head_moves_no_vertex_of_the_outer_cheek(head):
    outer = (np.abs(head.neutral[: head.skin_vertices, 0]) > 5.5) & (
        head.neutral[: head.skin_vertices, 1] > -6
    )
    for name in ("AU14", "AU15", "AU20"):
        assert name in OPENFACE
        moved = mixed(head.shown, coefficients({name: 1.0}, head.expression_names))
        # What is left, below a millimetre, presses the lips (AU14).
        assert np.abs(moved[: head.skin_vertices][outer]).max() < 0.1
