"""What a training step of `GANimation` does: updates of the critic, then one of the generator."""

from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from ganimation_tf.training import inputs, losses, objective, tracking
from ganimation_tf.training.augmentation import augmented
from ganimation_tf.training.average import move_average
from ganimation_tf.training.diagnostics import vitals
from ganimation_tf.training.optimizers import apply


def train(model, data: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """K critic updates on K micro-batches, then a generator update on the last of them.

    Args:
        model: a compiled `GANimation`.
        data: a batch as it describes it, or a replica's share of it.

    Returns:
        `tracking.TRACKED` where there is such a term: float32 (B,), or scalars of the whole step.
    """
    *before, last = (
        augmented(batch, model.augmentation)
        for batch in inputs.micro_batches(data, model.critic_steps)
    )
    critic_gradients: list[tf.Tensor] = []
    for micro_batch in before:
        micro_batch = _after(critic_gradients, micro_batch)
        fake = _judged_edits(model, micro_batch)
        _, critic_gradients = _update_critic(model, micro_batch, fake)
    last = _after(critic_gradients, last)
    with tf.GradientTape() as tape:
        # The critic's last update and the generator's share these images.
        faces = edited(model, model.generator, last)
        with tape.stop_recording():
            critic_terms, critic_gradients = _update_critic(model, last, faces["image"])
        faces = _after(critic_gradients, faces)
        loss, generator_terms = _generator_loss(model, model.generator, last, faces)
        mean_loss = tf.reduce_sum(loss) / tracking.global_count(loss)
        mean_loss = model.optimizer.scale_loss(mean_loss)
    variables = model.generator.trainable_variables
    gradients = apply(model.optimizer, tape.gradient(mean_loss, variables), variables)
    if model.average:
        move_average(model.inference_generator, model.generator, model.optimizer, model.average)
    norms = {
        "critic_gradient": vitals.gradient_norm(critic_gradients),
        "generator_gradient": vitals.gradient_norm(gradients),
    }
    return critic_terms | generator_terms | norms


def evaluate(model, data: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The terms of a batch by the generator that is kept; none of `tracking.TRAINING_ONLY`."""
    generator, batch = model.inference_generator, inputs.evaluated_batch(data)
    _, generator_terms = _generator_loss(model, generator, batch, edited(model, generator, batch))
    real = model.critic(batch[inputs.IMAGE])
    seen = losses.action_units(real["action_units"], batch[inputs.ACTION_UNITS])
    unedited = losses.action_units(real["action_units"], batch[inputs.TARGET])
    critic_terms = {"critic_action_units": seen, "unedited_action_units": unedited}
    if model.loss_weights.realism:
        on_real = losses.generator_realism(real["realism"])
        critic_terms["critic_realism"] = on_real - generator_terms["generator_realism"]
    return generator_terms | critic_terms


def edited(model, generator: keras.Model, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The batch's faces with their target AUs."""
    source, target = batch[inputs.ACTION_UNITS], batch[inputs.TARGET]
    return model.edit(generator, batch[inputs.IMAGE], source, target)


def _judged_edits(model, batch: Mapping[str, tf.Tensor]) -> tf.Tensor | None:
    """What a critic that judges realism is shown beside real images."""
    return edited(model, model.generator, batch)["image"] if model.judges_realism else None


def _update_critic(model, batch: Mapping[str, tf.Tensor], fake: tf.Tensor | None):
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
    # Heard by the generator or not, it learns to read AUs: `estimate` of an export is this head.
    action_units = weights.action_units or 1.0
    count, scaled = tracking.global_count(image), model.critic_optimizer.scale_loss

    def head_loss(on_real, on_fake):
        seen = on_real["action_units"]
        terms["critic_action_units"] = losses.action_units(seen, batch[inputs.ACTION_UNITS])
        # What the generator's AU error would be if it left the faces alone.
        terms["unedited_action_units"] = losses.action_units(seen, batch[inputs.TARGET])
        terms["critic_realism"] = losses.critic_realism(on_real["realism"], on_fake["realism"])
        loss = (
            weights.realism * terms["critic_realism"] + action_units * terms["critic_action_units"]
        )
        return scaled(tf.reduce_sum(loss) / count)

    def penalty_slope(norms):
        return scaled(weights.gradient_penalty * losses.gradient_penalty_slope(norms) / count)

    between = losses.interpolate(image, fake, batch[inputs.EPSILON])
    gradient = model.critic_gradient(image, fake, between, head_loss, penalty_slope)
    variables = model.critic.trainable_variables
    gradients = apply(model.critic_optimizer, gradient.gradients, variables)
    terms["gradient_penalty"] = losses.gradient_penalty(gradient.slope_norms)
    return terms, gradients


def _update_estimator(model, batch: Mapping[str, tf.Tensor]):
    """`_update_critic` of a critic that only reads AUs."""
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


def _after(done: Sequence[tf.Tensor], tensors: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The same tensors, for use only when others are there.

    TensorFlow runs what can run, and no pass of the generator waits for the critic: without this
    the passes of all micro-batches would hold their activations at once.
    """
    with tf.control_dependencies(done):
        return {name: tf.identity(values) for name, values in tensors.items()}


def _generator_loss(model, generator: keras.Model, batch, faces):
    def edit(image, source, target):
        return model.edit(generator, image, source, target)

    terms = objective.generator_terms(model.loss_weights, edit, model.critic, batch, faces)
    loss = objective.weighted_sum(model.loss_weights, terms)
    return loss, {"loss": loss} | terms | vitals.mask_statistics(faces["attention"])
