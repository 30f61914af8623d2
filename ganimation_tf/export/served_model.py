"""The signatures of `signature` as a `tf.Module`, ready to be saved."""

import types

import keras
import tensorflow as tf

from ganimation_tf.data import records
from ganimation_tf.export import signature
from ganimation_tf.export.decoding import decode_pictures
from ganimation_tf.export.editor import (
    EDITED,
    build_editor,
    build_estimator,
    build_source_editor,
)
from ganimation_tf.export.examples import parse_examples
from ganimation_tf.export.model_card import ModelCard


class ServedModel(tf.Module):
    """The signatures of `signature`, on a generator and a critic.

    Args:
        generator, critic: as `networks` builds them.
        card: its AU list and image size shape the signatures.
        relative: whether the generator takes changes of the AUs.

    Attributes:
        keras_models: `editor`, `source_editor` and `estimator`, behind the signatures.
        weights: their variables.
    """

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        card: ModelCard,
        relative: bool = False,
    ):
        super().__init__(name="ganimation")
        editor = build_editor(generator, critic, relative)
        estimator = build_estimator(critic)
        # What TensorFlow finds on this object is saved with it. It must find the bare variables:
        # of those inside a Keras model it saves a second handle, and a session, which is how
        # TensorFlow Serving loads, restores the one that no signature reads.
        self.keras_models = types.SimpleNamespace(
            editor=editor,
            source_editor=build_source_editor(generator, relative),
            estimator=estimator,
        )
        self.weights = [variable.value for variable in (*generator.variables, *critic.variables)]
        self._size = card.crop.size
        self._units = len(card.action_units)
        self._card = card.to_json()

    def edit(self, image_bytes: tf.Tensor, action_units: tf.Tensor) -> dict[str, tf.Tensor]:
        """`serving_default`: encoded crops and AUs to PNGs."""
        image = decode_pictures(image_bytes, self._size)
        target = _checked(signature.ACTION_UNITS, action_units)
        edited = _by_rows(self.keras_models.editor, image, target)[EDITED]
        return {signature.IMAGE_BYTES: _encoded(edited)}

    def render(self, image: tf.Tensor, action_units: tf.Tensor) -> dict[str, tf.Tensor]:
        """`render`: pixels in [0, 1] and AUs to the result and what it is made of."""
        image = _checked(signature.IMAGE, image)
        target = _checked(signature.ACTION_UNITS, action_units)
        return _named(_by_rows(self.keras_models.editor, image, target))

    def edit_from_source(
        self, image: tf.Tensor, source_action_units: tf.Tensor, action_units: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """`edit`: as `render`, of faces whose AUs are known."""
        image = _checked(signature.IMAGE, image)
        source = _checked(signature.SOURCE, source_action_units)
        target = _checked(signature.ACTION_UNITS, action_units)
        return _named(_by_rows(self.keras_models.source_editor, image, source, target))

    def estimate(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """`estimate`: the AUs that critic or estimator sees, clipped to [0, 1]."""
        return _by_rows(self.keras_models.estimator, decode_pictures(image_bytes, self._size))

    def edit_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """`edit_examples`: serialized records to PNGs and the AUs that the model sees in them."""
        encoded, source, target = parse_examples(examples, self._units)
        image = decode_pictures(encoded, self._size)
        source = _checked(records.ACTION_UNITS, source)
        target = _checked(records.TARGET, target)
        edited = _by_rows(self.keras_models.source_editor, image, source, target)[EDITED]
        seen = _by_rows(self.keras_models.estimator, image)
        # A column, for tfx-bsl 1.21 cannot take rows off a vector of strings.
        return {signature.IMAGE_BYTES: _encoded(edited)[:, None]} | seen

    def describe(self, request: tf.Tensor) -> dict[str, tf.Tensor]:
        """`describe`: the model card, once for each request."""
        return {signature.CARD: tf.fill(tf.shape(request), self._card)}

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Name to concrete function, batch size left open."""
        encoded = tf.TensorSpec((None,), tf.string, signature.IMAGE_BYTES)
        units = tf.TensorSpec((None, self._units), tf.float32, signature.ACTION_UNITS)
        source = tf.TensorSpec((None, self._units), tf.float32, signature.SOURCE)
        image = tf.TensorSpec((None, self._size, self._size, 3), tf.float32, signature.IMAGE)
        examples = tf.TensorSpec((None,), tf.string, signature.EXAMPLES)
        request = tf.TensorSpec((None,), tf.string, signature.REQUEST)

        def concrete(method, *specs):
            return tf.function(method).get_concrete_function(*specs)

        return {
            signature.EDIT: concrete(self.edit, encoded, units),
            signature.RENDER: concrete(self.render, image, units),
            signature.FROM_SOURCE: concrete(self.edit_from_source, image, source, units),
            signature.ESTIMATE: concrete(self.estimate, encoded),
            signature.FROM_EXAMPLES: concrete(self.edit_examples, examples),
            signature.DESCRIBE: concrete(self.describe, request),
        }


def _checked(name: str, values: tf.Tensor) -> tf.Tensor:
    """Values outside [0, 1], NaN among them, are refused: INVALID_ARGUMENT."""
    within = tf.reduce_all((values >= 0.0) & (values <= 1.0))
    message = f"{name} must be in [0, 1]"
    with tf.control_dependencies([tf.debugging.Assert(within, [message, values])]):
        return tf.identity(values)


def _encoded(image: tf.Tensor) -> tf.Tensor:
    """Pixels (B, S, S, 3) in [0, 1] to PNGs (B,)."""
    pixels = tf.cast(tf.round(image * 255.0), tf.uint8)
    return tf.map_fn(tf.io.encode_png, pixels, fn_output_signature=tf.string)


def _by_rows(model: keras.Model, *inputs: tf.Tensor) -> dict[str, tf.Tensor]:
    """The model's outputs, none for no rows: oneDNN's convolutions refuse an empty batch.

    Such a batch is given a row, which is taken off again.
    """
    rows = tf.shape(inputs[0])[0]
    spare = tf.cast(tf.equal(rows, 0), tf.int32)
    padded = [tf.pad(x, [[0, spare], *[[0, 0]] * (x.shape.rank - 1)]) for x in inputs]
    outputs = model(padded if len(padded) > 1 else padded[0])
    return {name: tensor[:rows] for name, tensor in outputs.items()}


def _named(outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """An editor's outputs by the names of the signatures."""
    return {signature.IMAGE if name == EDITED else name: x for name, x in outputs.items()}
