"""The one form in which `GANimation` takes faces, for `fit` as for `call`: a dict of arrays."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from ganimation_tf.training.memory import to_networks

IMAGE = "image"
ACTION_UNITS = "action_units"
TARGET = "target_action_units"
EPSILON = "epsilon"
TRUTH = "truth"
HAS_TRUTH = "has_truth"
AUGMENTATION = "augmentation"

EVALUATED = (IMAGE, ACTION_UNITS, TARGET)
"""What `evaluate`, `predict` and `call` need, a face to a row; other entries are left alone."""

TRAINED = (*EVALUATED, EPSILON)
"""What `fit` and `train_on_batch` need, a row of `critic_steps` faces to a row."""

_MEANING = {
    IMAGE: "the faces, float32 in [-1, 1] or uint8",
    ACTION_UNITS: "the AUs that they show, in [0, 1]",
    TARGET: "the AUs that they are to show, in [0, 1]",
    EPSILON: "one number in [0, 1) for each face, drawn in the dataset: drawn in the step, all "
    "replicas would draw the same",
}


def evaluated_batch(data: Any) -> dict[str, tf.Tensor]:
    """A batch of `evaluate`, `predict` or `call` as tensors.

    Raises:
        ValueError: unless it is a dict of `EVALUATED` whose images are (B, S, S, 3).
    """
    batch = _tensors(data, EVALUATED)
    shape = batch[IMAGE].shape
    if shape.rank != 4:
        raise ValueError(
            f"{IMAGE} must be (B, S, S, 3) outside of training, got {tuple(shape)}: only `fit` "
            "takes several micro-batches at a time"
        )
    return batch | {name: to_networks(batch[name]) for name in (IMAGE, TRUTH) if name in batch}


def micro_batches(data: Any, critic_steps: int) -> list[dict[str, tf.Tensor]]:
    """The micro-batches of a batch of `fit`: every entry, cut along its second axis.

    Raises:
        ValueError: unless it is a dict of `TRAINED` whose images are (B, critic_steps, S, S, 3).
    """
    batch = _tensors(data, TRAINED)
    shape = batch[IMAGE].shape
    if shape.rank != 5 or shape[1] != critic_steps:
        raise ValueError(
            f"{IMAGE} must be (B, {critic_steps}, S, S, 3) in training, a micro-batch for each of "
            f"{critic_steps} critic steps, got {tuple(shape)}; of a dataset of single faces: "
            f"dataset.batch({critic_steps}, drop_remainder=True).batch(B)"
        )
    return [
        {name: values[:, step] for name, values in batch.items()} for step in range(critic_steps)
    ]


def _tensors(data: Any, needed: tuple[str, ...]) -> dict[str, tf.Tensor]:
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    if not isinstance(x, Mapping):
        raise ValueError(f"GANimation takes a dict of {', '.join(needed)}, got {type(x).__name__}")
    if y is not None or sample_weight is not None:
        raise ValueError(
            "GANimation takes a dict and neither y nor sample_weight: targets are in the dict, and "
            "all faces weigh the same"
        )
    for name in needed:
        if name not in x:
            raise ValueError(f"{name} is missing: {_MEANING[name]}; got {', '.join(x)}")
    batch = {name: tf.convert_to_tensor(values) for name, values in x.items()}
    if TRUTH in batch and HAS_TRUTH not in batch:
        raise ValueError(f"{HAS_TRUTH} is missing: for each face 1, or 0 where {TRUTH} is unknown")
    # As Keras does it for `fit`, but not for `train_on_batch`.
    return {
        name: tf.cast(values, tf.float32) if values.dtype.is_floating else values
        for name, values in batch.items()
    }


def usable_options(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Options of `keras.Model.fit` and `evaluate`, but for those that mean nothing here.

    Raises:
        ValueError: if one of them is given.
    """
    if options.get("class_weight") is not None:
        raise ValueError(
            "class_weight weighs classes, and faces with AU intensities have none: draw some faces "
            "more often in the dataset"
        )
    if options.get("sample_weight") is not None:
        raise ValueError(
            "sample_weight would be dropped, as there is no y: all faces weigh the same; draw some "
            "more often in the dataset"
        )
    if options.get("validation_split"):
        raise ValueError(
            "validation_split would put pictures of one person on both sides, and cuts rows of "
            "critic_steps faces where evaluation takes single ones: give validation_data"
        )
    return options


def refuse_compile_options(options: Mapping[str, Any], jit_compile: Any) -> None:
    """Says of what `keras.Model.compile` takes, and `GANimation.compile` does not, what to give.

    Raises:
        TypeError: if there are any `options`.
        ValueError: if `jit_compile` is Keras's "auto".
    """
    if jit_compile not in (True, False):
        raise ValueError(f"jit_compile must be True or False, got {jit_compile!r}")
    if options:
        raise TypeError(
            f"GANimation.compile takes no {', '.join(options)}: it has two networks, which take "
            "generator_optimizer and critic_optimizer, and its own losses and metrics, which take "
            "loss_weights"
        )


def signature(generator: keras.Model) -> list[dict[str, tf.TensorSpec]]:
    """What `call` takes, for `export`: batches of any size."""
    image, units = (tuple(each.shape) for each in generator.inputs)
    shapes = {IMAGE: image, ACTION_UNITS: units, TARGET: units}
    return [{name: tf.TensorSpec(shape, tf.float32, name) for name, shape in shapes.items()}]
