"""Dtype policies of whole networks: what is large in bfloat16 or float16, the rest in float32."""

import contextlib
from collections.abc import Iterator

import keras

MIXED = ("float32", "mixed_bfloat16", "mixed_float16")
"""Policies whose weights are float32, as those of losses, penalty and optimizers must be."""


def policy_of(network: keras.Model) -> keras.DTypePolicy:
    """The policy of a network's first layer with weights."""
    weighted = (layer for layer in _layers(network) if layer.weights)
    # Not that of a model, which is not in its config.
    return next(layer.dtype_policy for layer in weighted if not isinstance(layer, keras.Model))


def set_policy(network: keras.Model, policy: keras.DTypePolicy) -> None:
    """Makes a network compute by a policy; the layers that give its outputs stay in float32.

    Raises:
        ValueError: if the policy is none of `MIXED`.
    """
    if policy.name not in MIXED:
        raise ValueError(
            f"dtype must be one of {', '.join(MIXED)}, got {policy.name}: weights, losses and the "
            "gradient penalty are float32"
        )
    outputs = _output_layers(network)
    for layer in _layers(network):
        layer.dtype_policy = "float32" if layer in outputs else policy


def require_float32_weights(network: keras.Model) -> None:
    """Refuses a network that was built under a policy of 16 bits through and through.

    Raises:
        ValueError: naming the first weight that is not float32.
    """
    for variable in network.variables:
        if "float" in variable.dtype and variable.dtype != "float32":
            raise ValueError(
                f"{variable.path} is {variable.dtype}: weights must be float32; build the networks "
                f"under one of {', '.join(MIXED)}"
            )


@contextlib.contextmanager
def in_float32(network: keras.Model) -> Iterator[None]:
    """What is called within computes in float32, whatever the network's policies."""
    layers = [layer for layer in _layers(network) if layer.compute_dtype != "float32"]
    policies = [layer.dtype_policy for layer in layers]
    for layer in layers:
        layer.dtype_policy = "float32"
    try:
        yield
    finally:
        for layer, policy in zip(layers, policies, strict=True):
            layer.dtype_policy = policy


def _layers(network: keras.Model) -> list[keras.Layer]:
    # Keras has no public way to the layers within wrappers.
    return list(network._flatten_layers())


def _output_layers(network: keras.Model) -> set[keras.Layer]:
    """The layers from which the outputs come, by nothing but operations; of a functional model."""
    layers, todo = set(), list(getattr(network, "outputs", None) or ())
    while todo:
        operation = todo.pop()._keras_history.operation
        if isinstance(operation, keras.Layer):
            layers.add(operation)
        else:
            todo += keras.tree.flatten(operation.input)
    return layers
