"""The fused update against Keras's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganimation_tf.adam import FusedAdam


def steps_of(optimizer_class, steps=5):
    """Weights and optimizer variables after steps along gradients of very different size."""
    rng = np.random.default_rng(3)
    variables = [keras.Variable(rng.normal(size=shape).astype("float32")) for shape in ((7, 5), 3)]
    schedule = keras.optimizers.schedules.PolynomialDecay(1e-2, 4, 1e-3)
    optimizer = optimizer_class(schedule, beta_1=0.5, beta_2=0.999, epsilon=1e-8)
    optimizer.build(variables)
    apply = tf.function(lambda *gradients: optimizer.apply(list(gradients), variables))
    for _ in range(steps):
        scale = 10.0 ** rng.uniform(-4, 2)
        apply(*(tf.constant(scale * rng.normal(size=v.shape), tf.float32) for v in variables))
    return [v.numpy() for v in variables], [v.numpy() for v in optimizer.variables]


def test_moves_weights_and_moments_as_keras_does():
    for ours, wanted in zip(steps_of(FusedAdam), steps_of(keras.optimizers.Adam), strict=True):
        for one, other in zip(ours, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-7)


def test_first_step_is_the_learning_rate_against_the_gradients_sign():
    variable = keras.Variable([1.0, 1.0])
    optimizer = FusedAdam(0.25, beta_1=0.5, beta_2=0.999, epsilon=1e-8)
    optimizer.build([variable])
    optimizer.apply([tf.constant([3.0, -0.01])], [variable])
    np.testing.assert_allclose(variable, [0.75, 1.25], rtol=1e-5)


def test_amsgrad_is_refused():
    with pytest.raises(ValueError, match="amsgrad"):
        FusedAdam(1e-3, amsgrad=True)
