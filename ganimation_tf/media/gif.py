"""Animated pictures."""

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

PALETTE_SIDE = 256
PALETTE_PIXELS = 2**19
"""Frames are reduced to choose the colours from: to this side, or to so many pixels in all."""


def encode(frames: Sequence[np.ndarray], milliseconds: int | Sequence[int]) -> bytes:
    """A GIF that plays for ever.

    All frames share one palette, made of their own colours, without dithering: with a palette
    or a dither pattern for each frame the still parts of the picture flicker.

    Args:
        frames: uint8 (H, W, 3) of one size.
        milliseconds: how long all frames, or each of them, is shown.
    """
    pictures = [Image.fromarray(frame) for frame in frames]
    side = min(PALETTE_SIDE, math.isqrt(PALETTE_PIXELS // len(frames)))
    strip = Image.fromarray(np.concatenate([_reduced(picture, side) for picture in pictures]))
    palette = strip.quantize(256, Image.Quantize.MEDIANCUT, kmeans=2)
    indexed = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    buffer = io.BytesIO()
    indexed[0].save(
        buffer,
        "GIF",
        save_all=True,
        append_images=indexed[1:],
        duration=milliseconds,
        loop=0,
        optimize=False,
    )
    return buffer.getvalue()


def _reduced(picture: Image.Image, side: int) -> np.ndarray:
    copy = picture.copy()
    copy.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(copy)
