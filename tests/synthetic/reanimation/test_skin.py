"""Another person's skin within the oval of the face."""

import dataclasses
import pickle

import cv2
import numpy as np
import pytest

from ganimation_tf.synthetic.reanimation import (
    Appearance,
    Portrait,
    RejectedPortrait,
    exchange_skin,
    skin_difference,
)
from ganimation_tf.synthetic.reanimation.fitting import Camera, turn
from tiny_head import project


@pytest.fixture(scope="module")
def landmarks(model, camera):
    return project(model, camera, model.neutral)


def portrait(model, landmarks, seed, level=140.0, contrast=1.0):
    """A portrait with smooth noise on its skin, of a few pixels' size."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.normal(0, 60, (256, 256, 3)), (0, 0), 2)
    photo = np.clip(level + contrast * noise, 1, 254).astype(np.uint8)
    return Portrait.from_photo(photo, landmarks, model)


def difference(one, other):
    return skin_difference(Appearance.of(one), Appearance.of(other))


def test_skin_of_oneself_is_nearly_the_photo(model, landmarks):
    own = portrait(model, landmarks, 1)
    assert difference(own, own) == 0
    apart = np.abs(exchange_skin(own, own).astype(int) - own.photo)
    assert apart.max() <= 3


def test_fine_part_is_the_donors_and_the_rest_stays(model, landmarks):
    own, donor = portrait(model, landmarks, 1), portrait(model, landmarks, 2)
    actual = exchange_skin(own, donor)
    outside = np.ones(own.photo.shape[:2], np.uint8)
    oval = own.source[model.oval > 0].astype(np.int32)
    cv2.fillConvexPoly(outside, cv2.convexHull(oval), 0)
    outside = cv2.erode(outside, np.ones((15, 15), np.uint8)) > 0
    assert outside.sum() > 10_000
    np.testing.assert_array_equal(actual[outside], own.photo[outside])
    # Between eyes and mouth, where the oval counts in full.
    middle = np.s_[108:145, 112:144]
    assert correlation(actual[middle], donor.photo[middle]) > 0.95
    assert abs(correlation(actual[middle], own.photo[middle])) < 0.3


def test_broad_part_stays_the_portraits(model, landmarks):
    own, donor = portrait(model, landmarks, 1, 140), portrait(model, landmarks, 2, 120)
    middle = np.s_[90:170, 90:170]
    assert abs(exchange_skin(own, donor)[middle].mean() - own.photo[middle].mean()) < 4


@pytest.mark.parametrize("change", [{"level": 90.0}, {"contrast": 6.0}])
def test_other_tones_and_harder_light_are_refused(model, landmarks, change):
    own, donor = portrait(model, landmarks, 1), portrait(model, landmarks, 2, **change)
    assert difference(own, donor) > 1
    with pytest.raises(RejectedPortrait, match="up to a difference of 1") as caught:
        exchange_skin(own, donor)
    assert caught.value.code == "unlike"


def test_other_poses_are_unlike_by_how_far_they_are_turned(model, landmarks):
    own = portrait(model, landmarks, 1)
    camera = own.fit.camera
    further = Camera(turn(np.radians([0, 21.0, 0])) @ camera.rotation, camera.scale, camera.shift)
    turned = dataclasses.replace(own, fit=dataclasses.replace(own.fit, camera=further))
    assert difference(own, turned) == pytest.approx(21 / 14, rel=0.02)


def test_appearance_of_an_even_photo_is_its_colour_and_small(model, landmarks):
    photo = np.full((256, 256, 3), [150, 120, 90], np.uint8)
    appearance = Appearance.of(Portrait.from_photo(photo, landmarks, model))
    np.testing.assert_array_equal(appearance.tone, np.tile([151, 121, 91], (3, 1)))
    assert appearance.yaw == pytest.approx(6, abs=1)
    assert appearance.scale == pytest.approx(10, rel=0.05)
    assert len(pickle.dumps(appearance)) < 1000


def correlation(one, other):
    return np.corrcoef(one.ravel().astype(float), other.ravel().astype(float))[0, 1]
