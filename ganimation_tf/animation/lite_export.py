"""Generator and estimator as LiteRT files with float16 weights, for `models.LiteRtModel`."""

import tempfile

import tensorflow as tf

from ganimation_tf.animation.models import FLOW, SOURCE
from ganimation_tf.export import signature
from ganimation_tf.export.editor import from_networks, to_networks


def editor(generator, relative: bool) -> bytes:
    """Of `image` (1, S, S, 3) in [0, 1], `source_action_units` and `action_units` (1, N)."""
    image = tf.TensorSpec((1, *generator.inputs[0].shape[1:]), tf.float32, signature.IMAGE)
    units = (1, *generator.inputs[1].shape[1:])

    def run(image, source_action_units, action_units):
        # A generator of absolute AUs has no use for the source; the input stays.
        wanted = action_units - source_action_units * (1.0 if relative else 0.0)
        outputs = generator([to_networks(image), wanted], training=False)
        found = {
            signature.ATTENTION: outputs[signature.ATTENTION],
            signature.COLOR: from_networks(outputs[signature.COLOR]),
            "edited_image": from_networks(outputs["image"]),
        }
        return found | ({FLOW: outputs[FLOW]} if FLOW in outputs else {})

    source = tf.TensorSpec(units, tf.float32, SOURCE)
    return _convert(run, generator, image, source, tf.TensorSpec(units, tf.float32, "action_units"))


def estimator(network) -> bytes:
    """Of `image` (1, S, S, 3) in [0, 1] to `action_units` (1, N) in [0, 1]."""
    spec = tf.TensorSpec((1, *network.inputs[0].shape[1:]), tf.float32, signature.IMAGE)

    def run(image):
        found = network(to_networks(image), training=False)[signature.ACTION_UNITS]
        return {signature.ACTION_UNITS: tf.clip_by_value(found, 0.0, 1.0)}

    return _convert(run, network, spec)


def _convert(run, network, *specs) -> bytes:
    module = tf.Module()
    module.run = tf.function(run, input_signature=specs)
    module.weights = [variable.value for variable in network.variables]
    with tempfile.TemporaryDirectory() as scratch:
        tf.saved_model.save(module, scratch, {"serving_default": module.run})
        converter = tf.lite.TFLiteConverter.from_saved_model(scratch)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        return converter.convert()
