"""The critic's gradient in closed form against differentiating twice."""

import numpy as np
import pytest
import tensorflow as tf

from ganimation_tf.networks.critic import build_critic
from ganimation_tf.networks.critic_gradient import critic_gradient

WEIGHT = 10.0


def penalty_slope(norms):
    """Of `WEIGHT` * sum of (norm - 1)^2."""
    return WEIGHT * 2.0 * (norms - 1.0)


def head_loss(on_real, on_fake):
    realism = tf.reduce_sum(on_fake["realism"]) - tf.reduce_sum(on_real["realism"])
    return realism + 3.0 * tf.reduce_sum(tf.square(on_real["action_units"]))


def make_critic(size, layers):
    critic = build_critic(size, 3, 4, layers, seed=5)
    rng = np.random.default_rng(0)
    # Larger weights and biases than at the start, so that every term counts.
    critic.set_weights([rng.normal(0, 0.15, w.shape) for w in critic.get_weights()])
    return critic


def by_two_tapes(critic, real, fake, between):
    variables = [variable.value for variable in critic.trainable_variables]
    with tf.GradientTape() as tape:
        loss = head_loss(critic(real), critic(fake))
        with tf.GradientTape() as inner:
            inner.watch(between)
            score = tf.reduce_sum(critic(between)["realism"])
        slopes = tf.reshape(inner.gradient(score, between), (between.shape[0], -1))
        norms = tf.norm(slopes, axis=1)
        loss += WEIGHT * tf.reduce_sum(tf.square(norms - 1.0))
    return tape.gradient(loss, variables), norms


# 32 px: convolutions at 32 and 16, matrix products at 8; 8 px: matrix products alone.
@pytest.mark.parametrize(("size", "layers"), [(32, 3), (8, 2), (32, 1)])
@pytest.mark.parametrize("images", [1, 3])
def test_equals_differentiating_twice(size, layers, images):
    critic = make_critic(size, layers)
    shape = (images, size, size, 3)
    real, fake, between = (tf.random.stateless_uniform(shape, (7, i), -1, 1) for i in range(3))
    found = critic_gradient(critic, real, fake, between, head_loss, penalty_slope)
    expected, norms = by_two_tapes(critic, real, fake, between)
    np.testing.assert_allclose(found.slope_norms, norms, rtol=1e-5)
    for variable, ours, wanted in zip(
        critic.trainable_variables, found.gradients, expected, strict=True
    ):
        scale = np.abs(wanted).max()
        assert scale > 0, variable.path
        np.testing.assert_allclose(ours / scale, wanted / scale, atol=1e-5, err_msg=variable.path)


def test_the_slope_is_that_of_the_sum_of_all_patches():
    """Of a critic without bends: 4 patches of a constant kernel, worked out by hand."""
    critic = make_critic(4, 1)
    weights = {v.path: np.zeros(v.shape) for v in critic.trainable_variables}
    for variable in critic.trainable_variables:
        if variable.path == "conv1/kernel":
            weights[variable.path][:, 0] = 1.0  # every input of a patch adds to channel 0
        if variable.path == "realism_head/kernel":
            weights[variable.path][1, 1, 0] = 2.0  # each patch scores twice its channel 0
    critic.set_weights([weights[v.path] for v in critic.trainable_variables])
    image = tf.ones((1, 4, 4, 3))
    found = critic_gradient(critic, image, image, image, head_loss, penalty_slope)
    # Two patches of 4 pixels cover 4 pixels and a rim: 1, 2, 2, 1 times in each direction. So the
    # slope is 2 * (1, 2, 2, 1) x (1, 2, 2, 1) in 3 channels; its squares sum to 4 * 10 * 10 * 3.
    np.testing.assert_allclose(found.slope_norms, [np.sqrt(1200.0)], rtol=1e-6)


def test_is_finite_where_the_slope_is_zero():
    critic = make_critic(8, 2)
    critic.set_weights([np.zeros(w.shape) for w in critic.get_weights()])
    image = tf.ones((2, 8, 8, 3))
    found = critic_gradient(critic, image, image, image, head_loss, penalty_slope)
    assert all(np.isfinite(gradient).all() for gradient in found.gradients)
