"""Generator and critic as one Keras model in the units of the outside world: pixels in [0, 1].

What is exported, in every format, is this model, so that no two formats can differ in what they
compute. The networks' own [-1, 1] stays inside.
"""

import keras
from keras import ops

from ganimation_tf.export.signature import ACTION_UNITS, ATTENTION, COLOR, FLOW, IMAGE, SOURCE

EDITED = "edited_image"
"""The result's name here. `image` is the input's, and ONNX has one namespace for both."""


def to_networks(image):
    """[0, 1] to the [-1, 1] of the networks."""
    return image * 2.0 - 1.0


def from_networks(image):
    """[-1, 1] to [0, 1]."""
    return (image + 1.0) / 2.0


def build_editor(
    generator: keras.Model, critic: keras.Model, relative: bool = False
) -> keras.Model:
    """The edit as one model.

    Args:
        generator, critic: as `networks` builds them.
        relative: whether the generator takes changes of the AUs; the critic then reads those
            that the face shows.

    Returns:
        Model of `[image, action_units]`, (B, S, S, 3) in [0, 1] and the wanted (B, N) in [0, 1],
        to a dict of `edited_image` and `color` (B, S, S, 3) and `attention` (B, S, S, 1), all in
        [0, 1], and, of a generator that warps, `flow` (B, S, S, 2) in pixels.
    """
    image, target = _inputs(generator)
    wanted = target - _seen(critic, image) if relative else target
    return keras.Model([image, target], _edited(generator, image, wanted), name="editor")


def build_source_editor(generator: keras.Model, relative: bool = False) -> keras.Model:
    """The edit of faces whose AUs are known.

    Returns:
        Model of `[image, source_action_units, action_units]` to what `build_editor` tells of. A
        face whose AUs are to stay comes back bit for bit.
    """
    image, target = _inputs(generator)
    source = keras.Input(target.shape[1:], name=SOURCE)
    outputs = _edited(generator, image, target - source if relative else target)
    changes = ops.any(ops.not_equal(source, target), axis=-1)
    changes = ops.reshape(changes, (-1, 1, 1, 1))
    # By the generator alone it would come back but for the rounding between [0, 1] and [-1, 1],
    # and only by a relative one.
    outputs[EDITED] = ops.where(changes, outputs[EDITED], image)
    outputs[ATTENTION] = ops.where(changes, outputs[ATTENTION], 1.0)
    if FLOW in outputs:
        outputs[FLOW] = ops.where(changes, outputs[FLOW], 0.0)
    return keras.Model([image, source, target], outputs, name="source_editor")


def _inputs(generator: keras.Model):
    image = keras.Input(generator.inputs[0].shape[1:], name=IMAGE)
    return image, keras.Input(generator.inputs[1].shape[1:], name=ACTION_UNITS)


def _edited(generator: keras.Model, image, wanted) -> dict:
    outputs = generator([to_networks(image), wanted])
    edited = {
        EDITED: from_networks(outputs["image"]),
        ATTENTION: outputs["attention"],
        COLOR: from_networks(outputs["color"]),
    }
    return edited | ({FLOW: outputs["flow"]} if "flow" in outputs else {})


def _seen(critic, image):
    """The AUs that the critic reads, (B, N) in [0, 1]; `image` (B, S, S, 3) in [0, 1]."""
    return ops.clip(critic(to_networks(image))["action_units"], 0.0, 1.0)


def build_estimator(critic: keras.Model) -> keras.Model:
    """The critic's reading of a face as one model.

    Returns:
        Model of `image` (B, S, S, 3) in [0, 1] to a dict of `action_units` (B, N) in [0, 1].
    """
    image = keras.Input(critic.inputs[0].shape[1:], name=IMAGE)
    return keras.Model(image, {ACTION_UNITS: _seen(critic, image)}, name="estimator")
