"""The critic's gradient in closed form against differentiating twice."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from ganimation_tf.networks.critic import build_critic, overlapped, strided_patches
from ganimation_tf.networks.critic_gradient import build_critic_gradient
from ganimation_tf.networks.piecewise_linear import take_apart

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


def assert_equals_two_tapes(critic, size, images, training=False):
    shape = (images, size, size, 3)
    real, fake, between = (tf.random.stateless_uniform(shape, (7, i), -1, 1) for i in range(3))
    actual = build_critic_gradient(critic)(real, fake, between, head_loss, penalty_slope)
    expected, norms = by_two_tapes(critic, real, fake, between)
    np.testing.assert_allclose(actual.slope_norms, norms, rtol=1e-5)
    for variable, ours, wanted in zip(
        critic.trainable_variables, actual.gradients, expected, strict=True
    ):
        scale = np.abs(wanted).max() or 1.0  # 0: a bias of scores, the same on real and fake
        np.testing.assert_allclose(ours / scale, wanted / scale, atol=1e-5, err_msg=variable.path)


# 32 px: convolutions at 32 and 16, matrix products at 8; 8 px: matrix products alone.
@pytest.mark.parametrize(("size", "stages"), [(32, 3), (8, 2), (32, 1)])
@pytest.mark.parametrize("images", [1, 3])
def test_equals_differentiating_twice(size, stages, images, caplog):
    with caplog.at_level(logging.INFO):
        assert_equals_two_tapes(make_critic(size, stages), size, images)
    assert f"in closed form through {stages} convolutions" in caplog.text


def test_patches_are_recognized_and_their_transpose_is_one():
    assert [stage.patches for stage in take_apart(make_critic(32, 3)).stages] == [0, 0, 1]
    assert not any(stage.patches for stage in take_apart(foreign(padded)).stages)
    image, patches = (
        tf.random.stateless_normal(shape, (1, 2)) for shape in ((2, 8, 8, 3), (2, 4, 4, 48))
    )
    there = tf.reduce_sum(strided_patches(image) * patches)
    back = tf.reduce_sum(image * overlapped(patches))
    assert float(there) == pytest.approx(float(back), rel=1e-5)


def heads_of(x, patches_bias=False):
    """The two outputs that a critic must have, from its last features."""
    realism = layers.Conv2D(1, 3, padding="same", use_bias=patches_bias, name="score")(x)
    seen = layers.Dense(3)(layers.Flatten()(x))
    return {"realism": layers.Reshape(realism.shape[1:3])(realism), "action_units": seen}


def plain(x, slope=0.2, width=4, **options):
    """Two convolutions as people write them: other slopes, strides, padding and names."""
    options = {"strides": 2, "padding": "same"} | options
    for _ in range(2):
        x = layers.Conv2D(width, 4, **options)(x)
        x = layers.LeakyReLU(negative_slope=slope)(x)
    return heads_of(x, patches_bias=True)


def padded(x):
    x = layers.ZeroPadding2D(1)(x)
    x = layers.LeakyReLU(0.2)(layers.Conv2D(4, 4, dilation_rate=2)(x))
    x = layers.AveragePooling2D(2)(x)
    x = layers.ReLU()(layers.Conv2D(5, 3, use_bias=False)(x))
    return heads_of(x)


def dense(x):
    x = layers.LeakyReLU(0.1)(layers.Conv2D(4, 3, strides=3)(x))
    x = layers.LeakyReLU(0.3)(layers.Dense(6)(layers.Flatten()(x)))
    return {"realism": layers.Dense(1)(x), "action_units": layers.Dense(3, "tanh")(x)}


def normalized(x):
    x = layers.Conv2D(4, 4, strides=2, name="conv1")(x)
    x = layers.LeakyReLU(0.2)(layers.GroupNormalization(2, name="norm1")(x))
    return heads_of(x)


def activated(x):
    return heads_of(layers.Conv2D(4, 4, strides=2, activation="gelu", name="smooth")(x))


def residual(x):
    x = layers.LeakyReLU(0.2)(layers.Conv2D(4, 3, padding="same")(x))
    inner = layers.LeakyReLU(0.2, name="bend1")(layers.Conv2D(4, 1)(x))
    return heads_of(layers.Add()([x, inner]))


def skipping(x):
    bent = layers.LeakyReLU(0.2, name="bend1")(layers.Conv2D(4, 3, padding="same")(x))
    return heads_of(layers.Concatenate()([bent, x]))


def shared(x):
    convolution = layers.Conv2D(3, 3, padding="same", name="shared")
    x = layers.LeakyReLU(0.2)(convolution(x))
    return heads_of(layers.LeakyReLU(0.2)(convolution(x)))


def shifted(x):
    x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=0.5)
    return heads_of(layers.LeakyReLU(0.2)(layers.Conv2D(4, 4, strides=2)(x)))


def bent_twice(x):
    x = layers.LeakyReLU(0.2)(layers.Conv2D(4, 4, strides=2)(x))
    return heads_of(layers.LeakyReLU(0.1, name="again")(x))


def bent_at_once(x):
    return heads_of(layers.Conv2D(4, 4, strides=2)(layers.ReLU(name="first")(x)))


def deep_score(x):
    x = layers.LeakyReLU(0.2)(layers.Conv2D(4, 4, strides=2)(x))
    return heads_of(layers.Conv2D(4, 1, name="last")(x))


def foreign(parts, size=12):
    """A critic of those parts, with larger weights than at the start, so that every term counts."""
    image = keras.Input((size, size, 3))
    critic = keras.Model(image, parts(image))
    rng = np.random.default_rng(0)
    critic.set_weights([rng.normal(0, 0.3, w.shape) for w in critic.get_weights()])
    return critic


@pytest.mark.parametrize("parts", [plain, padded, dense], ids=lambda parts: parts.__name__)
def test_a_foreign_critic_of_convolutions_and_leaky_relus_is_read(parts, caplog):
    with caplog.at_level(logging.INFO):
        assert_equals_two_tapes(foreign(parts), 12, 2)
    assert "in closed form through 2 convolutions" in caplog.text


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (normalized, "norm1 is a GroupNormalization"),
        (activated, "smooth is a Conv2D"),
        (residual, "there is a way around bend1"),
        (skipping, "there is a way around bend1"),
        (shared, "shared is used twice"),
        (shifted, "is not 0 where the features are"),
        (bent_twice, "again follows another bend or the image"),
        (bent_at_once, "first follows another bend or the image"),
        (deep_score, "one layer with weights after the last bend, got 2"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_any_other_critic_is_differentiated_twice(parts, reason, caplog):
    with caplog.at_level(logging.INFO):
        assert_equals_two_tapes(foreign(parts), 12, 2)
    (line,) = [record.message for record in caplog.records if "critic:" in record.message]
    assert line.startswith("critic: differentiated twice, as ") and reason in line


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
    actual = build_critic_gradient(critic)(image, image, image, head_loss, penalty_slope)
    # Two patches of 4 pixels cover 4 pixels and a rim: 1, 2, 2, 1 times in each direction. So the
    # slope is 2 * (1, 2, 2, 1) x (1, 2, 2, 1) in 3 channels; its squares sum to 4 * 10 * 10 * 3.
    np.testing.assert_allclose(actual.slope_norms, [np.sqrt(1200.0)], rtol=1e-6)


def test_is_finite_where_the_slope_is_zero():
    critic = make_critic(8, 2)
    critic.set_weights([np.zeros(w.shape) for w in critic.get_weights()])
    image = tf.ones((2, 8, 8, 3))
    actual = build_critic_gradient(critic)(image, image, image, head_loss, penalty_slope)
    assert all(np.isfinite(gradient).all() for gradient in actual.gradients)
