"""GANimation as a `keras.Model`: two networks, two optimizers, one training step."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from ganimation_tf.config import LossWeights
from ganimation_tf.networks.critic_gradient import critic_gradient
from ganimation_tf.training import inputs, losses, objective, tracking
from ganimation_tf.training.augmentation import augmented
from ganimation_tf.training.average import move_average
from ganimation_tf.training.diagnostics import vitals
from ganimation_tf.training.optimizers import make_optimizer


@keras.saving.register_keras_serializable(package="ganimation_tf")
class GANimation(keras.Model):
    """Trains a generator and a critic (arXiv:1807.09251) with `fit`.

    Faces go in as a dict. `evaluate`, `predict` and `call` take

    - `image`: float32 (B, S, S, 3) in [-1, 1],
    - `action_units`: float32 (B, N) in [0, 1], the AUs that they show,
    - `target_action_units`: float32 (B, N), the AUs that they are to show;

    and where it is known, `truth`, what the target looks like, as `image`, with `has_truth`,
    float32 (B,), 0 for faces of which it is not. `fit` and `train_on_batch` take the same with an
    axis for the critic's steps after the first, (B, K, S, S, 3) and (B, K, N), images also as
    uint8, and `epsilon`, float32 (B, K) in [0, 1), which places the gradient penalty, and
    `augmentation`, float32 (B, K, D). `dataset.training` makes such batches.

    What it logs are means over the images of the phase so far, as Keras does: `loss`, which the
    generator lowers, and the unweighted terms of `tracking.TRACKED`. Keras's callbacks that set a
    learning rate set `optimizer`'s, which is the generator's; the critic's is `critic_optimizer`.

    Args:
        generator, critic: as `networks` builds them, or others with the same inputs and outputs.
        critic_steps: K, critic updates for each update of the generator.
        relative: whether the generator is given target minus source AUs.
        average: decay of the moving average of the generator's weights per update; 0: none.
        augmentation: how far training faces are changed (see `augmentation`), where the batch has
            numbers for it.

    Attributes:
        inference_generator: what to look at, evaluate and export: the average where one is kept.
    """

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        critic_steps: int = 5,
        relative: bool = False,
        average: float = 0.0,
        augmentation: float = 0.0,
        name: str = "ganimation",
        dtype: Any = None,
        trainable: bool = True,
    ):
        super().__init__(name=name, dtype=dtype, trainable=trainable, autocast=False)
        self.generator = generator
        self.critic = critic
        self.critic_steps = critic_steps
        self.relative = relative
        self.average = average
        self.augmentation = augmentation
        self.inference_generator = generator
        if average:
            self.inference_generator = keras.models.clone_model(generator)
            self.inference_generator.set_weights(generator.get_weights())
        self.loss_weights = LossWeights()
        self._trackers = {name: keras.metrics.Mean(name=name) for name in tracking.TRACKED}
        self._step_terms = tracking.StepTerms(tracking.TRACKED)
        self.built = True  # both networks are; Keras would otherwise drop the optimizers' state

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        return super().get_config() | {
            "generator": serialize(self.generator),
            "critic": serialize(self.critic),
            "critic_steps": self.critic_steps,
            "relative": self.relative,
            "average": self.average,
            "augmentation": self.augmentation,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects=None) -> "GANimation":
        networks = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects)
            for name in ("generator", "critic")
        }
        return cls(**{**config, **networks})

    def compile(
        self,
        generator_optimizer,
        critic_optimizer,
        *,
        loss_weights: LossWeights | Mapping[str, float] | None = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool = False,
    ):
        """Takes an optimizer for each network and builds it on that network's variables.

        Built here because Keras would build the first on both networks' variables, and because
        an optimizer that is built inside a replica fails.

        Args:
            generator_optimizer, critic_optimizer: a Keras optimizer, its name or its config.
            loss_weights: weights of the loss terms, all or some by name; the others are those of
                `LossWeights`, the published ones.
            run_eagerly, steps_per_execution: as in `keras.Model.compile`.
            jit_compile: whether XLA compiles the training step; also with deterministic
                operations, where Keras itself would silently leave it.
        """
        super().compile(
            optimizer=make_optimizer(generator_optimizer),
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=False,
        )
        self.xla = jit_compile
        self._compiled_update = tf.function(self._update, jit_compile=True)
        self.critic_optimizer = make_optimizer(critic_optimizer)
        if not isinstance(loss_weights, LossWeights):
            loss_weights = LossWeights(**(loss_weights or {}))
        self.loss_weights = loss_weights
        self.optimizer.build(self.generator.trainable_variables)
        self.critic_optimizer.build(self.critic.trainable_variables)

    def get_compile_config(self) -> dict[str, Any]:
        if not self.compiled:
            return {}
        serialize = keras.saving.serialize_keras_object
        return {
            "generator_optimizer": serialize(self.optimizer),
            "critic_optimizer": serialize(self.critic_optimizer),
            "loss_weights": dataclasses.asdict(self.loss_weights),
            "run_eagerly": self.run_eagerly,
            "steps_per_execution": self.steps_per_execution,
            "jit_compile": self.xla,
        }

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        self.compile(**keras.saving.deserialize_keras_object(config))

    def fit(self, *args, **kwargs) -> keras.callbacks.History:
        """`keras.Model.fit` on the dicts that the class describes."""
        inputs.refuse_keras_options(kwargs)
        return super().fit(*args, **kwargs)

    def train_on_batch(self, *args, **kwargs):
        """`keras.Model.train_on_batch` on a dict that the class describes."""
        inputs.refuse_keras_options(kwargs)
        return super().train_on_batch(*args, **kwargs)

    @property
    def step(self) -> int:
        """Updates of the generator so far."""
        return int(self.optimizer.iterations.numpy())  # int() alone fails on a mirrored variable

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """A mean for each of `tracking.TRACKED`."""
        return list(self._trackers.values())

    def get_metrics_result(self) -> dict[str, tf.Tensor]:
        """The means of this phase: an evaluation computes no `tracking.TRAINING_ONLY`."""
        seen = [metric for metric in self.metrics if tf.convert_to_tensor(metric.count) > 0]
        return {metric.name: metric.result() for metric in seen}

    def step_terms(self) -> dict[str, float]:
        """`tracking.TRACKED` of the last training step alone, means over its images.

        The critic's are those of its last update. What `fit` hands to callbacks are means over
        the epoch so far.
        """
        return self._step_terms.result()

    def call(self, faces: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The faces with their target AUs, by the generator that is kept for use; see `edit`."""
        return self._edited(self.inference_generator, inputs.evaluated_batch(faces))

    @property
    def judges_realism(self) -> bool:
        """Whether the critic judges realism, or only reads AUs."""
        return "realism" in self.critic.output

    def edit(self, generator: keras.Model, image, source, target) -> dict[str, tf.Tensor]:
        """The image with other AUs: `image`, `attention` and `color` (see `networks`).

        Args:
            image: (B, S, S, 3) in [-1, 1].
            source, target: (B, N) in [0, 1], the AUs that it shows and those it is to show.
        """
        return generator([image, target - source if self.relative else target])

    def train_step(self, data: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """K critic updates on K micro-batches, then a generator update on the last of them.

        Args:
            data: a batch as the class describes it, or a replica's share of it.

        Returns:
            The means of `tracking.TRACKED` over the epoch so far; see `step_terms`.
        """
        return self._compiled_update(data) if self.xla else self._update(data)

    def _update(self, data: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        *before, last = (
            augmented(batch, self.augmentation)
            for batch in inputs.micro_batches(data, self.critic_steps)
        )
        critic_gradients = []
        for micro_batch in before:
            micro_batch = _after(critic_gradients, micro_batch)
            fake = self._judged_edits(micro_batch)
            _, critic_gradients = self._critic_step(micro_batch, fake)
        last = _after(critic_gradients, last)
        with tf.GradientTape() as tape:
            # The critic's last update and the generator's share these images.
            edited = self._edited(self.generator, last)
            with tape.stop_recording():
                critic_terms, critic_gradients = self._critic_step(last, edited["image"])
            edited = _after(critic_gradients, edited)
            loss, generator_terms = self._generator_loss(self.generator, last, edited)
            mean_loss = tf.reduce_sum(loss) / tracking.global_count(loss)
        variables = self.generator.trainable_variables
        gradients = tape.gradient(mean_loss, variables)
        self.optimizer.apply(gradients, variables)
        if self.average:
            move_average(self.inference_generator, self.generator, self.optimizer, self.average)
        norms = {
            "critic_gradient": vitals.gradient_norm(critic_gradients),
            "generator_gradient": vitals.gradient_norm(gradients),
        }
        terms = critic_terms | generator_terms | norms
        self._step_terms.update_state(tracking.shares_of(terms))
        return self._track(terms)

    def test_step(self, data: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The means over the evaluation so far; there are none of `tracking.TRAINING_ONLY`."""
        generator, batch = self.inference_generator, inputs.evaluated_batch(data)
        _, generator_terms = self._generator_loss(generator, batch, self._edited(generator, batch))
        real = self.critic(batch[inputs.IMAGE])
        seen = losses.action_units(real["action_units"], batch[inputs.ACTION_UNITS])
        unedited = losses.action_units(real["action_units"], batch[inputs.TARGET])
        critic_terms = {"critic_action_units": seen, "unedited_action_units": unedited}
        if self.judges_realism:
            on_real = losses.generator_realism(real["realism"])
            critic_terms["critic_realism"] = on_real - generator_terms["generator_realism"]
        return self._track(generator_terms | critic_terms)

    def _track(self, terms: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Adds to the trackers; returns the means over the phase so far."""
        trackers = {name: self._trackers[name] for name in tracking.TRACKED if name in terms}
        for name, tracker in trackers.items():
            tracker.update_state(terms[name])
        return tracking.means_so_far(trackers)

    def _edited(self, generator, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The batch's faces with their target AUs."""
        source, target = batch[inputs.ACTION_UNITS], batch[inputs.TARGET]
        return self.edit(generator, batch[inputs.IMAGE], source, target)

    def _judged_edits(self, batch: Mapping[str, tf.Tensor]) -> tf.Tensor | None:
        """What a critic that judges realism is shown beside real images."""
        return self._edited(self.generator, batch)["image"] if self.judges_realism else None

    def _estimator_step(self, batch: Mapping[str, tf.Tensor]):
        """`_critic_step` of a critic that only reads AUs."""
        variables = self.critic.trainable_variables
        with tf.GradientTape() as tape:
            seen = self.critic(batch[inputs.IMAGE])["action_units"]
            error = losses.action_units(seen, batch[inputs.ACTION_UNITS])
            mean = tf.reduce_sum(error) / tracking.global_count(error)
        gradients = tape.gradient(mean, variables)
        self.critic_optimizer.apply(gradients, variables)
        nothing = tf.zeros_like(error)
        unedited = losses.action_units(seen, batch[inputs.TARGET])
        return {
            "critic_action_units": error,
            "unedited_action_units": unedited,
            "critic_realism": nothing,
            "gradient_penalty": nothing,
        }, gradients

    def _critic_step(self, batch: Mapping[str, tf.Tensor], fake: tf.Tensor):
        """Updates the critic; returns its terms and the gradients that it was updated by."""
        if not self.judges_realism:
            return self._estimator_step(batch)
        image, weights, terms = batch[inputs.IMAGE], self.loss_weights, {}
        count = tracking.global_count(image)

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
            return tf.reduce_sum(loss) / count

        def penalty_slope(norms):
            return weights.gradient_penalty * losses.gradient_penalty_slope(norms) / count

        between = losses.interpolate(image, fake, batch[inputs.EPSILON])
        found = critic_gradient(self.critic, image, fake, between, head_loss, penalty_slope)
        self.critic_optimizer.apply(found.gradients, self.critic.trainable_variables)
        terms["gradient_penalty"] = losses.gradient_penalty(found.slope_norms)
        return terms, found.gradients

    def _generator_loss(self, generator, batch, edited):
        def edit(image, source, target):
            return self.edit(generator, image, source, target)

        terms = objective.generator_terms(self.loss_weights, edit, self.critic, batch, edited)
        loss = objective.weighted_sum(self.loss_weights, terms)
        return loss, {"loss": loss} | terms | vitals.mask_statistics(edited["attention"])


def _after(done: Sequence[tf.Tensor], tensors: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The same tensors, for use only when others are there.

    TensorFlow runs what can run, and no pass of the generator waits for the critic: without this
    the passes of all micro-batches would hold their activations at once.
    """
    with tf.control_dependencies(done):
        return {name: tf.identity(values) for name, values in tensors.items()}
