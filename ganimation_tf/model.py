"""GANimation as a `keras.Model`: two networks, two optimizers, one training step."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from ganimation_tf import dataset, losses
from ganimation_tf.config import LossWeights
from ganimation_tf.critic_gradient import critic_gradient

TRACKED = (
    "critic_realism",
    "gradient_penalty",
    "critic_action_units",
    "generator_realism",
    "generator_action_units",
    "cycle",
    "attention",
    "total_variation",
)
"""The unweighted loss terms, in the order in which the progress line shows them."""


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
        """
        *before, last = (
            {name: values[:, step] for name, values in batch.items()}
            for step in range(self.critic_steps)
        )
        for micro_batch in before:
            self._critic_step(micro_batch, self._edit(micro_batch)["image"])
        with tf.GradientTape() as tape:
            # The critic's last update and the generator's share these images.
            edited = self._edit(last)
            with tape.stop_recording():
                critic_terms = self._critic_step(last, edited["image"])
            loss, generator_terms = self._generator_loss(last, edited)
            mean_loss = tf.reduce_sum(loss) / _global_count(loss)
        self._apply(tape, mean_loss, self.generator, self.optimizer)
        return self._track(critic_terms | generator_terms)

    def test_step(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The terms of one batch of `dataset.evaluation`; the gradient penalty is left at 0."""
        _, generator_terms = self._generator_loss(batch, self._edit(batch))
        real = self.critic(batch[dataset.IMAGE])
        seen = losses.action_units(real["action_units"], batch[dataset.ACTION_UNITS])
        realism = losses.generator_realism(real["realism"]) - generator_terms["generator_realism"]
        return self._track(
            generator_terms | {"critic_realism": realism, "critic_action_units": seen}
        )

    def _edit(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return self.generator([batch[dataset.IMAGE], batch[dataset.TARGET]])

    def _critic_step(self, batch: Mapping[str, tf.Tensor], fake: tf.Tensor):
        image, weights, terms = batch[dataset.IMAGE], self.loss_weights, {}
        count = _global_count(image)

        def head_loss(on_real, on_fake):
            seen, units = on_real["action_units"], batch[dataset.ACTION_UNITS]
            terms["critic_action_units"] = losses.action_units(seen, units)
            terms["critic_realism"] = losses.critic_realism(on_real["realism"], on_fake["realism"])
            loss = (
                weights.realism * terms["critic_realism"]
                + weights.action_units * terms["critic_action_units"]
            )
            return tf.reduce_sum(loss) / count

        def penalty_slope(norms):
            return weights.gradient_penalty * losses.gradient_penalty_slope(norms) / count

        between = losses.interpolate(image, fake, batch[dataset.EPSILON])
        found = critic_gradient(self.critic, image, fake, between, head_loss, penalty_slope)
        self.critic_optimizer.apply(found.gradients, self.critic.trainable_variables)
        return terms | {"gradient_penalty": losses.gradient_penalty(found.slope_norms)}

    def _generator_loss(self, batch, edited):
        image = batch[dataset.IMAGE]
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
        return loss, terms

    @staticmethod
    def _apply(tape, loss, network, optimizer):
        variables = network.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)

    def _track(self, terms: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        for name, values in terms.items():
            self._trackers[name].update_state(values)
        return {name: tracker.result() for name, tracker in self._trackers.items()}


def _global_count(values: tf.Tensor) -> tf.Tensor:
    """Images of the global batch, of which `values` has this replica's along its first axis.

    `apply` sums gradients over replicas, so each must divide by the images of ALL of them: by its
    own count, two replicas would make a step of twice the size.
    """
    count = tf.cast(tf.shape(values)[0], tf.float32)
    replica = tf.distribute.get_replica_context()
    if replica is not None and replica.num_replicas_in_sync > 1:
        count = replica.all_reduce(tf.distribute.ReduceOp.SUM, count)
    return count
