"""The layers that both networks are made of."""

import random

import keras
from keras import layers

INITIAL_DEVIATION = 0.02
"""Standard deviation of the convolutions' initial weights, in both networks."""


class Builder:
    """Builds convolutions that share one stream of initial seeds."""

    def __init__(self, seed: int):
        self._seeds = random.Random(seed)

    def _initializer(self, deviation=INITIAL_DEVIATION) -> keras.initializers.Initializer:
        # One object, and one seed, for each layer: a shared one would fill layers alike.
        return keras.initializers.RandomNormal(stddev=deviation, seed=self._seeds.getrandbits(31))

    def conv(
        self,
        x,
        filters,
        kernel,
        strides=1,
        name=None,
        use_bias=False,
        padding="same",
        deviation=INITIAL_DEVIATION,
    ):
        return layers.Conv2D(
            filters,
            kernel,
            strides=strides,
            padding=padding,
            data_format="channels_last",
            use_bias=use_bias,
            kernel_initializer=self._initializer(deviation),
            name=name,
        )(x)

    def dense(self, x, units, name, deviation=INITIAL_DEVIATION):
        initializer = self._initializer(deviation)
        return layers.Dense(units, kernel_initializer=initializer, name=name)(x)

    def conv_transpose(self, x, filters, name):
        return layers.Conv2DTranspose(
            filters,
            4,
            strides=2,
            padding="same",
            data_format="channels_last",
            use_bias=False,
            kernel_initializer=self._initializer(),
            name=name,
        )(x)


def normalize(x, name):
    """Instance normalization, affine: one group for each channel."""
    return layers.GroupNormalization(groups=-1, epsilon=1e-5, name=name)(x)


def normalize_relu(x, name):
    return layers.ReLU(name=f"{name}_relu")(normalize(x, f"{name}_norm"))
