"""Animated WebP: full colour, and a fraction of a GIF's size.

By hand from single pictures, since Pillow wants all frames of an animation at once. The container
is that of https://developers.google.com/speed/webp/docs/riff_container.
"""

import io
import struct
from typing import BinaryIO

import numpy as np
from PIL import Image

from ganimation_tf.media import timing
from ganimation_tf.media.timing import Shown

QUALITY = 90

PER_SECOND = 1000
SHORTEST = 11
"""Parts of a second; what is shown for less, browsers show for a tenth of a second."""

LONGEST = 0xFFFFFF

ANIMATION, XMP = 0x02, 0x04
"""Flags of the first chunk, `VP8X`."""

_NOT_BLENDED = 0x02


def encode(shown: Shown) -> bytes:
    """As `write`, in memory."""
    buffer = io.BytesIO()
    write(buffer, shown)
    return buffer.getvalue()


def write(file: BinaryIO, shown: Shown) -> None:
    """A WebP that plays for ever; of each frame that part which differs from the last.

    Args:
        file: can be read and sought.
        shown: uint8 (H, W, 3) of one size, and until when; more than `PER_SECOND / SHORTEST` in a
            second are left out.
    """
    before = None
    for frame, duration in timing.durations(shown, PER_SECOND, SHORTEST, LONGEST):
        if before is None:
            height, width = frame.shape[:2]
            facts = struct.pack("<I", ANIMATION) + _sides(width - 1, height - 1)
            file.write(b"RIFF\0\0\0\0WEBP" + chunk(b"VP8X", facts) + chunk(b"ANIM", bytes(6)))
        file.write(_frame(frame, timing.changed(before, frame), duration))
        before = frame
    end_riff(file)


def _frame(frame: np.ndarray, box: tuple[int, int, int, int], duration: int) -> bytes:
    left, top, right, bottom = box
    left, top = left // 2 * 2, top // 2 * 2  # places are counted in twos
    part = io.BytesIO()
    Image.fromarray(frame[top:bottom, left:right]).save(part, "WEBP", quality=QUALITY, method=2)
    place = _sides(left // 2, top // 2, right - left - 1, bottom - top - 1, duration)
    return chunk(b"ANMF", place + bytes([_NOT_BLENDED]) + part.getvalue()[12:])


def _sides(*values: int) -> bytes:
    return b"".join(value.to_bytes(3, "little") for value in values)


def chunk(name: bytes, content: bytes) -> bytes:
    """Of a RIFF file, of even length."""
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def end_riff(file: BinaryIO) -> None:
    """Writes the length of a RIFF file that ends here where it belongs."""
    length = file.tell()
    file.seek(4)
    file.write(struct.pack("<I", length - 8))
    file.seek(length)
