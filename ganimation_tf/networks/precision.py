"""Dtype policies of whole networks."""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def in_float32(network: keras.Model) -> Iterator[None]:
    """What is called within computes in float32, whatever the network's dtype policies."""
    layers = [layer for layer in network._flatten_layers() if layer.compute_dtype != "float32"]
    policies = [layer.dtype_policy for layer in layers]
    for layer in layers:
        layer.dtype_policy = "float32"
    try:
        yield
    finally:
        for layer, policy in zip(layers, policies, strict=True):
            layer.dtype_policy = policy
