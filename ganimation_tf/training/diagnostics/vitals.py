"""What a training step tells of its health besides the loss terms."""

from collections.abc import Sequence

import tensorflow as tf

SATURATED = 0.05
"""A pixel of the mask is saturated this close to 0 or to 1."""


def mask_statistics(mask: tf.Tensor) -> dict[str, tf.Tensor]:
    """Mean, standard deviation over the pixels, and share of saturated pixels of attention masks.

    Args:
        mask: (B, S, S, 1) in [0, 1].

    Returns:
        `mask_mean`, `mask_std` and `mask_saturated`, float32 (B,) each.
    """
    mask = tf.cast(mask, tf.float32)
    over_pixels = (1, 2, 3)
    saturated = (mask < SATURATED) | (mask > 1.0 - SATURATED)
    return {
        "mask_mean": tf.reduce_mean(mask, over_pixels),
        "mask_std": tf.math.reduce_std(mask, over_pixels),
        "mask_saturated": tf.reduce_mean(tf.cast(saturated, tf.float32), over_pixels),
    }


def gradient_norm(gradients: Sequence[tf.Tensor]) -> tf.Tensor:
    """Euclidean norm of a network's whole gradient, float32 scalar; not finite if any entry is.

    Under a strategy `apply` sums the replicas' gradients, and the norm is that of the sum; it is
    formed here a second time, because the optimizer does not give its own away.
    """
    replica = tf.distribute.get_replica_context()
    if replica is not None and replica.num_replicas_in_sync > 1:
        gradients = replica.all_reduce(tf.distribute.ReduceOp.SUM, list(gradients))
    return tf.linalg.global_norm([tf.cast(gradient, tf.float32) for gradient in gradients])
