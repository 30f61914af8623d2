"""The generator (arXiv:1807.09251, section 4.1)."""

import keras
from keras import layers, ops

from ganimation_tf.config import CONCAT, FILM
from ganimation_tf.networks.layers import Builder, normalize, normalize_relu

GENERATOR_STRIDE = 4
"""The generator halves the image twice before the residual blocks."""

FULL_CHANGE = 0.1
"""Sum of absolute AU changes from which a relative generator may paint all that it wants."""


def compose(original, attention, color):
    """Attention 1 keeps the pixel, 0 paints it: `A * original + (1 - A) * C` (eq. 1).

    Args:
        original, color: (B, S, S, 3) in [-1, 1].
        attention: (B, S, S, 1) in [0, 1].
    """
    return attention * original + (1.0 - attention) * color


STEM_KERNEL = 7


def _stem(build: Builder, image, wanted, filters: int):
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


def _modulate(build: Builder, x, wanted, name: str):
    """FiLM (arXiv:1709.07871): each feature map scaled and shifted by a linear function of the AUs.

    It follows the instance norm, which therefore cannot take it away again.
    """
    channels = x.shape[-1]
    # Not the convolutions' deviation, at which the AUs would hardly be seen at first.
    film = build.dense(wanted, 2 * channels, name, deviation=wanted.shape[-1] ** -0.5)
    film = layers.Reshape((1, 1, 2 * channels), name=f"{name}_map")(film)
    scale, shift = ops.split(film, 2, axis=-1)
    return x * (1.0 + scale) + shift


def _residual_block(build: Builder, x, wanted, name: str):
    """Two 3x3 convolutions beside the identity; `wanted` None: they are not told the AUs."""
    inner, filters = x, x.shape[-1]
    for part in "ab":
        inner = normalize(build.conv(inner, filters, 3, name=f"{name}{part}"), f"{name}{part}_norm")
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


def _masks(build: Builder, x, told, residual_blocks: int):
    """From the first convolution to both masks: down twice, residual blocks, up twice, heads.

    Args:
        x: (B, S, S, F).
        told: AUs for the residual blocks, (B, N), or None.

    Returns:
        color (B, S, S, 3) in [-1, 1] and attention (B, S, S, 1) in [0, 1].
    """
    filters = x.shape[-1]
    x = normalize_relu(x, "stem")
    for level in (1, 2):
        x = build.conv(x, filters * 2**level, 4, strides=2, name=f"down{level}")
        x = normalize_relu(x, f"down{level}")
    for block in range(1, residual_blocks + 1):
        x = _residual_block(build, x, told, f"residual{block}")
    for level in (1, 0):
        x = normalize_relu(build.conv_transpose(x, filters * 2**level, f"up{level}"), f"up{level}")
    # Both 7x7 heads as one convolution: it costs what one of them would.
    color, attention = ops.split(build.conv(x, 4, 7, name="heads"), [3], axis=-1)
    color = layers.Activation("tanh", name="color")(color)
    return color, layers.Activation("sigmoid", name="attention")(attention)


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

        >>> generator = gan.build_generator(32, 17, filters=4, residual_blocks=1)
        >>> generator([np.zeros((1, 32, 32, 3)), np.zeros((1, 17))])["image"].shape
        TensorShape([1, 32, 32, 3])

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
    build = Builder(seed)
    image = keras.Input((image_size, image_size, 3), name="image")
    wanted = keras.Input((action_units,), name="action_units")
    told = wanted if conditioning == FILM else None
    if told is None:
        x = _stem(build, image, wanted, filters)
    else:
        x = build.conv(image, filters, STEM_KERNEL, name="stem_image")
    color, attention = _masks(build, x, told, residual_blocks)
    if relative:
        attention = _gated(attention, wanted)
    edited = compose(image, attention, color)
    return keras.Model(
        [image, wanted], {"image": edited, "attention": attention, "color": color}, name="generator"
    )
