"""The critic's loss and its gradient in closed form, for a critic of convolutions and leaky ReLUs.

Such a critic is linear around every image but for the places where a leaky ReLU bends. The
gradient penalty's own gradient is then a second pass through the same layers: with `s_l` the slope
of an image's score at the output of convolution l and `t_0` the penalty's gradient with respect to
the slope at the image, `t_l = lrelu'_l * conv_l(t_(l-1))`, and the kernel of convolution l gets
`t_(l-1) (x) s_l`. The second derivative of a leaky ReLU is zero, so that nothing else remains.

Written out, three passes of one batch that holds real, fake and interpolated images do what
differentiating twice does in six or more, and each large kernel is read four times and its gradient
written once. Everything here is float32.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from ganimation_tf.networks.critic import (
    CRITIC_SLOPE,
    critic_convolutions,
    critic_heads,
    strided_patches,
)

HeadLoss = Callable[[dict[str, tf.Tensor], dict[str, tf.Tensor]], tf.Tensor]
"""The critic's outputs on real and on fake images to a scalar loss."""


class CriticGradient(NamedTuple):
    """What `critic_gradient` returns.

    Attributes:
        gradients: of `loss + penalty`, one for each of the critic's trainable variables.
        slope_norms: (B,), norm of the score's gradient at each interpolated image.
    """

    gradients: list[tf.Tensor]
    slope_norms: tf.Tensor


def critic_gradient(
    critic: keras.Model,
    real: tf.Tensor,
    fake: tf.Tensor,
    between: tf.Tensor,
    head_loss: HeadLoss,
    penalty_slope: Callable[[tf.Tensor], tf.Tensor],
) -> CriticGradient:
    """The gradient of a loss on real and fake images plus a penalty on slopes between them.

    Args:
        critic: as `networks.critic.build_critic` makes it.
        real, fake, between: float32 (B, S, S, 3) in [-1, 1].
        head_loss: the loss, of the critic's outputs on `real` and on `fake`.
        penalty_slope: (B,) norms of the slopes of the images' summed patch scores at `between` to
            (B,) derivatives of the penalty by those norms.
    """
    images = tf.shape(real)[0]
    stages = [_Stage(critic, name) for name in critic_convolutions(critic)]
    heads = critic_heads(critic)

    x = tf.concat([real, fake, between], axis=0)
    inputs, outputs = [], []
    for stage in stages:
        inputs.append(x)
        x = tf.nn.leaky_relu(stage(x), CRITIC_SLOPE)
        outputs.append(x)

    head_gradients, adjoint = _through_heads(heads, x, images, head_loss)
    adjoints: list[tf.Tensor] = []
    for stage, entered, left in zip(
        reversed(stages), reversed(inputs), reversed(outputs), strict=True
    ):
        adjoint = _bend(adjoint, left)
        adjoints.insert(0, adjoint)
        if stage is stages[0]:  # of all images' own gradients the penalty's alone is wanted
            entered, adjoint = entered[2 * images :], adjoint[2 * images :]
        adjoint = stage.transposed(adjoint, entered)

    # Epsilon, as the root's own gradient is infinite at 0.
    norms = tf.sqrt(tf.reduce_sum(tf.square(adjoint), axis=(1, 2, 3)) + 1e-12)
    tangent = adjoint * tf.reshape(penalty_slope(norms) / norms, (-1, 1, 1, 1))
    gradients = {}
    for stage, entered, left, adjoint in zip(stages, inputs, outputs, adjoints, strict=True):
        both = tf.concat([entered[: 2 * images], tangent], axis=0)
        gradients[id(stage.kernel)] = stage.kernel_gradient(both, adjoint)
        gradients[id(stage.bias)] = tf.reduce_sum(adjoint[: 2 * images], axis=(0, 1, 2))
        tangent = _bend(stage.linear(tangent), left[2 * images :])

    variables = heads.trainable_variables
    with tf.GradientTape() as tape:
        score = tf.reduce_sum(heads(tangent)["realism"])
    second = tape.gradient(score, [v.value for v in variables], unconnected_gradients="zero")
    for variable, first, more in zip(variables, head_gradients, second, strict=True):
        gradients[id(variable)] = first + more
    return CriticGradient([gradients[id(v)] for v in critic.trainable_variables], norms)


def _through_heads(heads, x, images, head_loss: HeadLoss):
    """Gradients of the heads' variables, and what goes back into the body for the three parts."""
    real, fake, between = (x[i * images : (i + 1) * images] for i in range(3))
    variables = [variable.value for variable in heads.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch((real, fake))
        loss = head_loss(heads(real), heads(fake))
    head_gradients, backward = tape.gradient(
        loss, (variables, (real, fake)), unconnected_gradients="zero"
    )
    with tf.GradientTape() as tape:
        tape.watch(between)
        score = tf.reduce_sum(heads(between)["realism"])
    return head_gradients, tf.concat([*backward, tape.gradient(score, between)], axis=0)


def _bend(gradient: tf.Tensor, activated: tf.Tensor) -> tf.Tensor:
    """Times the leaky ReLU's derivative, which its output tells as well as its input does."""
    return tf.raw_ops.LeakyReluGrad(gradients=gradient, features=activated, alpha=CRITIC_SLOPE)


class _Stage:
    """One strided convolution of the critic, its linear part, and the two transposes of that."""

    def __init__(self, critic: keras.Model, name: str):
        layer = critic.get_layer(name)
        self.kernel, self.bias = layer.kernel, layer.bias
        self._wide = isinstance(layer, keras.layers.Dense)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.bias_add(self.linear(x), self.bias.value)

    def linear(self, x: tf.Tensor) -> tf.Tensor:
        if not self._wide:
            return tf.nn.conv2d(x, self.kernel.value, 2, "SAME")
        patches = strided_patches(x)
        flat = tf.matmul(tf.reshape(patches, (-1, self.kernel.shape[0])), self.kernel.value)
        return tf.reshape(flat, (-1, *patches.shape[1:3], self.kernel.shape[1]))

    def transposed(self, gradient: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """The gradient with respect to `x`, of which the shape alone is used."""
        if not self._wide:
            return tf.nn.conv2d_transpose(gradient, self.kernel.value, tf.shape(x), 2, "SAME")
        flat = tf.matmul(
            tf.reshape(gradient, (-1, self.kernel.shape[1])), self.kernel.value, transpose_b=True
        )
        side = x.shape[1] // 2
        return _overlap(tf.reshape(flat, (-1, side, side, self.kernel.shape[0])))

    def kernel_gradient(self, x: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
        if not self._wide:
            return tf.raw_ops.Conv2DBackpropFilter(
                input=x,
                filter_sizes=self.kernel.shape,
                out_backprop=gradient,
                strides=[1, 2, 2, 1],
                padding="SAME",
            )
        rows, columns = self.kernel.shape
        return tf.matmul(
            tf.reshape(strided_patches(x), (-1, rows)),
            tf.reshape(gradient, (-1, columns)),
            transpose_a=True,
        )


def _overlap(patches: tf.Tensor) -> tf.Tensor:
    """(B, P, P, 16 C) to (B, 2P, 2P, C), overlaps added: `strided_patches` transposed."""
    side, channels = patches.shape[1], patches.shape[3] // 16
    blocks = 0.0
    for corner, part in enumerate(tf.split(patches, 4, axis=-1)):
        down, right = divmod(corner, 2)
        blocks += tf.pad(part, [[0, 0], [down, 1 - down], [right, 1 - right], [0, 0]])
    pixels = tf.reshape(blocks, (-1, side + 1, side + 1, 2, 2, channels))
    pixels = tf.transpose(pixels, (0, 1, 3, 2, 4, 5))
    return tf.reshape(pixels, (-1, 2 * side + 2, 2 * side + 2, channels))[:, 1:-1, 1:-1]
