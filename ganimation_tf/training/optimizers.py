"""What `GANimation.compile` makes of the optimizers that it is given."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from ganimation_tf.training import tracking


@keras.saving.register_keras_serializable(package="ganimation_tf")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Constant for `constant_steps`, then linear to zero over `decay_steps`.

    The published code lowers the rate once per epoch; this is the straight line through it.
    """

    def __init__(self, initial: float, constant_steps: int, decay_steps: int):
        self.initial = initial
        self.constant_steps = constant_steps
        self.decay_steps = decay_steps

    def __call__(self, step):
        if not self.decay_steps:
            return tf.constant(self.initial, tf.float32)
        done = (tf.cast(step, tf.float32) - self.constant_steps) / self.decay_steps
        return self.initial * (1.0 - tf.clip_by_value(done, 0.0, 1.0))

    def get_config(self):
        return {
            "initial": self.initial,
            "constant_steps": self.constant_steps,
            "decay_steps": self.decay_steps,
        }


@keras.saving.register_keras_serializable(package="ganimation_tf")
class LossScaleOptimizer(keras.optimizers.LossScaleOptimizer):
    """Keras's, but a gradient that is not finite on any replica is none on all of them.

    Keras looks at the first replica's alone; an overflow on another would reach all weights.
    """

    def check_finite(self, grads):
        overflows = tf.cast(tf.logical_not(super().check_finite(grads)), tf.float32)
        return tracking.over_replicas(overflows) == 0.0


def make_optimizers(
    given: Sequence[Any], policy: keras.DTypePolicy
) -> list[keras.optimizers.Optimizer]:
    """An optimizer for each network from its name, its config, or itself.

    Under `mixed_float16` with a loss scale.

    Raises:
        TypeError: if one is missing.
        ValueError: if two of them are the same.
    """
    if any(each is None for each in given):
        raise TypeError("GANimation.compile needs generator_optimizer and critic_optimizer")
    optimizers = [_make_optimizer(each, policy) for each in given]
    if optimizers[0] is optimizers[1]:
        raise ValueError("each network needs an optimizer of its own, got one for both")
    return optimizers


def _make_optimizer(
    given: str | Mapping[str, Any] | keras.optimizers.Optimizer, policy: keras.DTypePolicy
) -> keras.optimizers.Optimizer:
    optimizer = keras.optimizers.get(dict(given) if isinstance(given, Mapping) else given)
    if isinstance(optimizer, LossScaleOptimizer):
        return optimizer
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return LossScaleOptimizer(
            optimizer.inner_optimizer, optimizer.initial_scale, optimizer.dynamic_growth_steps
        )
    return LossScaleOptimizer(optimizer) if policy.name == "mixed_float16" else optimizer


def apply(
    optimizer: keras.optimizers.Optimizer, gradients: Sequence[tf.Tensor], variables
) -> Sequence[tf.Tensor]:
    """Applies the gradients of a loss that `scale_loss` scaled.

    Returns:
        The gradients as they were applied: unscaled, and 0 where the loss scale left the step out.
    """
    if not isinstance(optimizer, LossScaleOptimizer):
        optimizer.apply(gradients, variables)
        factor = optimizer.loss_scale_factor
        return gradients if factor is None else [gradient / factor for gradient in gradients]
    scale, finite = optimizer.scale_loss(1.0), optimizer.check_finite(gradients)
    optimizer.apply(gradients, variables)
    return [tf.where(finite, gradient / scale, 0.0) for gradient in gradients]


def refuse_on_replicas(
    optimizers: Sequence[keras.optimizers.Optimizer], steps_per_execution: int, jit_compile: bool
) -> None:
    """What Keras or TensorFlow cannot do with more than one replica, said before it fails there.

    Raises:
        ValueError: naming the option and the reason.
    """
    if steps_per_execution > 1:
        raise ValueError("steps_per_execution > 1 fails in Keras on several replicas (keras#19246)")
    if jit_compile:
        raise ValueError(
            "jit_compile on several replicas fails: a compiled step cannot reach the variables of "
            "another device"
        )
    for optimizer in optimizers:
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        for name in ("clipnorm", "global_clipnorm", "clipvalue"):
            if getattr(optimizer, name) is not None:
                raise ValueError(
                    f"{name} on several replicas would clip each one's gradient before they are "
                    "added up, and not their sum"
                )
        if optimizer.gradient_accumulation_steps:
            raise ValueError("gradient_accumulation_steps fails in Keras on several replicas")
