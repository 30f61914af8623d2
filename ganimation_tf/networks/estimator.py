"""A critic that only reads AUs, where pairs and not its judgement teach the generator."""

import keras
from keras import layers

from ganimation_tf.networks.layers import Builder

WIDEST = 8
"""No convolution has more than so many times the channels of the first."""


def build_estimator(
    image_size: int, action_units: int, filters: int = 32, layers_count: int = 5, seed: int = 0
) -> keras.Model:
    """The estimator: strided convolutions, and a linear layer that sees where each feature is.

    Group and not instance norm: that would take from each image how strong a feature is.

    Args:
        image_size: S.
        action_units: N.
        filters: channels of the first convolution; each further one doubles them, up to `WIDEST`.
        layers_count: strided convolutions.

    Returns:
        Model, named `critic` as it is used in its place, of an image (B, S, S, 3) in [-1, 1] to a
        dict of `action_units` (B, N), unbounded, trained towards [0, 1].
    """
    build = Builder(seed)
    image = x = keras.Input((image_size, image_size, 3), name="image")
    for level in range(layers_count):
        width, name = filters * min(2**level, WIDEST), f"conv{level + 1}"
        # He's deviation: unlike the critic's, these features are not trained for long.
        x = build.conv(x, width, 3, strides=2, name=name, deviation=(2 / (9 * x.shape[-1])) ** 0.5)
        groups = 8 if width % 8 == 0 else 1
        x = layers.GroupNormalization(groups, epsilon=1e-5, name=f"{name}_norm")(x)
        x = layers.ReLU(name=f"{name}_relu")(x)
    x = layers.Flatten(name="places")(x)
    # Most AUs are 0 most of the time: from 0 on, the first steps need not unlearn noise.
    x = layers.Dense(
        action_units, kernel_initializer="zeros", dtype="float32", name="action_units_head"
    )(x)
    return keras.Model(image, {"action_units": x}, name="critic")
