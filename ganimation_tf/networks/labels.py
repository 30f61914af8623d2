"""AUs as the nearest of some labels: what a generator hears that is asked by emotions.

That is how StarGAN (arXiv:1711.09020) asks on the Radboud Faces Database: by one of eight emotions,
as a one-hot vector. Between two of them there is nothing.
"""

from collections.abc import Sequence

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="ganimation_tf")
class NearestLabel(keras.layers.Layer):
    """Takes AUs (B, N) to the label whose AUs are nearest, one-hot, (B, L).

    Args:
        prototypes: the AUs of each label, (L, N). Of two as near it is the first.
    """

    def __init__(self, prototypes: Sequence[Sequence[float]], **options):
        super().__init__(**options)
        self.prototypes = [[float(value) for value in row] for row in prototypes]

    def call(self, action_units):
        away = ops.expand_dims(action_units, 1) - ops.convert_to_tensor(
            self.prototypes, action_units.dtype
        )
        nearest = ops.argmin(ops.sum(away * away, axis=-1), axis=-1)
        return ops.one_hot(nearest, len(self.prototypes), dtype=action_units.dtype)

    def get_config(self):
        return super().get_config() | {"prototypes": self.prototypes}
