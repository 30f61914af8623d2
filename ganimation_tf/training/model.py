"""GANimation as a `keras.Model`: two networks, two optimizers, one training step."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from ganimation_tf.config import LossWeights, TrainConfig
from ganimation_tf.networks.critic_gradient import build_critic_gradient
from ganimation_tf.networks.precision import policy_of, set_policy
from ganimation_tf.networks.requirements import require_same_on_replicas, require_usable
from ganimation_tf.training import inputs, objective, tracking, updates
from ganimation_tf.training.optimizers import make_optimizers, refuse_on_replicas


@keras.saving.register_keras_serializable(package="ganimation_tf")
class GANimation(keras.Model):
    """Trains a generator and a critic (arXiv:1807.09251) with `fit`.

        >>> networks = gan.build_generator(32, 17, 4, 1), gan.build_critic(32, 17, 4, 3)
        >>> model = gan.GANimation(*networks, critic_steps=2)
        >>> model.compile(keras.optimizers.Adam(1e-4, 0.5), keras.optimizers.Adam(1e-4, 0.5))
        >>> history = model.fit(batches, steps_per_epoch=1, shuffle=False, verbose=0)
        >>> history.history["cycle"][0] > 0
        True

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

    steps_per_execution: int  # Keras has it

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
        require_usable(generator, critic)
        TrainConfig(critic_steps=critic_steps, average=average, augmentation=augmentation)  # ranges
        policy = policy_of(generator) if dtype is None else keras.dtype_policies.get(dtype)
        super().__init__(name=name, dtype=policy, trainable=trainable, autocast=False)
        if dtype is not None:
            set_policy(generator, policy)
            set_policy(critic, policy)
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
            "dtype": None,  # the networks have it in theirs
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
        generator_optimizer=None,
        critic_optimizer=None,
        *,
        loss_weights: LossWeights | Mapping[str, float] | None = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool = False,
        **refused,
    ):
        """Takes an optimizer for each network and builds it on that network's variables.

        Built here because Keras would build the first on both networks' variables, and because
        an optimizer that is built inside a replica fails.

        Args:
            generator_optimizer, critic_optimizer: a Keras optimizer, its name or its config.
            loss_weights: weights of the loss terms, all or some by name; the others are those of
                `LossWeights`, the published ones.
            run_eagerly, steps_per_execution: as in `keras.Model.compile`.
            jit_compile: whether XLA compiles the training step, deterministic or not.

        Raises:
            TypeError, ValueError: for what else Keras takes; for an unknown term or wrong value.
        """
        inputs.refuse_compile_options(refused, jit_compile)
        optimizers = make_optimizers((generator_optimizer, critic_optimizer), self.dtype_policy)
        if self.distribute_strategy.num_replicas_in_sync > 1:
            require_same_on_replicas(self.generator, self.critic)
            refuse_on_replicas(optimizers, steps_per_execution, jit_compile)
        super().compile(
            optimizer=optimizers[0],
            auto_scale_loss=False,  # it is scaled already, and Keras would scale one of two
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=False,
        )
        self.xla = jit_compile
        self._compiled_update = tf.function(self._update, jit_compile=True)
        self.critic_optimizer = optimizers[1]
        self.loss_weights = objective.make_loss_weights(loss_weights)
        objective.require_learnable(self.loss_weights, self.generator, self.critic)
        if self.judges_realism:
            self.critic_gradient = build_critic_gradient(self.critic)
        self.optimizer.build(self.generator.trainable_variables)
        self.critic_optimizer.build(self.critic.trainable_variables)

    def execute_together(self, steps: int) -> None:
        """Sets `steps_per_execution` anew; it must divide the steps of an epoch."""
        if steps != self.steps_per_execution:
            self.steps_per_execution = steps
            self.train_function = None  # Keras makes it anew

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
        return super().fit(*args, **inputs.usable_options(kwargs))

    def train_on_batch(self, *args, **kwargs):
        """`keras.Model.train_on_batch` on a dict that the class describes."""
        return super().train_on_batch(*args, **inputs.usable_options(kwargs))

    def evaluate(self, *args, **kwargs):
        """`keras.Model.evaluate` on the dicts that the class describes."""
        return super().evaluate(*args, **inputs.usable_options(kwargs))

    def export(self, *args, **kwargs) -> None:
        """`keras.Model.export` of `call`; `gan.export` writes the model that is served."""
        super().export(*args, **{"input_signature": inputs.signature(self.generator), **kwargs})

    @property
    def step(self) -> int:
        """Updates of the generator so far."""
        return int(self.optimizer.iterations.numpy())  # int() alone fails on a mirrored variable

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """A mean for each of `tracking.TRACKED`."""
        return list(self._trackers.values())

    def _maybe_symbolic_build(self, iterator=None, data_batch=None) -> None:
        """Nothing: all is built, and over several machines Keras cannot reduce dicts for it."""

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
        return updates.edited(self, self.inference_generator, inputs.evaluated_batch(faces))

    @property
    def judges_realism(self) -> bool:
        """Whether the critic judges realism, or only reads AUs."""
        return "realism" in self.critic.output

    def edit(self, generator: keras.Model, image, source, target) -> dict[str, tf.Tensor]:
        """The image (B, S, S, 3) in [-1, 1] with other AUs: `image`, `attention` and `color`.

        `source` and `target` are (B, N) in [0, 1], the AUs that it shows and those it is to show.
        """
        return generator([image, target - source if self.relative else target])

    def train_step(self, data: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """`updates.train` on a batch, or a replica's share of it; the means of the epoch so far."""
        return self._compiled_update(data) if self.xla else self._update(data)

    def _update(self, data: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        terms = updates.train(self, data)
        self._step_terms.update_state(tracking.shares_of(terms))
        return self._track(terms)

    def test_step(self, data: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The means over the evaluation so far; there are none of `tracking.TRAINING_ONLY`."""
        return self._track(updates.evaluate(self, data))

    def _track(self, terms: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Adds to the trackers; returns the means over the phase so far."""
        trackers = {name: self._trackers[name] for name in tracking.TRACKED if name in terms}
        for name, tracker in trackers.items():
            tracker.update_state(terms[name], tracking.weight_of(name, terms))
        return tracking.means_so_far(trackers)
