"""The numbers of a step, and how they become what Keras logs: means over a phase so far."""

from collections.abc import Iterable, Mapping

import keras
import tensorflow as tf

from ganimation_tf.training import inputs, truth, workers

TRAINING_ONLY = ("gradient_penalty", "critic_gradient", "generator_gradient")
"""Terms that an evaluation does not compute."""

TRACKED = (
    "loss",
    "critic_realism",
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
    # Last what may be missing: what `evaluate` returns is then in the order of `metrics`.
    *truth.TERMS,
    *TRAINING_ONLY,
)
"""`loss`, the weighted sum that the generator lowers; the unweighted terms; and what else tells of
the health of training."""


class StepTerms(keras.metrics.Metric):
    """The terms of the last step alone.

    A metric for its variable only: each replica assigns its share, and reading adds them up.
    """

    def __init__(self, names: Iterable[str], name: str = "step_terms"):
        super().__init__(name=name, dtype="float32")
        self.names = tuple(names)
        self._computed: tuple[str, ...] = ()
        self.shares = self.add_variable((len(self.names),), initializer="zeros", name="shares")

    def update_state(self, shares: Mapping[str, tf.Tensor]) -> None:
        """Takes, for each name, what this replica adds to the mean over all images."""
        self._computed = tuple(name for name in self.names if name in shares)
        self.shares.assign(tf.stack([shares.get(name, 0.0) for name in self.names]))

    def result(self) -> dict[str, float]:
        values = tf.convert_to_tensor(self.shares).numpy()
        every = dict(zip(self.names, map(float, values), strict=True))
        return {name: every[name] for name in self._computed}


def global_count(values: tf.Tensor) -> tf.Tensor:
    """Images of the global batch, of which `values` has this replica's along its first axis.

    `apply` sums gradients over replicas, so each must divide by the images of ALL of them: by its
    own count, two replicas would make a step of twice the size.
    """
    return over_replicas(tf.cast(tf.shape(values)[0], tf.float32))


def over_replicas(values):
    """The sum over all replicas of a tensor, or of each of a list."""
    if _replicas() == 1:
        return values
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)


def shares_of(terms: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """What this replica adds to the mean of each term over all images of the global batch.

    Of the truth it is the mean over those images whose truth is known.

    Args:
        terms: float32, (B,) with a value for each image, or scalars that are the same everywhere.
    """
    count = global_count(next(values for values in terms.values() if values.shape.rank))
    counts = dict.fromkeys(terms, count)
    if inputs.HAS_TRUTH in terms:
        known = over_replicas(tf.reduce_sum(terms[inputs.HAS_TRUTH]))
        counts |= dict.fromkeys(truth.TERMS, known)
    return {
        name: tf.math.divide_no_nan(
            tf.reduce_sum(values), counts[name] if values.shape.rank else float(_replicas())
        )
        for name, values in terms.items()
    }


def weight_of(name: str, terms: Mapping[str, tf.Tensor]) -> tf.Tensor | None:
    """How much each image counts in a term's mean, (B,); None: all alike."""
    return terms.get(inputs.HAS_TRUTH) if name in truth.TERMS else None


def means_so_far(trackers: Mapping[str, keras.metrics.Mean]) -> dict[str, tf.Tensor]:
    """The trackers' results over all replicas, from within one of them.

    Keras takes the mean over the replicas of what each returns, which would weigh the images of
    an uneven batch unevenly; over several machines along a first axis, which is added for it.
    """
    totals, counts = over_replicas(
        [
            tf.stack([tracker.total.value for tracker in trackers.values()]),
            tf.stack([tracker.count.value for tracker in trackers.values()]),
        ]
    )
    means = tf.unstack(tf.math.divide_no_nan(totals, counts))
    if workers.are_several(tf.distribute.get_strategy()):
        means = [mean[tf.newaxis] for mean in means]
    return dict(zip(trackers, means, strict=True))


def _replicas() -> int:
    replica = tf.distribute.get_replica_context()
    return 1 if replica is None else replica.num_replicas_in_sync
