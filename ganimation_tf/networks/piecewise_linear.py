"""Whether a critic is linear between the bends of leaky ReLUs, read from its graph.

Such a critic is a chain of stages (a convolution or dense layer, then a leaky ReLU) and two heads,
of which that for realism is linear. Strides, padding and slopes are those of the layers; names
mean nothing.
"""

import collections
import dataclasses

import keras
import numpy as np

from ganimation_tf.networks.critic import strided_patches
from ganimation_tf.networks.stage import Stage

LAYERS = (keras.layers.Conv2D, keras.layers.Dense)
"""Linear layers with weights. Subclasses may compute something else, and are not taken for them."""

MOVERS = (
    keras.layers.AveragePooling2D,
    keras.layers.Concatenate,
    keras.layers.Cropping2D,
    keras.layers.Flatten,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.Permute,
    keras.layers.Reshape,
    keras.layers.ZeroPadding2D,
)
"""Linear layers without weights."""

MOVING_OPERATIONS = ("Concatenate", "GetItem", "Pad", "Reshape", "Transpose")
"""Operations of `keras.ops` that are linear where they turn zeros to zeros, which is tried."""


class NotPiecewiseLinear(Exception):
    """Names the part of a critic that is not, and why."""


@dataclasses.dataclass(frozen=True)
class PiecewiseLinear:
    """A critic as its parts, which share its weights.

    Attributes:
        stages: from the image on, at least one.
        heads: model of what the last stage gives to the critic's outputs.
        scored: the layer of the realism head; the only one with weights on that way.
    """

    stages: tuple[Stage, ...]
    heads: keras.Model
    scored: keras.Layer


def take_apart(critic: keras.Model) -> PiecewiseLinear:
    """The parts of a critic.

    Raises:
        NotPiecewiseLinear: if it has others.
    """
    if not hasattr(critic, "operations"):
        raise NotPiecewiseLinear(f"{type(critic).__name__} is no functional model")
    if len(critic.inputs) != 1:
        raise NotPiecewiseLinear(f"it has {len(critic.inputs)} inputs")
    graph = _Graph(critic)
    x, score, stages = critic.inputs[0], critic.output["realism"], []
    for operation in graph.between(x, score):
        slope = _slope(operation)
        if slope is not None:
            stages.append(_stage(graph, x, operation, slope))
            x = operation.output
    scored = _scored(graph, x, score)
    if not stages:
        raise NotPiecewiseLinear("it has no leaky ReLU")
    return PiecewiseLinear(tuple(stages), _part(x, critic.output), scored)


class _Graph:
    """What is computed of what in a functional model."""

    def __init__(self, model: keras.Model):
        self._order = model.operations
        self._consumers = collections.defaultdict(set)
        for operation in self._order:
            if not isinstance(operation, keras.layers.InputLayer):
                for tensor in keras.tree.flatten(operation.input):
                    self._consumers[id(tensor)].add(operation)
        for tensor in self._reached(model.outputs):
            operation, node, _ = tensor._keras_history
            if node:  # Keras tells the inputs of an operation's first use only
                raise NotPiecewiseLinear(f"{operation.name} is used twice")

    def _reached(self, tensors, until=None) -> list:
        """`tensors` and all that they are computed of, back to the inputs or to `until`."""
        reached, todo = {}, list(tensors)
        while todo:
            tensor = todo.pop()
            if tensor is until or id(tensor) in reached:
                continue
            reached[id(tensor)] = tensor
            operation = tensor._keras_history.operation
            if not isinstance(operation, keras.layers.InputLayer):
                todo += keras.tree.flatten(operation.input)
        return list(reached.values())

    def between(self, x, tensor) -> list:
        """The operations from `x` to `tensor`, in order.

        Raises:
            NotPiecewiseLinear: if there is also a way to `tensor` that does not begin at `x`.
        """
        reached = {id(t._keras_history.operation) for t in self._reached([tensor], until=x)}
        operations = [operation for operation in self._order if id(operation) in reached]
        if any(isinstance(operation, keras.layers.InputLayer) for operation in operations):
            name = tensor._keras_history.operation.name
            raise NotPiecewiseLinear(f"there is more than one way to {name}")
        return operations

    def require_dead_end(self, tensors, operations, bend) -> None:
        """Refuses what is taken from `tensors` by anything but `operations`.

        Raises:
            NotPiecewiseLinear: if there is a way around the bend.
        """
        if set().union(*(self._consumers[id(tensor)] for tensor in tensors)) - set(operations):
            raise NotPiecewiseLinear(f"there is a way around {bend.name}")


def _slope(operation) -> float | None:
    """The slope below zero of a leaky ReLU; None of anything else."""
    if type(operation) is keras.layers.LeakyReLU and operation.negative_slope >= 0:
        return float(operation.negative_slope)
    if type(operation) is keras.layers.ReLU and not operation.threshold:
        if operation.max_value is None and operation.negative_slope >= 0:
            return float(operation.negative_slope)
    return None


def _stage(graph: _Graph, x, bend, slope: float) -> Stage:
    """The stage from the features `x` to a bend."""
    *leading, _ = graph.between(x, bend.output)
    if not leading:
        raise NotPiecewiseLinear(f"{bend.name} follows another bend or the image")
    *before, layer = leading
    if not _is_linear_layer(layer):
        raise NotPiecewiseLinear(f"{layer.name} is a {type(layer).__name__}")
    for operation in before:
        if not _only_moves(operation):
            raise NotPiecewiseLinear(f"{operation.name} is a {type(operation).__name__}")
    leaving = [x, *(operation.output for operation in before), layer.output]
    graph.require_dead_end(leaving, [*before, layer, bend], bend)
    arrange = _arrange(x, layer) if before else None
    return Stage(arrange, layer, slope, arrange is not None and _are_patches(x, before, arrange))


def _scored(graph: _Graph, x, score) -> keras.Layer:
    """The one layer with weights between the last bend and the scores."""
    between = graph.between(x, score)
    for operation in between:
        if not _only_moves(operation) and not _is_linear_layer(operation):
            raise NotPiecewiseLinear(f"{operation.name} is a {type(operation).__name__}")
    weighted = [operation for operation in between if _is_linear_layer(operation)]
    if len(weighted) != 1:
        raise NotPiecewiseLinear(
            f"the scores need one layer with weights after the last bend, got {len(weighted)}"
        )
    if graph.between(x, weighted[0].input):
        _arrange(x, weighted[0])
    return weighted[0]


def _arrange(x, layer: keras.Layer) -> keras.Model:
    """The operations between `x` and a layer as a model, once they are known to be linear."""
    arrange = _part(x, layer.input)
    if np.any(arrange(np.zeros((1, *x.shape[1:]), np.float32))):
        raise NotPiecewiseLinear(f"what enters {layer.name} is not 0 where the features are")
    return arrange


def _are_patches(x, operations, arrange: keras.Model) -> bool:
    """Whether `arrange` is `strided_patches`, tried on values that are all different.

    What only picks values or zeros, as those operations do, cannot give the same otherwise.
    """
    if len(x.shape) != 4 or any(isinstance(operation, keras.Layer) for operation in operations):
        return False
    if x.shape[1] != x.shape[2] or x.shape[1] % 2:
        return False
    values = np.arange(1, 1 + np.prod(x.shape[1:]), dtype=np.float32).reshape(1, *x.shape[1:])
    return np.array_equal(arrange(values), strided_patches(values))


def _part(x, outputs) -> keras.Model:
    """What leads from `x` to `outputs` as a model of float32, which shares the weights."""
    part = keras.Model(x, outputs)
    if x.dtype == "float32":
        return part
    # Built under a mixed policy: it would round what it is given to the type of `x`.
    features = keras.Input(x.shape[1:], dtype="float32")
    return keras.models.clone_model(part, features, clone_function=lambda layer: layer)


def _is_linear_layer(operation) -> bool:
    return (
        type(operation) in LAYERS
        and operation.activation is keras.activations.linear
        and getattr(operation, "groups", 1) == 1
        and getattr(operation, "data_format", None) != "channels_first"
    )


def _only_moves(operation) -> bool:
    return type(operation) in MOVERS or (
        type(operation).__name__ in MOVING_OPERATIONS
        and type(operation).__module__.startswith("keras.")
    )
