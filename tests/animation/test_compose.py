"""Edits put back into photos, against edits that are known by arithmetic."""

import cv2
import numpy as np
import pytest

from ganimation_tf.animation import support
from ganimation_tf.animation.compose import Composer, Edit
from ganimation_tf.animation.subjects import centre_square
from ganimation_tf.faces import alignment

SPEC = alignment.CropSpec(64)
EVERYWHERE = np.ones((64, 64))


def transform(scale: float, left: float, top: float, degrees: float = 0.0) -> np.ndarray:
    turn = np.deg2rad(degrees)
    a, b = scale * np.cos(turn), scale * np.sin(turn)
    return np.array([[a, -b, left], [b, a, top]])


def edit(flow=None, attention=1.0, color=0.5, image=0.5) -> Edit:
    def full(value, channels):
        return np.full((64, 64, channels), value, np.float32)

    if flow is not None:
        flow = np.broadcast_to(np.float32(flow), (64, 64, 2)).copy()
    return Edit(full(image, 3), full(attention, 1), full(color, 3), flow)


@pytest.fixture
def photo():
    """Noise: every moved pixel shows."""
    return np.random.default_rng(0).integers(0, 256, (400, 500, 3), np.uint8)


def test_no_flow_and_no_paint_is_the_photo_bit_for_bit(photo):
    composer = Composer(photo, transform(3.3, 90, 80, 20), SPEC)
    np.testing.assert_array_equal(composer.put_back(edit(flow=(0, 0))), photo)


def test_a_uniform_flow_moves_the_photos_own_pixels(photo):
    # 2 crop pixels to the right at 3 photo pixels each: the result shows what lay 6 to the right.
    composer = Composer(photo, transform(3, 90, 80), SPEC, EVERYWHERE)
    moved = composer.put_back(edit(flow=(2, 0)))
    centre = (slice(150, 200), slice(160, 210))
    np.testing.assert_array_equal(moved[centre], photo[150:200, 166:216])


def test_the_flow_turns_with_the_crop(photo):
    # Turned by 90 degrees clockwise, the crop's x runs down the photo.
    composer = Composer(photo, transform(3, 300, 80, 90), SPEC, EVERYWHERE)
    moved = composer.put_back(edit(flow=(2, 0)))
    np.testing.assert_array_equal(moved[150:200, 180:230], photo[156:206, 180:230])


def test_what_the_crop_does_not_cover_stays_bit_for_bit(photo):
    composer = Composer(photo, transform(2, 150, 120), SPEC, EVERYWHERE)
    moved = composer.put_back(edit(flow=(3, 1), attention=0.0))
    untouched = np.ones(photo.shape[:2], bool)
    untouched[118:250, 148:280] = False
    np.testing.assert_array_equal(moved[untouched], photo[untouched])
    assert (moved != photo).any()


def test_paint_replaces_the_photo_where_the_mask_says_so():
    photo = np.full((300, 300, 3), 100, np.uint8)
    composer = Composer(photo, transform(3, 50, 50), SPEC, EVERYWHERE)
    painted = composer.put_back(edit(flow=(0, 0), attention=0.25, color=0.8))
    # 0.25 * 100 + 0.75 * 0.8 * 255
    assert (painted[120:180, 120:180] == 178).all()


def test_the_edge_of_the_crop_cannot_be_seen_on_a_plain_wall():
    photo = np.full((300, 300, 3), 100, np.uint8)
    composer = Composer(photo, transform(3, 50, 50), SPEC, EVERYWHERE)
    painted = composer.put_back(edit(flow=(0, 0), attention=0.0, color=0.8)).astype(int)
    # 104 levels over a sixteenth of 192 pixels, 1.5 times as steep in the middle of the ramp, which
    # cubic interpolation of its four values may exceed by a quarter.
    assert np.abs(np.diff(painted, axis=0)).max() <= 104 / 12 * 1.5 * 1.25
    assert painted[:51, 100:200].max() <= 104  # a third of a crop pixel inside


def test_without_a_flow_the_difference_is_added_and_detail_stays(photo):
    photo = (photo // 2 + 40).astype(np.uint8)
    composer = Composer(photo, transform(3, 90, 80), SPEC, EVERYWHERE)
    brighter = Edit(composer.crop + np.float32(0.1), np.zeros((64, 64, 1)), composer.crop, None)
    result = composer.put_back(brighter).astype(int)
    difference = (result - photo)[130:210, 140:220]
    assert difference.min() >= 25 and difference.max() <= 26  # 0.1 of 255


def test_a_flow_keeps_the_photos_sharpness():
    # Skin-like texture up to a wavelength of four pixels on a face of 900 pixels.
    rng = np.random.default_rng(1)
    texture = cv2.GaussianBlur(rng.normal(0, 60, (1200, 1200, 3)).astype(np.float32), (0, 0), 1.2)
    photo = np.clip(texture + 128, 0, 255).astype(np.uint8)
    composer = Composer(photo, transform(14, 150, 150), SPEC, EVERYWHERE)
    y, x = np.mgrid[:64, :64]
    wave = np.stack([1.5 * np.sin(y / 9), 1.2 * np.cos(x / 11)], -1).astype(np.float32)
    moved = composer.put_back(edit(flow=wave))

    def energy(picture):
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)[300:900, 300:900]
        return np.mean(np.diff(grey, axis=0) ** 2) + np.mean(np.diff(grey, axis=1) ** 2)

    assert energy(moved) >= 0.95 * energy(photo)


def test_paint_gets_the_photos_grain():
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 4, (400, 400, 1))
    photo = np.clip(120 + np.repeat(noise, 3, 2), 0, 255).astype(np.uint8)
    composer = Composer(photo, transform(4, 60, 60), SPEC, EVERYWHERE)
    painted = composer.put_back(edit(flow=(0, 0), attention=0.0, color=0.5))
    inside = painted[150:250, 150:250].astype(float)
    assert 3.2 < inside.std() < 4.8
    np.testing.assert_array_equal(painted, composer.put_back(edit((0, 0), 0.0, 0.5)))
    plain = Composer(photo, transform(4, 60, 60), SPEC, EVERYWHERE, grainy=False)
    assert plain.put_back(edit((0, 0), 0.0, 0.5))[200, 200].std() == 0


def test_a_straight_line_behind_the_face_stays_straight():
    photo = np.full((400, 400, 3), 200, np.uint8)
    photo[:, 60:64] = 0  # beside the face, inside the crop
    spec = alignment.CropSpec(64, margin=0.5)
    composer = Composer(photo, transform(6, 8, 8), spec)
    moved = composer.put_back(edit(flow=(1, 0)))
    np.testing.assert_array_equal(moved[:, 50:80], photo[:, 50:80])


@pytest.mark.parametrize(("left", "top"), [(-90, -60), (420, 330), (-90, 330)])
def test_a_face_half_outside_of_the_photo(photo, left, top):
    composer = Composer(photo, transform(3, left, top), SPEC, EVERYWHERE)
    moved = composer.put_back(edit(flow=(1, 1), attention=0.5))
    assert moved.shape == photo.shape and (moved != photo).any()


@pytest.mark.timeout(60, method="thread")  # a signal does not end OpenCV
@pytest.mark.parametrize("size", [(1, 300), (300, 1), (1, 1)])
def test_a_photo_of_one_row_or_column(size):
    photo = np.full((*size, 3), 90, np.uint8)
    composer = Composer(photo, centre_square(*size, 64), SPEC, EVERYWHERE)
    np.testing.assert_array_equal(composer.put_back(edit(flow=(3, 2))), photo)


def test_a_face_smaller_than_the_crop():
    photo = np.full((60, 60, 3), 100, np.uint8)
    composer = Composer(photo, transform(0.4, 15, 15), SPEC, EVERYWHERE)
    painted = composer.put_back(edit(flow=(0, 0), attention=0.0, color=0.8))
    assert abs(int(painted[28, 28, 0]) - 204) <= 1
    assert (painted[:13] == 100).all()


def test_the_support_follows_the_outline_of_the_face():
    points = np.array([[20, 20], [44, 20], [20, 40], [44, 40]], float)
    inside = support.face_support(SPEC, points)
    assert (inside[22:40, 22:43] == 1).all()
    assert (inside[:, :10] == 0).all() and (inside[:10] == 0).all()
    unit = 63 / (2.4 * 1.3)  # pixels between the eyes
    assert inside[int(40 + 0.4 * unit), 32] == 1  # below the chin, for a jaw that drops


def test_masks_are_shown_where_the_crop_lies():
    photo = np.zeros((200, 200, 3), np.uint8)
    composer = Composer(photo, transform(2, 40, 40), SPEC)
    shown = composer.mask(np.full((64, 64, 1), 0.25, np.float32), outside=1.0)
    assert shown.shape == (200, 200, 1)
    assert (shown[60:140, 60:140] == 0.25).all() and (shown[:35] == 1).all()
