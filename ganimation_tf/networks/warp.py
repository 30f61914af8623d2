"""Images sampled where a flow field says: bicubic, without an operation of our own.

Four gathers and sixteen weights, which XLA, SavedModel, LiteRT, ONNX and OpenVINO all know.
Bilinear sampling blurs whatever it moves by a part of a pixel: a twelfth of the gradients of a
true change was lost that way (docs/experiments.md).
"""

import keras
import numpy as np
import tensorflow as tf


def pixel_grid(height: int, width: int) -> np.ndarray:
    """The place (x, y) of each pixel, float32 (height, width, 2)."""
    # An array and not a tensor: tensors from outside of a function become inputs of ONNX graphs.
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y], axis=-1).astype(np.float32)


def sample(image: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """The image at other places, between pixels by Catmull and Rom's cubic.

    Beyond the border it is what the border is. Whole places give the image's own values bit for
    bit. Beside edges values may lie beyond those of the image, by an eighth of their range for
    each axis. The gradient is that of the places alone: the image's would be a scatter, which is
    slow and, on a GPU, in no fixed order.

    Args:
        image: float (B, H, W, C), at least 2 x 2 pixels.
        places: float32 (B, H', W', 2), x and y in pixels of the image.

    Returns:
        float32 (B, H', W', C).
    """
    height, width, channels = image.shape[1:]
    rows, columns = places.shape[1:3]
    pixels = tf.cast(tf.stop_gradient(image), tf.float32)
    pixels = tf.concat([pixels[:, :1], pixels, pixels[:, -1:]], axis=1)
    pixels = tf.concat([pixels[:, :, :1], pixels, pixels[:, :, -1:]], axis=2)
    # Four neighbours of a row as further channels: a gather for each row, not for each pixel.
    starts = width - 1
    pixels = tf.concat([pixels[:, :, i : i + starts] for i in range(4)], axis=3)
    pixels = tf.reshape(pixels, (-1, (height + 2) * starts, 4 * channels))

    def split(values, size):
        values = tf.clip_by_value(values, 0.0, float(size - 1))
        # One less than the last pixel, so that there is a next one; then all the weight is on it.
        before = tf.clip_by_value(tf.floor(tf.stop_gradient(values)), 0.0, float(size - 2))
        return tf.cast(before, tf.int32), _cubic(values - before)

    (left, across), (top, down) = split(places[..., 0], width), split(places[..., 1], height)
    first = tf.reshape(top * starts + left, (-1, rows * columns))

    def row(offset: int) -> tf.Tensor:
        four = tf.gather(pixels, first + offset * starts, batch_dims=1)
        four = tf.reshape(four, (-1, rows, columns, 4 * channels))
        return _weighted(across, tf.split(four, 4, axis=-1))

    return _weighted(down, [row(offset) for offset in range(4)])


def _cubic(part: tf.Tensor) -> list[tf.Tensor]:
    """Weights of the pixel before, of both neighbours and of the one after, at a part in [0, 1]."""
    t = part[..., None]
    return [
        ((1.0 - 0.5 * t) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((2.0 - 1.5 * t) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    ]


def _weighted(weights: list[tf.Tensor], values: list[tf.Tensor]) -> tf.Tensor:
    total = weights[0] * values[0]
    for weight, value in zip(weights[1:], values[1:], strict=True):
        total += weight * value
    return total


@keras.saving.register_keras_serializable(package="ganimation_tf")
class Warp(keras.layers.Layer):
    """`[image, flow]`: output pixel (y, x) is the image at (y + flow_y, x + flow_x).

    Always in float32: bfloat16 does not count beyond 256 pixels without gaps.

    Args:
        image: (B, S, S, C) in [-1, 1], as what comes out.
        flow: (B, S, S, 2), x and y in pixels.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs | {"dtype": "float32"})

    def call(self, inputs):
        image, flow = inputs
        moved = sample(image, flow + pixel_grid(*image.shape[1:3]))
        return tf.clip_by_value(moved, -1.0, 1.0)

    def compute_output_shape(self, input_shape):
        return input_shape[0]
