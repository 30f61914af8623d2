"""Generator and estimator as LiteRT files with float16 weights, for `litert_model.LiteRtModel`."""

import tempfile

import keras
import tensorflow as tf

from ganimation_tf import quiet
from ganimation_tf.export.editor import build_estimator, build_source_editor


def editor(generator: keras.Model, relative: bool) -> bytes:
    """Of one face whose AUs are known, as `export.editor.build_source_editor` has it."""
    return _convert(build_source_editor(generator, relative))


def estimator(network: keras.Model) -> bytes:
    """Of one face to its AUs, as `export.editor.build_estimator` has it."""
    return _convert(build_estimator(network))


def _convert(model: keras.Model) -> bytes:
    """Its inputs and outputs keep their names; the batch is one, for which LiteRT plans ahead."""
    specs = [tf.TensorSpec((1, *one.shape[1:]), tf.float32, one.name) for one in model.inputs]
    module = tf.Module()
    one = len(specs) == 1
    module.run = tf.function(
        lambda *inputs: model(inputs[0] if one else list(inputs), training=False),
        input_signature=specs,
    )
    module.weights = [variable.value for variable in model.variables]
    with tempfile.TemporaryDirectory() as scratch, quiet.notes_hidden():
        tf.saved_model.save(module, scratch, {"serving_default": module.run})
        converter = tf.lite.TFLiteConverter.from_saved_model(scratch)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        return converter.convert()
