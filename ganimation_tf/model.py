"""GANimation as a `keras.Model`: two networks, two optimizers, one training step."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from ganimation_tf import dataset, losses, vitals
from ganimation_tf.config import LossWeights

TRACKED = (
    "critic_realism",
    "gradient_penalty",
    "critic_action_units",
    "generator_realism",
    "generator_action_units",
    "cycle",
    "attention",
    "total_variation",
    "unedited_action_units",
    "mask_mean",
    "mask_std",
    "mask_saturated",
    "critic_gradient",
    "generator_gradient",
)
"""The unweighted loss terms, and what else tells of the health of training."""

TRAINING_ONLY = ("gradient_penalty", "critic_gradient", "generator_gradient")
"""Those of `TRACKED` that an evaluation does not compute and leaves at 0."""


class GANimation(keras.Model):
    """Trains a generator and a critic (arXiv:1807.09251) with `fit`.

    Args:
        generator, critic: as `networks` builds them.
        loss_weights: weights of the loss terms.
        critic_steps: K, critic updates for each update of the generator.
    """

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        loss_weights: LossWeights,
        critic_steps: int,
    ):
        super().__init__(name="ganimation")
        self.generator = generator
        self.critic = critic
        self.loss_weights = loss_weights
        self.critic_steps = critic_steps
        self._trackers = {name: keras.metrics.Mean(name=name) for name in TRACKED}
        self.built = True  # both networks are; Keras would otherwise drop the optimizers' state

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer,
        critic_optimizer: keras.optimizers.Optimizer,
        **kwargs,
    ):
        """Takes an optimizer for each network and builds it on that network's variables.

        Built here because Keras would build the first on both networks' variables, and because
        an optimizer that is built inside a replica fails.
        """
        super().compile(optimizer=generator_optimizer, **kwargs)
        self.critic_optimizer = critic_optimizer
        self.optimizer.build(self.generator.trainable_variables)
        self.critic_optimizer.build(self.critic.trainable_variables)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Our trackers only; Keras's own would show a constant `loss: 0`."""
        return list(self._trackers.values())

    def call(self, inputs):
        """The generator: `[image, action_units]` to `image`, `attention` and `color`."""
        return self.generator(inputs)

    def train_step(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """K critic updates on K micro-batches, then a generator update on the last of them.

        Args:
            batch: one element of `dataset.training`, or a replica's share of it.

        Returns:
            `TRACKED` of this step alone; the epoch's means are in `metrics`. The critic's are
            those of its last update.
        """
        for step in range(self.critic_steps):
            micro_batch = {name: values[:, step] for name, values in batch.items()}
            critic_terms, gradients = self._critic_step(micro_batch)
        critic_terms["critic_gradient"] = vitals.gradient_norm(gradients)
        return self._track(critic_terms | self._generator_step(micro_batch))

    def test_step(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The terms of a batch of `dataset.evaluation`; those of `TRAINING_ONLY` are left at 0."""
        _, generator_terms = self._generator_loss(batch)
        real = self.critic(batch[dataset.IMAGE])
        seen = losses.action_units(real["action_units"], batch[dataset.ACTION_UNITS])
        unedited = losses.action_units(real["action_units"], batch[dataset.TARGET])
        realism = losses.generator_realism(real["realism"]) - generator_terms["generator_realism"]
        critic_terms = {
            "critic_realism": realism,
            "critic_action_units": seen,
            "unedited_action_units": unedited,
        }
        # Keras takes the trackers' means for the batch's values only if all of them are there.
        left_out = dict.fromkeys(TRAINING_ONLY, tf.constant(0.0))
        return self._track(generator_terms | critic_terms | left_out)

    def _critic_step(self, batch: Mapping[str, tf.Tensor]):
        """Updates the critic; returns its terms and the gradients that it was updated by."""
        image = batch[dataset.IMAGE]
        # Outside the tape: the critic's update needs no gradient of the generator.
        fake = self.generator([image, batch[dataset.TARGET]])["image"]
        weights = self.loss_weights
        with tf.GradientTape() as tape:
            on_real, on_fake = self.critic(image), self.critic(fake)
            terms = {
                "critic_realism": losses.critic_realism(on_real["realism"], on_fake["realism"]),
                "gradient_penalty": losses.gradient_penalty(
                    lambda between: self.critic(between)["realism"],
                    image,
                    fake,
                    batch[dataset.EPSILON],
                ),
                "critic_action_units": losses.action_units(
                    on_real["action_units"], batch[dataset.ACTION_UNITS]
                ),
            }
            loss = (
                weights.realism * terms["critic_realism"]
                + weights.gradient_penalty * terms["gradient_penalty"]
                + weights.action_units * terms["critic_action_units"]
            )
            mean_loss = _global_mean(loss)
        gradients = self._apply(tape, mean_loss, self.critic, self.critic_optimizer)
        # How far the critic finds the faces as they are from their targets: what the generator's
        # AU error would be if it left them alone.
        unedited = losses.action_units(on_real["action_units"], batch[dataset.TARGET])
        return terms | {"unedited_action_units": unedited}, gradients

    def _generator_step(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            loss, terms = self._generator_loss(batch)
            mean_loss = _global_mean(loss)
        gradients = self._apply(tape, mean_loss, self.generator, self.optimizer)
        return terms | {"generator_gradient": vitals.gradient_norm(gradients)}

    def _generator_loss(self, batch):
        image = batch[dataset.IMAGE]
        edited = self.generator([image, batch[dataset.TARGET]])
        recovered = self.generator([edited["image"], batch[dataset.ACTION_UNITS]])
        on_edited = self.critic(edited["image"])
        masks = (edited["attention"], recovered["attention"])
        terms = {
            "generator_realism": losses.generator_realism(on_edited["realism"]),
            "generator_action_units": losses.action_units(
                on_edited["action_units"], batch[dataset.TARGET]
            ),
            "cycle": losses.cycle(image, recovered["image"]),
            "attention": sum(losses.attention(mask) for mask in masks),
            "total_variation": sum(losses.total_variation(mask) for mask in masks),
        }
        weights = self.loss_weights
        loss = (
            weights.realism * terms["generator_realism"]
            + weights.action_units * terms["generator_action_units"]
            + weights.cycle * terms["cycle"]
            + weights.attention * terms["attention"]
            + weights.total_variation * terms["total_variation"]
        )
        return loss, terms | vitals.mask_statistics(edited["attention"])

    @staticmethod
    def _apply(tape, loss, network, optimizer) -> list[tf.Tensor]:
        variables = network.trainable_variables
        gradients = tape.gradient(loss, variables)
        optimizer.apply(gradients, variables)
        return gradients

    def _track(self, terms: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Adds to the trackers; returns the means over this batch, or scalars as they are."""
        for name, values in terms.items():
            self._trackers[name].update_state(values)
        per_image = [name for name in TRACKED if terms[name].shape.rank]
        # Keras returns the mean over the replicas of what each returns.
        means = _global_mean(tf.stack([terms[name] for name in per_image], axis=1))
        replica = tf.distribute.get_replica_context()
        means *= 1.0 if replica is None else float(replica.num_replicas_in_sync)
        return {**terms, **dict(zip(per_image, tf.unstack(means), strict=True))}


def inference_generator(model: GANimation) -> keras.Model:
    """The generator that samples are made with."""
    return model.generator


def _global_mean(values: tf.Tensor) -> tf.Tensor:
    """A replica's part of the mean over the global batch.

    `apply` sums gradients over replicas, so each must divide by the images of ALL of them: by its
    own count, two replicas would make a step of twice the size.

    Args:
        values: (b,) or (b, M), one row per image of this replica.
    """
    count = tf.cast(tf.shape(values)[0], tf.float32)
    replica = tf.distribute.get_replica_context()
    if replica is not None and replica.num_replicas_in_sync > 1:
        count = replica.all_reduce(tf.distribute.ReduceOp.SUM, count)
    return tf.reduce_sum(values, axis=0) / count
