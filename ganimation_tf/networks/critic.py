"""The critic (arXiv:1807.09251, section 4.1)."""

import keras
import numpy as np
from keras import layers, ops

from ganimation_tf.networks.layers import Builder

CRITIC_SLOPE = 0.01
"""Slope of the critic's leaky ReLUs below zero."""

WIDE = 8
"""Least side of an image from which the critic convolves; below, see `strided_patches`."""


def strided_patches(x):
    """What a 4x4 convolution of stride 2 sees: (B, S, S, C) to (B, S/2, S/2, 16 C), zero-padded.

    Where the image is a few pixels wide and the kernel has millions of weights, the convolution
    is this and a matrix product; convolution kernels are several times slower there.
    """
    side, channels = x.shape[1] // 2 + 1, x.shape[3]
    x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    # Blocks of 2 x 2 pixels, of which each patch has four.
    x = ops.reshape(x, (-1, side, 2, side, 2, channels))
    x = ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, side, side, 4 * channels))
    corners = [x[:, :-1, :-1], x[:, :-1, 1:], x[:, 1:, :-1], x[:, 1:, 1:]]
    return ops.concatenate(corners, axis=-1)


def refit_kernel(kernel: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A 4x4 kernel as a layer of that shape holds it, of a critic for another image size.

    (4, 4, C, F) of a convolution, or (16 C, F) of `strided_patches`; any other comes back as it is.
    """
    if kernel.ndim == len(shape) or {kernel.ndim, len(shape)} != {2, 4}:
        return kernel
    filters = kernel.shape[-1]
    # Both are blocks of 2 x 2 of pixels of 2 x 2, in another order of the same axes.
    split = kernel.reshape(2, 2, 2, 2, -1, filters).transpose(0, 2, 1, 3, 4, 5)
    return split.reshape((-1, filters) if kernel.ndim == 4 else (4, 4, -1, filters))


def build_critic(
    image_size: int,
    action_units: int,
    filters: int = 64,
    layers_count: int = 6,
    seed: int = 0,
) -> keras.Model:
    """The critic: how real each patch looks, and which AUs the face shows.

        >>> critic = gan.build_critic(32, 17, filters=4, layers_count=3)
        >>> critic(np.zeros((1, 32, 32, 3)))["action_units"].shape
        TensorShape([1, 17])

    Args:
        image_size: S, a multiple of 2 to the power of `layers_count`.
        action_units: N.
        filters: channels of the first convolution; each further one doubles them.
        layers_count: strided convolutions; the patch grid is S / 2**layers_count wide.

    Returns:
        Model of an image (B, S, S, 3) in [-1, 1] to a dict of `realism` (B, P, P), unbounded, and
        `action_units` (B, N), unbounded, trained towards [0, 1].

    Raises:
        ValueError: if the image size is not such a multiple.
    """
    stride = 2**layers_count
    if image_size < stride or image_size % stride:
        raise ValueError(
            f"image size must be a multiple of {stride} (2 to the power of {layers_count} critic "
            f"layers), got {image_size}"
        )
    build = Builder(seed)
    image = x = keras.Input((image_size, image_size, 3), name="image")
    for level in range(layers_count):
        name, width = f"conv{level + 1}", filters * 2**level
        if x.shape[1] > WIDE:
            x = build.conv(x, width, 4, strides=2, name=name, use_bias=True)
        else:
            x = build.dense(strided_patches(x), width, name)
        x = layers.LeakyReLU(negative_slope=CRITIC_SLOPE, name=f"{name}_lrelu")(x)
    patches = image_size // stride
    realism = build.conv(x, 1, 3, name="realism_head")
    realism = layers.Reshape((patches, patches), dtype="float32", name="realism")(realism)
    seen = build.conv(x, action_units, patches, name="action_units_head", padding="valid")
    seen = layers.Reshape((action_units,), dtype="float32", name="action_units")(seen)
    return keras.Model(image, {"realism": realism, "action_units": seen}, name="critic")
