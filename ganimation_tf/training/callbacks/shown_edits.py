"""The edits that a run's pictures and histograms show, made by one graph and once a step."""

from collections.abc import Callable, Mapping

import tensorflow as tf

from ganimation_tf.training.inputs import ACTION_UNITS, IMAGE, TARGET


class ShownEdits:
    """The same faces, edited by the generator that is kept for use.

    Args:
        faces: a batch of `dataset.evaluation`.
    """

    def __init__(self, faces: Mapping[str, tf.Tensor]):
        self.faces = faces
        self._compiled: Callable[..., dict[str, tf.Tensor]] | None = None
        self._step = -1
        self._edits: dict[str, tf.Tensor] = {}

    def now(self, model) -> dict[str, tf.Tensor]:
        """What `GANimation.call` makes of the faces at the model's step."""
        if self._step != model.step:
            image, source, target = (self.faces[name] for name in (IMAGE, ACTION_UNITS, TARGET))
            self._edits = self.of(model, image, source, target)
            self._step = model.step
        return self._edits

    def of(self, model, image, source, target) -> dict[str, tf.Tensor]:
        """What it makes of others: (B, S, S, 3) in [-1, 1] and AUs (B, N) in [0, 1]."""
        given = {IMAGE: image, ACTION_UNITS: source, TARGET: target}
        if self._compiled is None:  # for any number of faces
            specs = {
                name: tf.TensorSpec((None, *values.shape[1:]), values.dtype)
                for name, values in given.items()
            }
            self._compiled = tf.function(model.call, input_signature=[specs])
        return self._compiled(given)
