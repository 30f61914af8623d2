"""Animated WebP: full colour, and a fraction of a GIF's size."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

QUALITY = 90


def encode(frames: Sequence[np.ndarray], milliseconds: int) -> bytes:
    """A WebP that plays for ever; an animation of one frame is shown twice, since one is a picture.

    Args:
        frames: uint8 (H, W, 3) of one size.
        milliseconds: how long each is shown.
    """
    first, *rest = (Image.fromarray(frame) for frame in frames)
    buffer = io.BytesIO()
    first.save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=rest or [first],
        duration=milliseconds,
        loop=0,
        quality=QUALITY,
        method=2,
    )
    return buffer.getvalue()
