"""Generator and critic as published (arXiv:1807.09251, section 4.1), as functional Keras models.

Only stock layers and operations, so that a saved network loads with no custom object.

The published networks leave three settings to PyTorch's defaults, which are not Keras's:
GroupNormalization's epsilon (1e-5, not 1e-3), LeakyReLU's slope (0.01, not 0.3) and the padding
of the strided convolutions, which Keras's "same" gives exactly for even sizes.
"""

import random

import keras
from keras import layers, ops

from ganimation_tf.config import CONCAT, FILM

INITIAL_DEVIATION = 0.02
"""Standard deviation of the convolutions' initial weights, in both networks."""

GENERATOR_STRIDE = 4
"""The generator halves the image twice before the residual blocks."""

FULL_CHANGE = 0.1
"""Sum of absolute AU changes from which a relative generator may paint all that it wants."""


CRITIC_SLOPE = 0.01
"""Slope of the critic's leaky ReLUs below zero."""

WIDE = 8
"""Least side of an image from which the critic convolves; below, see `strided_patches`."""


class _Builder:
    """Builds convolutions that share one stream of initial seeds."""

    def __init__(self, seed: int):
        self._seeds = random.Random(seed)

    def _initializer(self, deviation=INITIAL_DEVIATION) -> keras.initializers.Initializer:
        # One object, and one seed, for each layer: a shared one would fill layers alike.
        return keras.initializers.RandomNormal(stddev=deviation, seed=self._seeds.getrandbits(31))

    def conv(self, x, filters, kernel, strides=1, name=None, use_bias=False, padding="same"):
        return layers.Conv2D(
            filters,
            kernel,
            strides=strides,
            padding=padding,
            use_bias=use_bias,
            kernel_initializer=self._initializer(),
            name=name,
        )(x)

    def dense(self, x, units, name, deviation=INITIAL_DEVIATION):
        initializer = self._initializer(deviation)
        return layers.Dense(units, kernel_initializer=initializer, name=name)(x)

    def conv_transpose(self, x, filters, name):
        return layers.Conv2DTranspose(
            filters,
            4,
            strides=2,
            padding="same",
            use_bias=False,
            kernel_initializer=self._initializer(),
            name=name,
        )(x)


def _normalize(x, name):
    """Instance normalization, affine: one group for each channel."""
    return layers.GroupNormalization(groups=-1, epsilon=1e-5, name=name)(x)


def _normalize_relu(x, name):
    return layers.ReLU(name=f"{name}_relu")(_normalize(x, f"{name}_norm"))


def compose(original, attention, color):
    """Attention 1 keeps the pixel, 0 paints it: `A * original + (1 - A) * C` (eq. 1).

    Args:
        original, color: (B, S, S, 3) in [-1, 1].
        attention: (B, S, S, 1) in [0, 1].
    """
    return attention * original + (1.0 - attention) * color


STEM_KERNEL = 7


def _stem(build: _Builder, image, wanted, filters: int):
    """The 7x7 convolution of the image and N constant planes, one for each AU.

    It is linear, so the planes can be convolved by themselves; and they are constant, so that
    the result is too but for the 3 pixels along the rim that see the zero padding. It is computed
    on planes of 7 x 7 pixels, which has each of its values, and then stretched: the same numbers
    as on full planes for a small part of the work.
    """
    size, units, rim = image.shape[1], wanted.shape[1], STEM_KERNEL // 2
    planes = layers.Reshape((1, 1, units), name="au_vector")(wanted)
    planes = layers.UpSampling2D(STEM_KERNEL, name="au_planes")(planes)
    x = build.conv(planes, filters, STEM_KERNEL, name="stem_aus")
    for axis in (1, 2):
        before, middle, after = ops.split(x, (rim, rim + 1), axis=axis)
        middle = ops.repeat(middle, size - 2 * rim, axis=axis)
        x = ops.concatenate([before, middle, after], axis=axis)
    return layers.Add(name="stem")([build.conv(image, filters, STEM_KERNEL, name="stem_image"), x])


def _modulate(build: _Builder, x, wanted, name: str):
    """FiLM (arXiv:1709.07871): each feature map scaled and shifted by a linear function of the AUs.

    It follows the instance norm, which therefore cannot take it away again.
    """
    channels = x.shape[-1]
    # Not the convolutions' deviation, at which the AUs would hardly be seen at first.
    film = build.dense(wanted, 2 * channels, name, deviation=wanted.shape[-1] ** -0.5)
    film = layers.Reshape((1, 1, 2 * channels), name=f"{name}_map")(film)
    scale, shift = ops.split(film, 2, axis=-1)
    return x * (1.0 + scale) + shift


def _residual_block(build: _Builder, x, wanted, name: str):
    """Two 3x3 convolutions beside the identity; `wanted` None: they are not told the AUs."""
    inner, filters = x, x.shape[-1]
    for part in "ab":
        inner = _normalize(
            build.conv(inner, filters, 3, name=f"{name}{part}"), f"{name}{part}_norm"
        )
        if wanted is not None:
            inner = _modulate(build, inner, wanted, f"{name}{part}_film")
        if part == "a":
            inner = layers.ReLU(name=f"{name}a_relu")(inner)
    return layers.Add(name=name)([x, inner])


def _gated(attention, change):
    """The mask of a relative generator: with no change of the AUs it is 1, the input itself."""
    amount = ops.sum(ops.abs(change), axis=-1, keepdims=True) / FULL_CHANGE
    amount = layers.Reshape((1, 1, 1), name="change")(ops.minimum(amount, 1.0))
    return 1.0 - (1.0 - attention) * amount


def build_generator(
    image_size: int,
    action_units: int,
    filters: int = 64,
    residual_blocks: int = 6,
    seed: int = 0,
    conditioning: str = CONCAT,
    relative: bool = False,
) -> keras.Model:
    """The generator: an image and wanted AUs in; the edited image and its two masks out.

    `concat` lays the AUs out as constant planes beside the image's channels; `_stem` is that first
    convolution. Zero padding matters there: the first InstanceNorm removes what is constant over
    the image, and what it leaves of the AUs enters through the image's rim. `film` hands them to
    each residual block instead (`_modulate`).

    Args:
        image_size: S, a multiple of 4.
        action_units: N.
        filters: channels of the first convolution.
        conditioning: how the AUs enter, `config.CONCAT` or `config.FILM`.
        relative: whether the AUs given are changes, target minus source, in [-1, 1].

    Returns:
        Model of `[image, action_units]`: (B, S, S, 3) in [-1, 1] and (B, N) in [0, 1], to a dict
        of `image` (B, S, S, 3) in [-1, 1], `attention` (B, S, S, 1) in [0, 1] and `color`
        (B, S, S, 3) in [-1, 1].

    Raises:
        ValueError: if the image size is not a multiple of 4.
    """
    if image_size < GENERATOR_STRIDE or image_size % GENERATOR_STRIDE:
        raise ValueError(
            f"image size must be a multiple of {GENERATOR_STRIDE} for the generator, "
            f"got {image_size}"
        )
    build = _Builder(seed)
    image = keras.Input((image_size, image_size, 3), name="image")
    wanted = keras.Input((action_units,), name="action_units")
    if conditioning == FILM:
        x, told = build.conv(image, filters, STEM_KERNEL, name="stem_image"), wanted
    else:
        x, told = _stem(build, image, wanted, filters), None
    x = _normalize_relu(x, "stem")
    for level in (1, 2):
        x = build.conv(x, filters * 2**level, 4, strides=2, name=f"down{level}")
        x = _normalize_relu(x, f"down{level}")
    for block in range(1, residual_blocks + 1):
        x = _residual_block(build, x, told, f"residual{block}")
    for level in (1, 0):
        x = _normalize_relu(build.conv_transpose(x, filters * 2**level, f"up{level}"), f"up{level}")

    # Both 7x7 heads as one convolution: it costs what one of them would.
    masks = build.conv(x, 4, 7, name="heads")
    color, attention = ops.split(masks, [3], axis=-1)
    color = layers.Activation("tanh", name="color")(color)
    attention = layers.Activation("sigmoid", name="attention")(attention)
    if relative:
        attention = _gated(attention, wanted)
    edited = compose(image, attention, color)
    return keras.Model(
        [image, wanted], {"image": edited, "attention": attention, "color": color}, name="generator"
    )


def strided_patches(x):
    """What a 4x4 convolution of stride 2 sees: (B, S, S, C) to (B, S/2, S/2, 16 C), zero-padded.

    Where the image is a few pixels wide and the kernel has millions of weights, the convolution
    is this and a matrix product; convolution kernels are several times slower there.
    """
    side, channels = x.shape[1] // 2 + 1, x.shape[3]
    x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    # Blocks of 2 x 2 pixels, of which each patch has four.
    x = ops.reshape(x, (-1, side, 2, side, 2, channels))
    x = ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, side, side, 4 * channels))
    corners = [x[:, :-1, :-1], x[:, :-1, 1:], x[:, 1:, :-1], x[:, 1:, 1:]]
    return ops.concatenate(corners, axis=-1)


def critic_convolutions(critic: keras.Model) -> list[str]:
    """The names of a critic's strided convolutions, from the image on."""
    names = {layer.name for layer in critic.layers}
    return [f"conv{level}" for level in range(1, len(names)) if f"conv{level}" in names]


def critic_heads(critic: keras.Model) -> keras.Model:
    """What follows the convolutions, as a model that shares the critic's weights."""
    last = critic.get_layer(f"{critic_convolutions(critic)[-1]}_lrelu")
    return keras.Model(last.output, critic.output)


def build_critic(
    image_size: int,
    action_units: int,
    filters: int = 64,
    layers_count: int = 6,
    seed: int = 0,
) -> keras.Model:
    """The critic: how real each patch looks, and which AUs the face shows.

    Args:
        image_size: S, a multiple of 2 to the power of `layers_count`.
        action_units: N.
        filters: channels of the first convolution; each further one doubles them.
        layers_count: strided convolutions; the patch grid is S / 2**layers_count wide.

    Returns:
        Model of an image (B, S, S, 3) in [-1, 1] to a dict of `realism` (B, P, P), unbounded, and
        `action_units` (B, N), unbounded, trained towards [0, 1].

    Raises:
        ValueError: if the image size is not such a multiple.
    """
    stride = 2**layers_count
    if image_size < stride or image_size % stride:
        raise ValueError(
            f"image size must be a multiple of {stride} (2 to the power of {layers_count} critic "
            f"layers), got {image_size}"
        )
    build = _Builder(seed)
    image = x = keras.Input((image_size, image_size, 3), name="image")
    for level in range(layers_count):
        name, width = f"conv{level + 1}", filters * 2**level
        if x.shape[1] > WIDE:
            x = build.conv(x, width, 4, strides=2, name=name, use_bias=True)
        else:
            x = build.dense(strided_patches(x), width, name)
        x = layers.LeakyReLU(negative_slope=CRITIC_SLOPE, name=f"{name}_lrelu")(x)
    patches = image_size // stride
    realism = build.conv(x, 1, 3, name="realism_head")
    realism = layers.Reshape((patches, patches), name="realism")(realism)
    seen = build.conv(x, action_units, patches, name="action_units_head", padding="valid")
    seen = layers.Reshape((action_units,), name="action_units")(seen)
    return keras.Model(image, {"realism": realism, "action_units": seen}, name="critic")
