import numpy as np
import pytest
import tensorflow as tf

from ganimation_tf.training.diagnostics import vitals


def test_mask_statistics_are_those_of_each_mask():
    half = np.concatenate([np.zeros((4, 8)), np.ones((4, 8))])[..., None]  # std 1/2
    flat = np.full((8, 8, 1), 0.7)
    near = np.full((8, 8, 1), 0.96)
    near[0] = 0.04  # 8 of 64 pixels at the other end
    near[1] = 0.06  # 8 that are not saturated
    actual = vitals.mask_statistics(tf.constant(np.stack([half, flat, near]), tf.float32))
    np.testing.assert_allclose(actual["mask_mean"][:2], [0.5, 0.7], rtol=1e-6)
    np.testing.assert_allclose(actual["mask_std"], [0.5, 0.0, near.std()], atol=1e-6)
    np.testing.assert_allclose(actual["mask_saturated"], [1.0, 0.0, 56 / 64])


def test_gradient_norm_is_that_of_all_variables_together():
    gradients = [
        tf.constant([3.0, 0.0]),
        tf.constant([[0.0], [4.0]], tf.float16),
        tf.constant(12.0),
    ]
    assert float(vitals.gradient_norm(gradients)) == pytest.approx(13.0)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_one_entry_that_is_not_finite_shows_in_the_norm(wrong):
    norm = vitals.gradient_norm([tf.ones(5), tf.constant([1.0, wrong])])
    assert not np.isfinite(norm)
