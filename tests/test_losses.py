"""Loss terms against values worked out by hand."""

import numpy as np
import pytest
import tensorflow as tf

from ganimation_tf import losses


def linear_score(weight):
    """A critic of one 1x1 patch: weight * (sum of all pixels)."""
    return lambda images: weight * tf.reduce_sum(images, axis=(1, 2, 3))[:, None, None]


@pytest.mark.parametrize(("weight", "expected"), [(2.0, 9.0), (0.25, 0.25), (0.5, 0.0), (0.0, 1.0)])
def test_gradient_penalty_of_a_linear_critic(weight, expected):
    # Gradient: `weight` at each of 4 values, so its norm is 2 * weight; penalty (2 weight - 1)^2.
    real, fake = tf.random.stateless_uniform((2, 3, 2, 2, 1), (1, 2))
    penalty = losses.gradient_penalty(linear_score(weight), real, fake, tf.constant([0.1, 0.5, 1]))
    np.testing.assert_allclose(penalty, [expected] * 3, atol=1e-5)


def test_gradient_penalty_looks_between_real_and_fake_with_one_number_per_image():
    seen = []

    def recording(images):
        seen.append(images)
        return linear_score(1.0)(images)

    real, fake = tf.ones((3, 2, 2, 3)), -tf.ones((3, 2, 2, 3))
    losses.gradient_penalty(recording, real, fake, tf.constant([0.0, 0.25, 1.0]))
    for image, expected in zip(seen[0], (-1.0, -0.5, 1.0), strict=True):
        np.testing.assert_allclose(image, np.full((2, 2, 3), expected))


def test_gradient_penalty_sums_over_patches():
    # Two patches, each the sum of the image: the gradient of their sum is 2 at each of 4 values.
    def two_patches(images):
        return tf.repeat(linear_score(1.0)(images), 2, axis=1)

    image = tf.zeros((1, 2, 2, 1))
    penalty = losses.gradient_penalty(two_patches, image, image, tf.constant([0.5]))
    np.testing.assert_allclose(penalty, [9.0], atol=1e-5)


def test_gradient_penalty_is_differentiable_where_the_gradient_is_zero():
    weight = tf.Variable(0.0)
    image = tf.ones((1, 2, 2, 1))
    with tf.GradientTape() as tape:
        penalty = losses.gradient_penalty(linear_score(weight), image, image, tf.constant([0.5]))
    assert np.isfinite(tape.gradient(penalty, weight))


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
