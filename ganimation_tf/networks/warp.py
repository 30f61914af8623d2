"""Images sampled where a flow field says: bilinear, without an operation of our own.

Four gathers and four weights, which XLA, SavedModel, LiteRT, ONNX and OpenVINO all know.
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
    """The image at other places, between pixels bilinearly; beyond the border, the border.

    Whole places give the image's own values bit for bit. The gradient is that of the places
    alone: the image's would be a scatter, which is slow and, on a GPU, in no fixed order.

    Args:
        image: float (B, H, W, C).
        places: float32 (B, H', W', 2), x and y in pixels of the image.

    Returns:
        float32 (B, H', W', C).
    """
    height, width, channels = image.shape[1:]
    rows, columns = places.shape[1:3]
    pixels = tf.reshape(
        tf.cast(tf.stop_gradient(image), tf.float32), (-1, height * width, channels)
    )

    def split(values, size):
        values = tf.clip_by_value(values, 0.0, float(size - 1))
        # One less than the last pixel, so that there is a next one; then all the weight is on it.
        before = tf.clip_by_value(tf.floor(tf.stop_gradient(values)), 0.0, float(max(size - 2, 0)))
        return tf.cast(before, tf.int32), values - before

    (left, right_weight), (top, bottom_weight) = (
        split(places[..., 0], width),
        split(places[..., 1], height),
    )
    first = tf.reshape(top * width + left, (-1, rows * columns))

    def gathered(offset: int) -> tf.Tensor:
        corner = tf.gather(pixels, first + offset, batch_dims=1)
        return tf.reshape(corner, (-1, rows, columns, channels))

    next_column, next_row = int(width > 1), width * int(height > 1)
    x, y = right_weight[..., None], bottom_weight[..., None]
    above = (1.0 - x) * gathered(0) + x * gathered(next_column)
    below = (1.0 - x) * gathered(next_row) + x * gathered(next_row + next_column)
    return (1.0 - y) * above + y * below


@keras.saving.register_keras_serializable(package="ganimation_tf")
class Warp(keras.layers.Layer):
    """`[image, flow]`: output pixel (y, x) is the image at (y + flow_y, x + flow_x).

    Always in float32: bfloat16 does not count beyond 256 pixels without gaps.

    Args:
        image: (B, S, S, C).
        flow: (B, S, S, 2), x and y in pixels.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs | {"dtype": "float32"})

    def call(self, inputs):
        image, flow = inputs
        return sample(image, flow + pixel_grid(*image.shape[1:3]))

    def compute_output_shape(self, input_shape):
        return input_shape[0]
