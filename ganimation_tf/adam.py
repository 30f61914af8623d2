"""Adam as one pass over the memory of a weight, its gradient and its two moments."""

import keras
import tensorflow as tf


class FusedAdam(keras.optimizers.Adam):
    """Keras's Adam with TensorFlow's own kernel for the update.

    The same formula and variables. Keras writes it as a dozen elementwise operations, each of which
    reads and writes all of the weights: for the critic's 45 million that takes several times as
    long as the kernel, which does it all at once on CPUs and GPUs.

    Args:
        As `keras.optimizers.Adam`.

    Raises:
        ValueError: for `amsgrad`, which the kernel does not know.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.amsgrad:
            raise ValueError("FusedAdam has no amsgrad")

    def update_step(self, gradient, variable, learning_rate):
        """One variable's update; inside a strategy, of this device's copy."""
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, variable.dtype)
        beta_1, beta_2 = (tf.cast(beta, variable.dtype) for beta in (self.beta_1, self.beta_2))
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(beta_1, step),
            beta2_power=tf.pow(beta_2, step),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.cast(self.epsilon, variable.dtype),
            grad=tf.cast(gradient, variable.dtype),
        )
