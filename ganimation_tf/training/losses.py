"""The terms of GANimation's objective (arXiv:1807.09251, section 4.2); `truth` has further ones.

Each function is pure, unweighted, and computes in float32, whatever the precision of what it is
given; it returns one value per image, (B,). Means over
pixels, patches and AUs are taken here; the mean over images is the model's, which alone knows the
global batch. So a weight means the same at every batch size, number of replicas and resolution.
"""

import tensorflow as tf


def per_image_mean(values: tf.Tensor) -> tf.Tensor:
    """(B, ...) to the float32 mean over all axes but the first, (B,)."""
    return tf.reduce_mean(tf.cast(values, tf.float32), axis=tuple(range(1, values.shape.rank)))


def critic_realism(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """The critic's Wasserstein loss: fake score minus real score (eq. 2, first line).

    Args:
        real, fake: (B, P, P), the critic's patch scores.
    """
    return per_image_mean(fake) - per_image_mean(real)


def generator_realism(fake: tf.Tensor) -> tf.Tensor:
    """What the generator lowers: minus the score of its images, (B, P, P)."""
    return -per_image_mean(fake)


def gradient_penalty(slope_norms: tf.Tensor) -> tf.Tensor:
    """Squared distance from 1 of the norm of the critic's gradient (arXiv:1704.00028, eq. 3).

    Args:
        slope_norms: (B,), of the gradient of the SUM of an image's patch scores, as in the
            published code.
    """
    return tf.square(slope_norms - 1.0)


def gradient_penalty_slope(slope_norms: tf.Tensor) -> tf.Tensor:
    """The derivative of `gradient_penalty`."""
    return 2.0 * (slope_norms - 1.0)


def interpolate(real: tf.Tensor, fake: tf.Tensor, epsilon: tf.Tensor) -> tf.Tensor:
    """Where the penalty is taken: a point between each real image and its fake.

    Args:
        real: float32 (B, S, S, 3) in [-1, 1]; fake: of any precision.
        epsilon: float32 (B,) ~ U[0, 1): how far each point lies from fake (0) to real (1); one
            number for all pixels of an image.
    """
    epsilon, fake = tf.reshape(epsilon, (-1, 1, 1, 1)), tf.cast(fake, tf.float32)
    return epsilon * real + (1.0 - epsilon) * fake


def action_units(predicted: tf.Tensor, expected: tf.Tensor) -> tf.Tensor:
    """Mean squared error of AU intensities, (B, N) each (eq. 4)."""
    predicted, expected = tf.cast(predicted, tf.float32), tf.cast(expected, tf.float32)
    return per_image_mean(tf.math.squared_difference(predicted, expected))


def cycle(original: tf.Tensor, recovered: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference of two images (B, S, S, 3) (eq. 5)."""
    return per_image_mean(tf.abs(tf.cast(original, tf.float32) - tf.cast(recovered, tf.float32)))


def attention(mask: tf.Tensor) -> tf.Tensor:
    """Mean of the attention mask (B, S, S, 1).

    The published code's form of eq. 3's second term. Which way it pushes follows from the
    composition `A * input + (1 - A) * C`: it keeps the mask from saturating at 1, where the
    generator would copy its input.
    """
    return per_image_mean(mask)


def total_variation(mask: tf.Tensor) -> tf.Tensor:
    """How rough the mask (B, S, S, 1) is: mean |vertical| + mean |horizontal| step (eq. 3)."""
    mask = tf.cast(mask, tf.float32)
    vertical = mask[:, 1:] - mask[:, :-1]
    horizontal = mask[:, :, 1:] - mask[:, :, :-1]
    return per_image_mean(tf.abs(vertical)) + per_image_mean(tf.abs(horizontal))
