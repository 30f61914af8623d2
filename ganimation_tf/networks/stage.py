"""A part of a critic between two bends: a linear map, and what `critic_gradient` needs of it."""

import dataclasses

import keras
import tensorflow as tf

from ganimation_tf.networks.critic import overlapped


@dataclasses.dataclass(frozen=True)
class Stage:
    """What lies between two bends.

    Attributes:
        arrange: what is done to the features before the layer, without weights; None: nothing.
        layer: a convolution or a dense layer, without an activation.
        slope: of the leaky ReLU after it, below zero.
        patches: whether `arrange` is `critic.strided_patches`, whose transpose is written out.
    """

    arrange: keras.Model | None
    layer: keras.Layer
    slope: float
    patches: bool = False

    def linear(self, x: tf.Tensor) -> tf.Tensor:
        """The stage without bias and bend."""
        layer = self.layer
        if self.arrange is not None:
            x = self.arrange(x)
        kernel = layer.kernel.value
        if isinstance(layer, keras.layers.Dense):
            # A product of matrices; with more axes TensorFlow would repeat the kernel for each.
            rows, columns = kernel.shape
            flat = tf.matmul(tf.reshape(x, (-1, rows)), kernel)
            return tf.reshape(flat, (-1, *x.shape[1:-1], columns))
        return tf.nn.conv2d(
            x, kernel, layer.strides, layer.padding.upper(), dilations=layer.dilation_rate
        )

    def transposed(self, gradient: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """The gradient with respect to `x`, of which the shape alone is used, of `linear`."""
        with tf.GradientTape() as tape:
            tape.watch(x)
            arranged = x if self.arrange is None else self.arrange(x)
        kernel = self.layer.kernel.value
        if isinstance(self.layer, keras.layers.Dense):
            # By hand: a tape would compute the product once more, for its shape.
            flat = tf.reshape(gradient, (-1, kernel.shape[1]))
            flat = tf.matmul(flat, kernel, transpose_b=True)
            gradient = tf.reshape(flat, (-1, *arranged.shape[1:]))
        else:
            gradient = tf.nn.conv2d_transpose(
                gradient,
                kernel,
                tf.shape(arranged),
                self.layer.strides,
                self.layer.padding.upper(),
                dilations=self.layer.dilation_rate,
            )
        if self.arrange is None:
            return gradient
        if self.patches:
            return overlapped(gradient)
        return tape.gradient(arranged, x, output_gradients=gradient)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        x = self.linear(x)
        if self.layer.bias is not None:
            x = tf.nn.bias_add(x, self.layer.bias.value)
        return tf.nn.leaky_relu(x, self.slope)

    def bend(self, gradient: tf.Tensor, left: tf.Tensor) -> tf.Tensor:
        """Times the leaky ReLU's derivative, which its output tells as well as its input does."""
        return tf.raw_ops.LeakyReluGrad(gradients=gradient, features=left, alpha=self.slope)
