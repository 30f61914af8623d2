"""Loss terms against values worked out by hand."""

import numpy as np
import tensorflow as tf

from ganimation_tf.training import losses


def test_gradient_penalty_is_the_squared_distance_from_1_and_its_slope():
    norms = tf.constant([4.0, 0.5, 1.0, 0.0])
    np.testing.assert_allclose(losses.gradient_penalty(norms), [9.0, 0.25, 0.0, 1.0])
    np.testing.assert_allclose(losses.gradient_penalty_slope(norms), [6.0, -1.0, 0.0, -2.0])


def test_interpolates_lie_between_real_and_fake_with_one_number_per_image():
    real, fake = tf.ones((3, 2, 2, 3)), -tf.ones((3, 2, 2, 3))
    between = losses.interpolate(real, fake, tf.constant([0.0, 0.25, 1.0]))
    for image, expected in zip(between, (-1.0, -0.5, 1.0), strict=True):
        np.testing.assert_allclose(image, np.full((2, 2, 3), expected))


def test_total_variation_by_hand():
    mask = tf.constant([[0.0, 1.0], [0.5, 0.0]])[None, :, :, None]
    # Vertical steps |0.5 - 0|, |0 - 1|: mean 0.75. Horizontal |1 - 0|, |0 - 0.5|: mean 0.75.
    np.testing.assert_allclose(losses.total_variation(mask), [1.5])


def test_total_variation_does_not_depend_on_resolution_or_batch():
    stripes = np.zeros((1, 4, 4, 1), np.float32)
    stripes[:, ::2] = 1.0  # every vertical step is 1, every horizontal one 0
    for repeat in (1, 5):
        np.testing.assert_allclose(losses.total_variation(np.repeat(stripes, repeat, 0)), 1.0)
    np.testing.assert_allclose(losses.total_variation(np.tile(stripes, (1, 8, 8, 1))), 1.0)


def test_realism_terms_by_hand():
    real, fake = tf.constant([[[1.0, 3.0]]]), tf.constant([[[4.0, 0.0]]])
    np.testing.assert_allclose(losses.critic_realism(real, fake), [0.0])
    np.testing.assert_allclose(losses.critic_realism(real, 2 * fake), [2.0])
    np.testing.assert_allclose(losses.generator_realism(fake), [-2.0])


def test_action_units_cycle_and_attention_by_hand():
    predicted, expected = tf.constant([[0.0, 1.0], [1.0, 1.0]]), tf.constant([[1.0, 1.0], [0.5, 0]])
    np.testing.assert_allclose(losses.action_units(predicted, expected), [0.5, 0.625])
    image = tf.zeros((1, 2, 2, 3))
    np.testing.assert_allclose(losses.cycle(image, image - 0.25), [0.25])
    np.testing.assert_allclose(losses.attention(tf.constant([[[[0.2], [0.6]]]])), [0.4])
