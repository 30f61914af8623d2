"""The critic's loss and its gradient: in closed form where the critic allows it, else by two tapes.

A critic of convolutions and leaky ReLUs is linear around every image but for the places where a
leaky ReLU bends. The gradient penalty's own gradient is then a second pass through the same
layers: with `s_l` the slope of an image's score at the output of convolution l and `t_0` the
penalty's gradient with respect to the slope at the image, `t_l = lrelu'_l * conv_l(t_(l-1))`, and
the kernel of convolution l gets `t_(l-1) (x) s_l`. The second derivative of a leaky ReLU is zero,
so that nothing else remains.

Written out, three passes of one batch that holds real, fake and interpolated images do what
differentiating twice does in six or more, and each large kernel is read four times and its gradient
written once. Everything here is float32, whatever the critic's dtype policy.
"""

import logging
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from ganimation_tf.networks.piecewise_linear import (
    NotPiecewiseLinear,
    PiecewiseLinear,
    take_apart,
)
from ganimation_tf.networks.precision import in_float32
from ganimation_tf.networks.stage import Stage

HeadLoss = Callable[[dict[str, tf.Tensor], dict[str, tf.Tensor]], tf.Tensor]
"""The critic's outputs on real and on fake images to a scalar loss."""

PenaltySlope = Callable[[tf.Tensor], tf.Tensor]
"""(B,) norms of the slopes of the images' summed patch scores to (B,) derivatives of the penalty
by those norms."""

log = logging.getLogger(__name__)


class CriticGradient(NamedTuple):
    """The gradient of a loss on real and fake images plus a penalty on slopes between them.

    Attributes:
        gradients: of `loss + penalty`, one for each of the critic's trainable variables.
        slope_norms: (B,), norm of the score's gradient at each interpolated image.
    """

    gradients: list[tf.Tensor]
    slope_norms: tf.Tensor


GradientFunction = Callable[
    [tf.Tensor, tf.Tensor, tf.Tensor, HeadLoss, PenaltySlope], CriticGradient
]
"""Takes `real`, `fake` and the images between them, float32 (B, S, S, 3) in [-1, 1]."""


def build_critic_gradient(critic: keras.Model) -> GradientFunction:
    """The way to a critic's gradient; the log says which.

    Args:
        critic: model of an image to a dict of `realism`, (B, ...), and `action_units`, (B, N).
    """
    try:
        parts = take_apart(critic)
    except NotPiecewiseLinear as reason:
        log.info("critic: differentiated twice, as %s", reason)
        return lambda *arguments: _by_two_tapes(critic, *arguments)
    log.info("critic: gradient in closed form through %d convolutions", len(parts.stages))
    return lambda *arguments: _in_closed_form(critic, parts, *arguments)


def _by_two_tapes(critic, real, fake, between, head_loss, penalty_slope) -> CriticGradient:
    variables = [variable.value for variable in critic.trainable_variables]
    with in_float32(critic), tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            inner.watch(between)
            score = tf.reduce_sum(critic(between, training=True)["realism"])
        norms = _norms(inner.gradient(score, between))
        # Its gradient is the penalty's, of which only the derivative is known.
        penalty = tf.reduce_sum(tf.stop_gradient(penalty_slope(norms)) * norms)
        loss = head_loss(critic(real, training=True), critic(fake, training=True)) + penalty
    gradients = tape.gradient(loss, variables, unconnected_gradients="zero")
    return CriticGradient(gradients, norms)


def _in_closed_form(
    critic, parts: PiecewiseLinear, real, fake, between, head_loss, penalty_slope
) -> CriticGradient:
    images, stages = tf.shape(real)[0], parts.stages
    with in_float32(critic):
        x = tf.concat([real, fake, between], axis=0)
        inputs, outputs = [], []
        for stage in stages:
            inputs.append(x)
            x = stage(x)
            outputs.append(x)
        head_gradients, adjoint = _through_heads(parts.heads, x, images, head_loss)
        adjoints: list[tf.Tensor] = []
        for stage, entered, left in zip(
            reversed(stages), reversed(inputs), reversed(outputs), strict=True
        ):
            adjoint = stage.bend(adjoint, left)
            adjoints.insert(0, adjoint)
            if stage is stages[0]:  # of all images' own gradients the penalty's alone is wanted
                entered, adjoint = entered[2 * images :], adjoint[2 * images :]
            adjoint = stage.transposed(adjoint, entered)

        norms = _norms(adjoint)
        tangent = adjoint * tf.reshape(penalty_slope(norms) / norms, (-1, 1, 1, 1))
        gradients = {}
        for stage, entered, left, adjoint in zip(stages, inputs, outputs, adjoints, strict=True):
            both = tf.concat([entered[: 2 * images], tangent], axis=0)
            gradients[id(stage.layer.kernel)] = _kernel_gradient(stage, both, adjoint)
            if stage.layer.bias is not None:
                over = tuple(range(adjoint.shape.rank - 1))
                of_bias = tf.reduce_sum(adjoint[: 2 * images], axis=over)
                gradients[id(stage.layer.bias)] = of_bias
            tangent = stage.bend(stage.linear(tangent), left[2 * images :])
        gradients |= head_gradients
        kernel = parts.scored.kernel
        if kernel.trainable:
            with tf.GradientTape() as tape:
                score = tf.reduce_sum(parts.heads(tangent)["realism"])
            gradients[id(kernel)] += tape.gradient(score, kernel.value)
    return CriticGradient([gradients[id(v)] for v in critic.trainable_variables], norms)


def _norms(slopes: tf.Tensor) -> tf.Tensor:
    # Epsilon, as the root's own gradient is infinite at 0.
    return tf.sqrt(tf.reduce_sum(tf.square(slopes), axis=(1, 2, 3)) + 1e-12)


def _through_heads(heads, x, images, head_loss: HeadLoss):
    """Gradients of the heads' variables, and what goes back into the stages for the three parts."""
    real, fake, between = (x[i * images : (i + 1) * images] for i in range(3))
    variables = heads.trainable_variables
    with tf.GradientTape() as tape:
        tape.watch((real, fake))
        loss = head_loss(heads(real, training=True), heads(fake, training=True))
    head_gradients, backward = tape.gradient(
        loss, ([v.value for v in variables], (real, fake)), unconnected_gradients="zero"
    )
    with tf.GradientTape() as tape:
        tape.watch(between)
        score = tf.reduce_sum(heads(between)["realism"])
    adjoint = tf.concat([*backward, tape.gradient(score, between)], axis=0)
    gradients = {id(v): value for v, value in zip(variables, head_gradients, strict=True)}
    return gradients, adjoint


def _kernel_gradient(stage: Stage, x: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    kernel = stage.layer.kernel.value
    with tf.GradientTape() as tape:
        y = stage.linear(x)
    return tape.gradient(y, kernel, output_gradients=gradient)
