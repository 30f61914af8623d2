"""An update of the critic: one that judges realism as well, or one that only reads AUs."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from ganimation_tf.training import inputs, losses, tracking
from ganimation_tf.training.optimizers import apply


def update(model, batch: Mapping[str, tf.Tensor], fake: tf.Tensor | None):
    """Updates the critic once.

    Args:
        model: a compiled `GANimation`.
        batch: a micro-batch, as `inputs` describes it.
        fake: its edited images, float32 (B, S, S, 3); None for a critic that only reads AUs.

    Returns:
        Its terms, float32 (B,) each, and the gradients that it was updated by.
    """
    if not model.judges_realism:
        return _update_estimator(model, batch)
    image, weights, terms = batch[inputs.IMAGE], model.loss_weights, {}
    count, scaled = tracking.global_count(image), model.critic_optimizer.scale_loss

    def head_loss(on_real, on_fake):
        seen = on_real["action_units"]
        terms["critic_action_units"] = losses.action_units(seen, batch[inputs.ACTION_UNITS])
        # What the generator's AU error would be if it left the faces alone.
        terms["unedited_action_units"] = losses.action_units(seen, batch[inputs.TARGET])
        terms["critic_realism"] = losses.critic_realism(on_real["realism"], on_fake["realism"])
        loss = (
            weights.realism * terms["critic_realism"]
            + weights.action_units * terms["critic_action_units"]
        )
        return scaled(tf.reduce_sum(loss) / count)

    def penalty_slope(norms):
        return scaled(weights.gradient_penalty * losses.gradient_penalty_slope(norms) / count)

    between = losses.interpolate(image, fake, batch[inputs.EPSILON])
    found = model.critic_gradient(image, fake, between, head_loss, penalty_slope)
    variables = model.critic.trainable_variables
    gradients = apply(model.critic_optimizer, found.gradients, variables)
    terms["gradient_penalty"] = losses.gradient_penalty(found.slope_norms)
    return terms, gradients


def _update_estimator(model, batch: Mapping[str, tf.Tensor]):
    """`update` of a critic that only reads AUs."""
    variables = model.critic.trainable_variables
    with tf.GradientTape() as tape:
        seen = model.critic(batch[inputs.IMAGE])["action_units"]
        error = losses.action_units(seen, batch[inputs.ACTION_UNITS])
        mean = tf.reduce_sum(error) / tracking.global_count(error)
        mean = model.critic_optimizer.scale_loss(mean)
    gradients = apply(model.critic_optimizer, tape.gradient(mean, variables), variables)
    nothing = tf.zeros_like(error)
    unedited = losses.action_units(seen, batch[inputs.TARGET])
    return {
        "critic_action_units": error,
        "unedited_action_units": unedited,
        "critic_realism": nothing,
        "gradient_penalty": nothing,
    }, gradients


def after(done: Sequence[tf.Tensor], tensors: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The same tensors, for use only when others are there.

    TensorFlow runs what can run, and no pass of the generator waits for the critic: without this
    the passes of all micro-batches would hold their activations at once.
    """
    with tf.control_dependencies(done):
        return {name: tf.identity(values) for name, values in tensors.items()}
