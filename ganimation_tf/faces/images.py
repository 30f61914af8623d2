"""Encoded pictures to uint8 RGB arrays and back, as a viewer would show them.

Pillow decodes, because it refuses what others quietly half-read: a truncated JPEG is an error
here, not a picture with a grey lower half.
"""

import io
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ganimation_tf.errors import CodedError

MAX_PIXELS = 100_000_000
"""Largest width x height that is decoded; a header that claims more is refused before decoding."""

AVERAGED_PIXELS = 2**22
"""Pixels from which a picture that is no JPEG is averaged down. Below, a frame of a video and the
same frame as a PNG give the same crop."""

_STRIP = 1 << 20  # pixels that are converted at once

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
"""What is decoded; anything else (vector formats, videos, archives) is not a photo."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""File names that are taken for photos when a directory is searched."""


class ImageError(CodedError, ValueError):
    """A picture that cannot be used.

    Attributes:
        code: `empty_image`, `unreadable_image`, `unsupported_format` or `too_many_pixels`.
    """


def decode(encoded: bytes, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The picture as uint8 (height, width, 3) RGB, turned upright by its EXIF orientation.

    Grayscale, palette, CMYK and 16-bit pictures become 8-bit RGB; alpha is laid over white; of a
    file with several pictures the first is taken.

    Raises:
        ImageError: if it is empty, of another format, damaged, or larger than `max_pixels`.
    """
    return decode_reduced(encoded, 1.0, max_pixels)[0]


def decode_reduced(
    encoded: bytes, scale: float, max_pixels: int = MAX_PIXELS
) -> tuple[np.ndarray, tuple[int, int]]:
    """The picture as `decode` has it, or smaller where so many pixels are not needed.

    A JPEG is stored in blocks of 8 x 8 frequencies, of which the decoder can leave out the high
    ones: half the size takes a third of the time, an eighth of the size a seventh. Others of
    `AVERAGED_PIXELS` or more are averaged, which saves memory only: 4 bytes for each pixel of the
    file instead of 7 (8 where it says that it lies on its side, 16 for WebP).

    Args:
        encoded: a file.
        scale: how much smaller it may become, such as `faces.scale_of` of the crop to come; the
            largest of 1, 2, 4 and 8 that is not above it is used.
        max_pixels: largest width x height, before any reduction.

    Returns:
        uint8 (height, width, 3) RGB, and the (height, width) that the picture has unreduced.

    Raises:
        ImageError: as `decode`.
    """
    if not encoded:
        raise ImageError("empty_image", "the file has 0 bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damaged EXIF and ICC blocks, size: checked below
            with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
                return _upright(image, scale, max_pixels)
    except ImageError:
        raise
    except UnidentifiedImageError:
        names = ", ".join(FORMATS)
        raise ImageError("unsupported_format", f"not a picture in one of {names}") from None
    except Image.DecompressionBombError as error:  # Pillow's own limit stands before ours
        raise ImageError(
            "too_many_pixels", f"at most {max_pixels} pixels are decoded: {error}"
        ) from None
    # A hostile file can raise nearly anything out of a decoder's parser.
    except Exception as error:
        message = " ".join(str(error).split())
        raise ImageError("unreadable_image", f"damaged picture: {message}") from error


def _upright(
    image: Image.Image, scale: float, max_pixels: int
) -> tuple[np.ndarray, tuple[int, int]]:
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(
            "too_many_pixels", f"{width} x {height} pixels; at most {max_pixels} are decoded"
        )
    reduce = 8 if scale >= 8 else 4 if scale >= 4 else 2 if scale >= 2 else 1
    if reduce > 1 and image.draft(None, (max(1, width // reduce), max(1, height // reduce))):
        reduce = 1  # a JPEG, whose decoder does it
    if width * height < AVERAGED_PIXELS:
        reduce = 1  # there is no memory to be saved
    image.load()
    stored = image.size
    ImageOps.exif_transpose(image, in_place=True)  # not in place, it would copy each picture
    if image.size != stored:
        width, height = height, width
    return _pixels(image, reduce), (height, width)


def _pixels(image: Image.Image, reduce: int) -> np.ndarray:
    """uint8 RGB, `reduce` x `reduce` pixels averaged to one, those at the end of what is left.

    Converted strip by strip: a large picture is not in memory in several forms at once.
    """
    width, height = image.size
    rows = max(1, _STRIP // (width * reduce)) * reduce
    if rows >= height:
        return np.asarray(_as_rgb(image).reduce(reduce) if reduce > 1 else _as_rgb(image))
    found = np.empty((-(-height // reduce), -(-width // reduce), 3), np.uint8)
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(height, top + rows)))
        begin, end = top // reduce, -(-min(height, top + rows) // reduce)
        found[begin:end] = _pixels(strip, reduce)
    return found


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("F", "LAB"):
        raise ImageError("unsupported_format", f"the picture's mode is {image.mode}, not RGB")
    if image.mode.startswith("I;16") or image.mode == "I":  # 16-bit grayscale: keep the top byte
        deep = np.asarray(image)
        return Image.fromarray(np.clip(deep >> 8, 0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def encode_jpeg(image: np.ndarray, quality: int = 95) -> bytes:
    """JPEG of uint8 (height, width, 3) RGB without chroma subsampling, the same bytes each time."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def encode_png(image: np.ndarray) -> bytes:
    """PNG of uint8 (height, width, 3) RGB or (height, width) grayscale."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()
