"""Color profiles (ICC): what a picture's numbers mean, told in those of sRGB.

Phones and screens have wider spaces, foremost Display P3, whose numbers shown as sRGB are pale.
"""

import functools
import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms

ToSrgb = Callable[[Image.Image], Image.Image]
"""Takes an opaque picture, or a part of it; gives the same as RGB that is sRGB."""

_SAME = 2
"""Levels by which RGB or gray of a profile may differ from sRGB and still be it: the many copies of
that profile round their curves in several ways."""

_GRAYS = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N")


def to_srgb(image: Image.Image) -> ToSrgb | None:
    """What converts the picture; None where its numbers are those of sRGB.

    They are taken for such, too, if its profile is damaged or of numbers of another kind than its
    own: no viewer refuses a picture for that.
    """
    profile = image.info.get("icc_profile")
    if not profile or not isinstance(profile, bytes):
        return None
    conversion = _conversion(profile)
    if conversion is None:
        return None
    mode = conversion.input_mode
    if (mode == "CMYK") != (image.mode == "CMYK") or (mode == "L" and image.mode not in _GRAYS):
        return None
    return lambda part: conversion.apply(part.convert(mode))


@functools.lru_cache(8)  # the photos of a folder are from one or two cameras
def _conversion(profile: bytes) -> ImageCms.ImageCmsTransform | None:
    """From the profile's own numbers to sRGB; None if those are the same or it cannot be used."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}[space]
        # Colors that both spaces have stay what they are, which a perceptual table need not heed.
        conversion = ImageCms.ImageCmsTransform(
            source,
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (KeyError, OSError, ValueError):  # another space; damaged; damaged further in
        return None
    if mode != "CMYK":
        colors = _colors().convert(mode)
        before, after = (
            np.asarray(one.convert("RGB"), np.int16) for one in (colors, conversion.apply(colors))
        )
        if np.abs(after - before).max() <= _SAME:
            return None
    return conversion


def _colors() -> Image.Image:
    """Of all colors 16 x 16 x 16, the grays among them."""
    levels = np.arange(0, 256, 17, dtype=np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels), -1)
    return Image.fromarray(grid.reshape(64, 64, 3))
