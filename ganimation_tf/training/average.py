"""The moving average of the generator's weights.

The formula is that of `tf.train.ExponentialMovingAverage(num_updates=...)`, which keeps variables
of its own: they would have to be copied into the model that is sampled, saved and exported, all
weights each step, and the states of older runs, which name them as that model's, would be lost.
The `use_ema` of Keras's optimizers knows no decay that grows.
"""

import keras
import tensorflow as tf


def move_average(
    average: keras.Model, network: keras.Model, optimizer: keras.optimizers.Optimizer, most: float
) -> None:
    """Moves the average's weights towards the network's; called on each replica, after `apply`.

    The decay begins low and grows to `most`: at 0.999 from the start, the random weights of step 0
    would be seen for thousands of steps.

    Args:
        average: of the network's architecture.
        optimizer: the network's; it counts the updates.
        most: decay per update, in (0, 1).
    """

    def move(strategy: tf.distribute.Strategy) -> None:
        updates = tf.cast(optimizer.iterations, tf.float32)
        decay = tf.minimum(most, (1.0 + updates) / (10.0 + updates))
        pairs = zip(average.weights, network.weights, strict=True)  # also those that are frozen
        for mean, variable in pairs:
            strategy.extended.update(
                mean.value,
                lambda mean, now: mean.assign_sub((1.0 - decay) * (mean - now)),
                args=(variable.value,),
            )

    tf.distribute.get_replica_context().merge_call(move)
