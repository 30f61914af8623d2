"""GANimation as a `keras.Model`: two networks, two optimizers, one training step."""

from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from ganimation_tf.config import LossWeights
from ganimation_tf.networks.critic_gradient import critic_gradient
from ganimation_tf.training import dataset, losses
from ganimation_tf.training.average import move_average
from ganimation_tf.training.diagnostics import vitals

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

        >>> networks = gan.build_generator(32, 17, 4, 1), gan.build_critic(32, 17, 4, 3)
        >>> model = gan.GANimation(*networks, gan.LossWeights(), critic_steps=2)
        >>> model.compile(keras.optimizers.Adam(1e-4, 0.5), keras.optimizers.Adam(1e-4, 0.5))
        >>> history = model.fit(batches, steps_per_epoch=1, shuffle=False, verbose=0)
        >>> history.history["cycle"][0] > 0
        True

    Args:
        generator, critic: as `networks` builds them.
        loss_weights: weights of the loss terms.
        critic_steps: K, critic updates for each update of the generator.
        relative: whether the generator is given target minus source AUs.
        average: decay of the moving average of the generator's weights per update; 0: none.

    Attributes:
        inference_generator: what to look at, evaluate and export: the average where one is kept.
    """

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        loss_weights: LossWeights,
        critic_steps: int,
        relative: bool = False,
        average: float = 0.0,
    ):
        super().__init__(name="ganimation")
        self.generator = generator
        self.critic = critic
        self.loss_weights = loss_weights
        self.critic_steps = critic_steps
        self.relative = relative
        self.average = average
        self.inference_generator = generator
        if average:
            self.inference_generator = keras.models.clone_model(generator)
            self.inference_generator.set_weights(generator.get_weights())
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
    def step(self) -> int:
        """Updates of the generator so far."""
        return int(self.optimizer.iterations.numpy())  # int() alone fails on a mirrored variable

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Our trackers only; Keras's own would show a constant `loss: 0`."""
        return list(self._trackers.values())

    def call(self, inputs):
        """`[image, source, target]`: `edit` by the generator that is kept for use."""
        return self.edit(self.inference_generator, *inputs)

    def edit(self, generator: keras.Model, image, source, target) -> dict[str, tf.Tensor]:
        """The image with other AUs: `image`, `attention` and `color` (see `networks`).

        Args:
            image: (B, S, S, 3) in [-1, 1].
            source, target: (B, N) in [0, 1], the AUs that it shows and those it is to show.
        """
        return generator([image, target - source if self.relative else target])

    def train_step(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """K critic updates on K micro-batches, then a generator update on the last of them.

        Args:
            batch: one element of `dataset.training`, or a replica's share of it.

        Returns:
            `TRACKED` of this step alone; the epoch's means are in `metrics`. The critic's are
            those of its last update.
        """
        *before, last = (
            {name: values[:, step] for name, values in batch.items()}
            for step in range(self.critic_steps)
        )
        critic_gradients: list[tf.Tensor] = []
        for micro_batch in before:
            micro_batch = _after(critic_gradients, micro_batch)
            fake = self._edited(self.generator, micro_batch)["image"]
            _, critic_gradients = self._critic_step(micro_batch, fake)
        last = _after(critic_gradients, last)
        with tf.GradientTape() as tape:
            # The critic's last update and the generator's share these images.
            edited = self._edited(self.generator, last)
            with tape.stop_recording():
                critic_terms, critic_gradients = self._critic_step(last, edited["image"])
            edited = _after(critic_gradients, edited)
            loss, generator_terms = self._generator_loss(self.generator, last, edited)
            mean_loss = tf.reduce_sum(loss) / _global_count(loss)
        variables = self.generator.trainable_variables
        gradients = tape.gradient(mean_loss, variables)
        self.optimizer.apply(gradients, variables)
        if self.average:
            move_average(self.inference_generator, self.generator, self.optimizer, self.average)
        norms = {
            "critic_gradient": vitals.gradient_norm(critic_gradients),
            "generator_gradient": vitals.gradient_norm(gradients),
        }
        return self._track(critic_terms | generator_terms | norms)

    def test_step(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The terms of a batch of `dataset.evaluation`; those of `TRAINING_ONLY` are left at 0."""
        generator = self.inference_generator
        _, generator_terms = self._generator_loss(generator, batch, self._edited(generator, batch))
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

    def _edited(self, generator, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The batch's faces with their target AUs."""
        source, target = batch[dataset.ACTION_UNITS], batch[dataset.TARGET]
        return self.edit(generator, batch[dataset.IMAGE], source, target)

    def _critic_step(self, batch: Mapping[str, tf.Tensor], fake: tf.Tensor):
        """Updates the critic; returns its terms and the gradients that it was updated by."""
        image, weights, terms = batch[dataset.IMAGE], self.loss_weights, {}
        count = _global_count(image)

        def head_loss(on_real, on_fake):
            seen = on_real["action_units"]
            terms["critic_action_units"] = losses.action_units(seen, batch[dataset.ACTION_UNITS])
            # What the generator's AU error would be if it left the faces alone.
            terms["unedited_action_units"] = losses.action_units(seen, batch[dataset.TARGET])
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
        terms["gradient_penalty"] = losses.gradient_penalty(found.slope_norms)
        return terms, found.gradients

    def _generator_loss(self, generator, batch, edited):
        image, source, target = (
            batch[name] for name in (dataset.IMAGE, dataset.ACTION_UNITS, dataset.TARGET)
        )
        recovered = self.edit(generator, edited["image"], target, source)
        on_edited = self.critic(edited["image"])
        masks = (edited["attention"], recovered["attention"])
        terms = {
            "generator_realism": losses.generator_realism(on_edited["realism"]),
            "generator_action_units": losses.action_units(on_edited["action_units"], target),
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

    def _track(self, terms: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Adds to the trackers; returns the means over this batch, or scalars as they are."""
        for name, values in terms.items():
            self._trackers[name].update_state(values)
        per_image = [name for name in TRACKED if terms[name].shape.rank]
        # Keras returns the mean over the replicas of what each returns.
        stacked = tf.stack([terms[name] for name in per_image], axis=1)
        means = tf.reduce_sum(stacked, axis=0) / _global_count(stacked)
        replica = tf.distribute.get_replica_context()
        means *= 1.0 if replica is None else float(replica.num_replicas_in_sync)
        return {**terms, **dict(zip(per_image, tf.unstack(means), strict=True))}


def _after(done: Sequence[tf.Tensor], tensors: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The same tensors, for use only when others are there.

    TensorFlow runs what can run, and no pass of the generator waits for the critic: without this
    the passes of all micro-batches would hold their activations at once.
    """
    with tf.control_dependencies(done):
        return {name: tf.identity(values) for name, values in tensors.items()}


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
