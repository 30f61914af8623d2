"""Animated pictures."""

import io
import math
import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from PIL import GifImagePlugin, Image

from ganimation_tf.media import timing
from ganimation_tf.media.timing import Shown

PALETTE_SIDE = 256
PALETTE_PIXELS = 2**19
"""Frames are reduced to choose the colours from: to this side, or to so many pixels in all."""

PALETTE_FRAMES = 1024
PALETTE_BYTES = 2**27
"""Of frames that share a palette, and are in memory at once."""

PER_SECOND = 100
SHORTEST = 2
"""Parts of a second; what is shown for less, browsers show for a tenth of a second."""

LONGEST = 0xFFFF


def encode(shown: Shown) -> bytes:
    """As `write`, in memory."""
    buffer = io.BytesIO()
    write(buffer, shown)
    return buffer.getvalue()


def write(file: BinaryIO, shown: Shown) -> None:
    """A GIF that plays for ever.

    Frames share one palette, made of their own colours, without dithering: with a palette or a
    dither pattern for each frame the still parts of the picture flicker. Of very many frames some
    hundred share one, so that not all have to be in memory.

    Args:
        shown: uint8 (H, W, 3) of one size, and until when; more than `PER_SECOND / SHORTEST` in a
            second are left out.
    """
    for number, some in enumerate(_parts(shown)):
        palette = _palette_of([frame for frame, _ in some])
        if not number:
            height, width = some[0][0].shape[:2]
            file.write(_header(width, height, palette))
        before = None
        for frame, duration in some:
            picture = Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE)
            indices = np.asarray(picture)
            box = timing.changed(before, indices)
            blocks = GifImagePlugin.getdata(
                picture.crop(box),
                box[:2],
                duration=1000 // PER_SECOND * duration,
                include_color_table=number > 0,
            )
            file.writelines(blocks)
            before = indices
    file.write(b";")


def _parts(shown: Shown) -> Iterator[list[tuple[np.ndarray, int]]]:
    """Frames that share a palette, and their durations."""
    some: list[tuple[np.ndarray, int]] = []
    for frame, duration in timing.durations(shown, PER_SECOND, SHORTEST, LONGEST):
        if len(some) == PALETTE_FRAMES or (len(some) + 1) * frame.nbytes > PALETTE_BYTES and some:
            yield some
            some = []
        some.append((frame, duration))
    yield some


def _palette_of(frames: list[np.ndarray]) -> Image.Image:
    side = min(PALETTE_SIDE, math.isqrt(PALETTE_PIXELS // len(frames)))
    strip = Image.fromarray(np.concatenate([_reduced(frame, side) for frame in frames]))
    return strip.quantize(256, Image.Quantize.MEDIANCUT, kmeans=2)


def _reduced(frame: np.ndarray, side: int) -> np.ndarray:
    picture = Image.fromarray(frame)
    picture.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(picture)


def _header(width: int, height: int, palette: Image.Image) -> bytes:
    """Up to the first frame: the size, 256 colours, and that it plays for ever."""
    colours = bytes(palette.getpalette() or ()).ljust(3 * 256, b"\0")
    screen = struct.pack("<6sHHBBB", b"GIF89a", width, height, 0xF7, 0, 0)
    return screen + colours + b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
