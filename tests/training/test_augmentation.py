"""Pictures of a pair are changed alike, by the example's own numbers, on any device alike."""

import numpy as np
import pytest
import tensorflow as tf

from ganimation_tf.training import augmentation, inputs
from ganimation_tf.training.augmentation import NUMBERS, augment

SIZE = 24
STILL = np.full((1, NUMBERS), 0.5, np.float32)
"""Numbers with which nothing is turned, lit or spoilt: what happens sometimes does not happen."""


def pictures(count=2, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (1, count, SIZE, SIZE, 3)).astype(np.float32)


def numbers(batch, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, (batch, NUMBERS)).astype(np.float32)


def with_number(index, value):
    changed = STILL.copy()
    changed[0, index] = value
    return changed


def test_still_numbers_leave_a_picture_as_it_is():
    before = pictures()
    np.testing.assert_allclose(augment(before, STILL, 1.0), before, atol=1e-4)


def test_strength_0_leaves_a_picture_as_it_is():
    before = np.repeat(pictures(), 3, axis=0)
    np.testing.assert_allclose(augment(before, numbers(3), 0.0), before, atol=1e-4)


def test_both_pictures_of_a_pair_are_changed_alike():
    same = np.repeat(pictures(1), 2, axis=1)
    for seed in range(8):
        actual = augment(same, numbers(1, seed), 1.0).numpy()
        np.testing.assert_array_equal(actual[:, 0], actual[:, 1])
        assert np.abs(actual - same).max() > 0.05


def test_an_example_depends_on_its_own_numbers_alone():
    both = np.concatenate([pictures(seed=1), pictures(seed=2)])
    drawn = numbers(2)
    together = augment(both, drawn, 1.0)
    for row in range(2):
        alone = augment(both[row : row + 1], drawn[row : row + 1], 1.0)
        np.testing.assert_allclose(together[row], alone[0], atol=1e-5)


def test_compiled_or_not_the_pictures_are_the_same():
    before, drawn = np.repeat(pictures(), 4, axis=0), numbers(4)
    compiled = tf.function(augment, jit_compile=True)(before, drawn, 1.0)
    # Rounding to coarse steps may fall on the other side where it was a tie.
    assert np.abs(compiled - augment(before, drawn, 1.0)).mean() < 1e-4


def test_shift_moves_the_picture_by_its_share_of_the_side():
    plane = np.broadcast_to(
        np.linspace(-0.8, 0.8, SIZE, dtype=np.float32)[None, None, None, :, None],
        (1, 1, SIZE, SIZE, 3),
    )
    moved = augment(plane, with_number(2, 1.0), 1.0).numpy()
    step = 1.6 / (SIZE - 1) * augmentation.SHIFT * SIZE
    np.testing.assert_allclose(moved[..., 4:-4, :] - plane[..., 4:-4, :], step, atol=1e-3)


def test_turn_keeps_the_centre_and_moves_the_rim_by_the_angle():
    points = np.full((1, 1, 25, 25, 3), -1.0, np.float32)
    points[0, 0, 12, 12] = points[0, 0, 12, 22] = 1.0
    turned = augment(points, with_number(0, 1.0), 1.0).numpy()[0, 0, ..., 0]
    assert turned[12, 12] == pytest.approx(1, abs=1e-4)
    rows, columns = np.mgrid[:25, :25]
    weight = (turned + 1) * (columns > 17)
    actual = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum() - 12
    angle = np.degrees(np.arctan2(actual[1], actual[0]))
    assert abs(angle) == pytest.approx(8.0, abs=1.0)


def test_grey_has_no_colour_left():
    actual = augment(pictures(), with_number(15, 0.0), 1.0).numpy()
    assert np.ptp(actual, axis=-1).max() < 1e-4


def test_noise_is_as_wide_as_it_says_and_differs_between_examples():
    flat = np.zeros((2, 1, SIZE, SIZE, 3), np.float32)
    drawn = np.repeat(with_number(11, 0.0), 2, axis=0)
    drawn[1, 12] = 0.25
    actual = augment(flat, drawn, 1.0).numpy()
    widest = 2 * augmentation.NOISE
    assert 0.95 * widest < np.abs(actual).max() <= widest + 1e-5
    # Uniform: deviation is the half-width over the root of 3; 1728 values are within 5 %.
    assert actual.std() == pytest.approx(widest / 3**0.5, rel=0.05)
    assert abs(np.corrcoef(actual[0].ravel(), actual[1].ravel())[0, 1]) < 0.1


def test_compression_keeps_flat_blocks_and_loses_the_finest_waves():
    checkers = np.indices((SIZE, SIZE)).sum(0) % 2 * 0.1
    picture = np.broadcast_to(checkers[None, None, :, :, None], (1, 1, SIZE, SIZE, 3))
    coarse = with_number(14, 0.0)
    lost = augment(picture.astype(np.float32), coarse, 1.0).numpy()
    assert np.ptp(lost) < 0.02
    assert lost.mean() == pytest.approx(0.05, abs=0.03)


def test_a_batch_leaves_its_numbers_behind_and_takes_bytes():
    bytes_ = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    batch = {inputs.IMAGE: tf.constant(bytes_), inputs.TRUTH: tf.constant(bytes_)}
    plain = augmentation.augmented(batch, 1.0)
    np.testing.assert_allclose(plain["image"], bytes_ / 127.5 - 1, atol=1e-6)
    drawn = batch | {inputs.AUGMENTATION: tf.constant(numbers(2))}
    actual = augmentation.augmented(drawn, 1.0)
    assert set(actual) == {"image", "truth"}
    np.testing.assert_array_equal(actual["image"], actual["truth"])
    assert np.abs(actual["image"] - plain["image"]).max() > 0.05
