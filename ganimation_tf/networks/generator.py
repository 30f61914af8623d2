"""The generator (arXiv:1807.09251, section 4.1), and what may be added to it: skips and a flow."""

import keras
import numpy as np
from keras import layers, ops

from ganimation_tf.config import CONCAT, FILM
from ganimation_tf.networks.labels import NearestLabel
from ganimation_tf.networks.layers import Builder, normalize, normalize_relu
from ganimation_tf.networks.warp import Warp

GENERATOR_STRIDE = 4
"""The generator halves the image twice before the residual blocks."""

FULL_CHANGE = 0.1
"""Sum of absolute AU changes from which a relative generator may paint all that it wants."""

FLOW_REACH = 1 / 8
"""How far the flow may reach, of the image's side."""

OPEN_MASK = 1.5
"""Added to the attention mask's logit beside a flow: at first the warped input is mostly kept."""


def compose(original, attention, color):
    """Attention 1 keeps the pixel, 0 paints it: `A * original + (1 - A) * C` (eq. 1).

    Args:
        original, color: (B, S, S, 3) in [-1, 1].
        attention: (B, S, S, 1) in [0, 1].
    """
    return attention * original + (1.0 - attention) * color


STEM_KERNEL = 7

FILM_GAIN = "film_gain"
"""Name of the layer that multiplies the AUs for FiLM; there is none where the gain is 1."""

LABEL = "label"
"""Name of the layer that makes a label of the AUs; there is none where AUs are heard."""


def _stem(build: Builder, image, wanted, filters: int):
    """The 7x7 convolution of the image and N constant planes, one for each AU.

    It is linear, so the planes can be convolved by themselves; and they are constant, so that
    the result is too but for the 3 pixels along the rim that see the zero padding. It is computed
    on planes of 7 x 7 pixels, which has each of its values, and then stretched: the same numbers
    as on full planes for a small part of the work.
    """
    size, units, rim = image.shape[1], wanted.shape[1], STEM_KERNEL // 2
    planes = layers.Reshape((1, 1, units), name="au_vector")(wanted)
    planes = layers.UpSampling2D(STEM_KERNEL, data_format="channels_last", name="au_planes")(planes)
    x = build.conv(planes, filters, STEM_KERNEL, name="stem_aus")
    for axis in (1, 2):
        before, middle, after = ops.split(x, (rim, rim + 1), axis=axis)
        middle = ops.repeat(middle, size - 2 * rim, axis=axis)
        x = ops.concatenate([before, middle, after], axis=axis)
    return layers.Add(name="stem")([build.conv(image, filters, STEM_KERNEL, name="stem_image"), x])


def _modulate(build: Builder, x, wanted, name: str, gain: float):
    """FiLM (arXiv:1709.07871): each feature map scaled and shifted by a linear function of the AUs.

    It follows the instance norm, which therefore cannot take it away again.

    Args:
        gain: by which `wanted` has been multiplied.
    """
    channels = x.shape[-1]
    # Not the convolutions' deviation, at which the AUs would hardly be seen at first.
    deviation = wanted.shape[-1] ** -0.5 / gain
    film = build.dense(wanted, 2 * channels, name, deviation=deviation)
    film = layers.Reshape((1, 1, 2 * channels), name=f"{name}_map")(film)
    scale, shift = ops.split(film, 2, axis=-1)
    return x * (1.0 + scale) + shift


def _residual_block(build: Builder, x, wanted, name: str, gain: float):
    """Two 3x3 convolutions beside the identity; `wanted` None: they are not told the AUs."""
    inner, filters = x, x.shape[-1]
    for part in "ab":
        inner = normalize(build.conv(inner, filters, 3, name=f"{name}{part}"), f"{name}{part}_norm")
        if wanted is not None:
            inner = _modulate(build, inner, wanted, f"{name}{part}_film", gain)
        if part == "a":
            inner = layers.ReLU(name=f"{name}a_relu")(inner)
    return layers.Add(name=name)([x, inner])


def _amount(change):
    """How much a relative generator may do, (B, 1, 1, 1) in [0, 1]: nothing without a change."""
    amount = ops.sum(ops.abs(change), axis=-1, keepdims=True) / FULL_CHANGE
    return layers.Reshape((1, 1, 1), dtype="float32", name="change")(ops.minimum(amount, 1.0))


def _decoder_input(
    build: Builder, condition, planes, residual_blocks: int, skips: bool, film_gain: float
):
    """From the image to the features that the heads see, (B, S, S, F).

    Down twice, residual blocks, up twice.

    Args:
        condition: AUs for the residual blocks, (B, N), or None.
        film_gain: see `build_generator`.
        planes: what the first convolution makes of image and AUs, (B, S, S, F).
        skips: whether the decoder also sees the encoder's features of its size, through a 1x1
            convolution: what is fine in the image need not pass through the smallest features.
    """
    filters = planes.shape[-1]
    x = normalize_relu(planes, "stem")
    seen = [x]
    if condition is not None and film_gain != 1:
        condition = layers.Rescaling(film_gain, name=FILM_GAIN)(condition)
    for level in (1, 2):
        x = build.conv(x, filters * 2**level, 4, strides=2, name=f"down{level}")
        x = normalize_relu(x, f"down{level}")
        seen.append(x)
    for block in range(1, residual_blocks + 1):
        x = _residual_block(build, x, condition, f"residual{block}", film_gain)
    for level in (1, 0):
        x = build.conv_transpose(x, filters * 2**level, f"up{level}")
        if skips:
            skip = build.conv(seen[level], filters * 2**level, 1, name=f"skip{level}")
            x = layers.Add(name=f"skipped{level}")([x, skip])
        x = normalize_relu(x, f"up{level}")
    return x


def _zero_flow(generator: keras.Model) -> None:
    """The heads' kernel without what makes the flow: training begins with the image as it is."""
    heads = generator.get_layer("heads")
    kernel = heads.kernel.numpy()
    kernel[..., 4:] = 0.0
    heads.kernel.assign(kernel)


def _heads(build: Builder, x, image, amount, flow: bool) -> dict:
    """The last convolution and the outputs that `build_generator` tells of.

    Args:
        x: features (B, S, S, F).
        amount: `_amount` of a relative generator, else None.
    """
    # All 7x7 heads as one convolution: it costs what one of them would.
    heads = ops.split(build.conv(x, 6 if flow else 4, 7, name="heads"), [3, 4], axis=-1)
    color = layers.Activation("tanh", dtype="float32", name="color")(heads[0])
    logit = ops.cast(heads[1], "float32") + OPEN_MASK if flow else heads[1]
    attention = layers.Activation("sigmoid", dtype="float32", name="attention")(logit)
    if amount is not None:
        attention = 1.0 - (1.0 - attention) * amount
    outputs = {"attention": attention, "color": color}
    kept = image
    if flow:
        moved = layers.Activation("tanh", dtype="float32", name="moved")(heads[2] * 0.5)
        moved = moved * (FLOW_REACH * image.shape[1])
        outputs["flow"] = moved if amount is None else moved * amount
        outputs["warped"] = kept = Warp(name="warped")([image, outputs["flow"]])
    return {"image": compose(kept, attention, color), **outputs}


def build_generator(
    image_size: int,
    action_units: int,
    filters: int = 64,
    residual_blocks: int = 6,
    seed: int = 0,
    conditioning: str = CONCAT,
    relative: bool = False,
    skips: bool = False,
    flow: bool = False,
    labels: np.ndarray | None = None,
    film_gain: float = 1.0,
) -> keras.Model:
    """The generator: an image and wanted AUs in; the edited image and what it is made of out.

        >>> generator = gan.build_generator(32, 17, filters=4, residual_blocks=1)
        >>> generator([np.zeros((1, 32, 32, 3)), np.zeros((1, 17))])["image"].shape
        TensorShape([1, 32, 32, 3])

    `concat` lays the AUs out as constant planes beside the image's channels; `_stem` is that first
    convolution. Zero padding matters there: the first InstanceNorm removes what is constant over
    the image, and what it leaves of the AUs enters through the image's rim. `film` hands them to
    each residual block instead (`_modulate`).

    With `flow` the result is `A * warp(image, flow) + (1 - A) * C`. The flow begins at zero and
    reaches at most `FLOW_REACH` of the side. Whatever the policy, masks, flow and result are
    float32.

    Args:
        image_size: S, a multiple of 4.
        action_units: N.
        filters: channels of the first convolution.
        conditioning: how the AUs enter, `config.CONCAT` or `config.FILM`.
        relative: whether the AUs given are changes, target minus source, in [-1, 1]; no change
            then returns the image bit for bit.
        skips: see `_decoder_input`.
        flow: whether the image is warped as well.
        labels: AUs of each label, (L, N): the generator then hears no AUs but which label is the
            nearest to them.
        film_gain: by which AUs are multiplied on their way into FiLM, whose first kernels are as
            much smaller: the same network at first, which under Adam learns what AUs do so many
            times as fast. It is no part of the weights.

    Returns:
        Model of `[image, action_units]`: (B, S, S, 3) in [-1, 1] and (B, N) in [0, 1], to a dict
        of `image` (B, S, S, 3) in [-1, 1], `attention` (B, S, S, 1) in [0, 1], `color`
        (B, S, S, 3) in [-1, 1] and, with `flow`, `flow` (B, S, S, 2), x and y in pixels, and
        `warped` (B, S, S, 3), the image warped by it.

    Raises:
        ValueError: if the image size is not a multiple of 4, or labels are to be changes.
    """
    if relative and labels is not None:
        raise ValueError("a label is asked for as it is: a relative generator can have none")
    if image_size < GENERATOR_STRIDE or image_size % GENERATOR_STRIDE:
        raise ValueError(
            f"image size must be a multiple of {GENERATOR_STRIDE} for the generator, "
            f"got {image_size}"
        )
    build = Builder(seed)
    image = keras.Input((image_size, image_size, 3), name="image")
    wanted = keras.Input((action_units,), name="action_units")
    asked = wanted if labels is None else NearestLabel(labels.tolist(), name=LABEL)(wanted)
    condition = asked if conditioning == FILM else None
    if condition is None:
        planes = _stem(build, image, asked, filters)
    else:
        planes = build.conv(image, filters, STEM_KERNEL, name="stem_image")
    x = _decoder_input(build, condition, planes, residual_blocks, skips, film_gain)
    outputs = _heads(build, x, image, _amount(wanted) if relative else None, flow)
    generator = keras.Model([image, wanted], outputs, name="generator")
    if flow:
        _zero_flow(generator)
    return generator
