"""What a caller has in hand, as the bytes that a server takes: JPEG or PNG, upright, opaque."""

import os
import pathlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from ganimation_tf.errors import UserError, as_user_error

Picture = bytes | str | os.PathLike | np.ndarray | Any
"""Encoded bytes, a path, uint8 (H, W, 3) RGB, or a picture of Pillow's."""

ENCODED = bytes | bytearray | memoryview

Pictures = Picture | Iterable[Picture]


def encoded(picture: Picture) -> bytes:
    """JPEG or PNG that shows what a viewer shows.

    A JPEG or PNG that lies upright and has no transparency goes out as it is; any other picture
    that `faces.images` reads, WebP among them, becomes a PNG.

    Raises:
        UserError: if a file cannot be read or an array is no picture.
    """
    if isinstance(picture, str | os.PathLike):
        path = pathlib.Path(picture)
        with as_user_error(f"{path}: cannot be read"):
            picture = path.read_bytes()
    from ganimation_tf.faces import images

    if isinstance(picture, ENCODED):
        try:
            return images.as_shown(bytes(picture))
        except images.ImageError:
            return bytes(picture)  # the server says what it does not take
    pixels = np.asarray(picture.convert("RGB") if hasattr(picture, "convert") else picture)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise UserError(
            f"a face must be uint8 (height, width, 3) RGB, got {pixels.dtype} {pixels.shape}"
        )
    return images.encode_png(pixels)


def _is_one(pictures: Any) -> bool:
    return isinstance(pictures, ENCODED | str | os.PathLike) or hasattr(pictures, "convert")


def all_encoded(pictures: Pictures) -> list[bytes]:
    """Of one picture or several.

    Raises:
        UserError: as `encoded`.
    """
    alone = pictures.ndim in (0, 3) if isinstance(pictures, np.ndarray) else _is_one(pictures)
    if alone or not isinstance(pictures, Iterable):
        return [encoded(pictures)]
    return [encoded(picture) for picture in pictures]
