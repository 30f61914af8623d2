"""Rendered pairs: equal where nothing moved, and moved where the action units say."""

import numpy as np
import pytest

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.synthetic.reanimation import (
    Portrait,
    RejectedPortrait,
    Variation,
    View,
    neutralise,
    reanimate,
    sample_variation,
)
from tiny_head import project


@pytest.fixture(scope="module")
def landmarks(model, camera):
    return project(model, camera, model.neutral)


@pytest.fixture(scope="module")
def portrait(model, photo, landmarks):
    return Portrait.from_photo(photo, landmarks, model)


def units(**intensities):
    return np.array([intensities.get(name, 0.0) for name in OPENFACE])


def test_same_request_gives_the_same_bytes(portrait):
    first = View(portrait).render(units(AU26=0.7))
    second = View(portrait).render(units(AU26=0.7))
    np.testing.assert_array_equal(first.image, second.image)


def test_pairs_are_equal_outside_the_moved_face(portrait):
    view = View(portrait, np.array([[1.0, 0, -60], [0, 1.0, -60]]), (376, 376))
    closed, opened = view.render(units()), view.render(units(AU26=1, AU12=1, AU45=1))
    still = ~(closed.moved | opened.moved)
    assert still.sum() > 10_000
    np.testing.assert_array_equal(closed.image[still], opened.image[still])
    assert (closed.image != opened.image).any()


def test_neutral_photo_stays_as_it_is_where_the_face_does_not_move(portrait, photo):
    rendered = View(portrait).render(units())
    # Four bilinear samples a quarter of a pixel about each centre, over noise.
    smoothed = _box_of_four(photo)
    skin = rendered.moved[80:120, 100:150]
    assert skin.all()
    difference = np.abs(rendered.image[80:120, 100:150].astype(float) - smoothed[80:120, 100:150])
    assert difference.mean() < 2.0


def test_jaw_drop_lowers_the_chin_and_nothing_above_the_mouth(portrait):
    view = View(portrait)
    moved = view.landmarks(units(AU26=1)) - view.landmarks(units())
    assert (moved[[7, 8, 9], 1] > 5).all()
    np.testing.assert_allclose(moved[17:48], 0, atol=0.5)


def test_one_side_moves_alone(portrait):
    view = View(portrait)
    moved = view.landmarks({"AU12L": 1.0}) - view.landmarks({})
    assert moved[54, 1] < -3  # the person's left corner of the mouth goes up
    assert abs(moved[48, 1]) < 0.1


def test_landmarks_of_rendering_are_those_of_the_view(portrait):
    view = View(portrait)
    expected = view.landmarks(units(AU01=1))
    np.testing.assert_array_equal(view.render(units(AU01=1)).landmarks, expected)


def test_blink_closes_the_lids(portrait):
    view = View(portrait)
    opened, closed = view.landmarks(units()), view.landmarks(units(AU45=1))
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        before = opened[lower, 1] - opened[upper, 1]
        assert closed[lower, 1] - closed[upper, 1] < 0.15 * before


def test_frame_scales_landmarks(portrait):
    half = View(portrait, np.array([[2.0, 0, 0.5], [0, 2.0, 0.5]]), (128, 128))
    whole = View(portrait).landmarks(units())
    np.testing.assert_allclose(half.landmarks(units()) * 2 + 0.5, whole, atol=1e-3)


def test_pose_turns_about_eyes_and_mouth(portrait):
    still = View(portrait).landmarks(units())
    turned = View(portrait, variation=Variation(yaw=8.0)).landmarks(units())
    # The nose stands out and so moves to the viewer's right.
    assert turned[30, 0] - still[30, 0] > 0.5
    centre = [36, 39, 42, 45, 48, 54]
    assert abs((turned - still)[centre].mean()) < 1


def test_variation_changes_the_person_not_the_exactness(portrait, model):
    variation = sample_variation(np.random.default_rng(0), len(model.identity))
    view = View(portrait, np.array([[1.0, 0, -60], [0, 1.0, -60]]), (376, 376), variation)
    first, second = view.render(units()), view.render(units(AU26=1))
    still = ~(first.moved | second.moved)
    np.testing.assert_array_equal(first.image[still], second.image[still])
    plain = View(portrait, np.array([[1.0, 0, -60], [0, 1.0, -60]]), (376, 376)).render(units())
    assert (first.image != plain.image).mean() > 0.5


def test_reanimate_keeps_every_pixel_that_it_does_not_move(photo, landmarks, model):
    faces = reanimate(photo, landmarks, {"AU12": 1.0}, model)
    assert faces.image.shape == photo.shape
    np.testing.assert_array_equal(faces.image[~faces.moved], photo[~faces.moved])
    assert faces.landmarks[54, 1] < neutralise(photo, landmarks, model).landmarks[54, 1] - 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda points: points[:67], "bad_landmarks"),
        (lambda points: points * np.nan, "bad_landmarks"),
        (lambda points: points + 1000, "landmarks_elsewhere"),
        (lambda points: points + [70, 0], "face_at_border"),
        (lambda points: points * 0.1 + 50, "eyes_too_small"),
        (lambda points: shut(points), "eyes_closed"),
        (lambda points: np.random.default_rng(0).permutation(points), "residual"),
    ],
)
def test_rejects_with_a_reason_code(photo, landmarks, model, change, reason):
    with pytest.raises(RejectedPortrait) as caught:
        Portrait.from_photo(photo, change(landmarks), model)
    assert (
        caught.value.code in {reason, "turned_away"}
        if reason == "residual"
        else (caught.value.code == reason)
    )


def shut(points):
    """The landmarks with each upper lid upon the lower one."""
    actual = points.copy()
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        actual[upper] = actual[lower]
    return actual


def test_profile_is_turned_away(photo, model, camera):
    from ganimation_tf.synthetic.reanimation.fitting import Camera, turn

    profile = Camera(turn(np.radians([0, 50.0, 0])), camera.scale, camera.shift)
    with pytest.raises(RejectedPortrait, match="yaw must be within 24") as caught:
        Portrait.from_photo(photo, project(model, profile, model.neutral), model)
    assert caught.value.code == "turned_away"


def _box_of_four(photo):
    import cv2

    kernel = np.array([0.125, 0.75, 0.125])
    return cv2.sepFilter2D(photo, -1, kernel, kernel)


def test_a_photo_that_cannot_be_warped_is_refused(model):
    wide = np.broadcast_to(np.uint8(0), (4, 32_767, 3))
    with pytest.raises(RejectedPortrait, match="at most 32766 pixels a side, got 32767 x 4") as it:
        Portrait.from_photo(wide, np.zeros((68, 2)), model)
    assert it.value.code == "too_wide"
