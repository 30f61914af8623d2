"""Encoded pictures to uint8 RGB arrays and back, as a viewer would show them.

Pillow decodes, because it refuses what others quietly half-read: a truncated JPEG is an error
here, not a picture with a grey lower half.
"""

import io
import pathlib
import warnings

import numpy as np
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from ganimation_tf.errors import InputError
from ganimation_tf.faces import orientation, profiles, unusual
from ganimation_tf.faces.decoded import Decoded, Reduction
from ganimation_tf.faces.orientation import (
    AS_STORED,
    FROM_BOTTOM,
    FROM_RIGHT,
    ORIENTATION,
    TURNS,
)
from ganimation_tf.faces.profiles import ToSrgb

MAX_PIXELS = 100_000_000
"""Largest width x height that is decoded; a header that claims more is refused before decoding."""

AVERAGED_PIXELS = 2**22
"""Pixels from which a picture that is no JPEG is averaged down. Below, a frame of a video and the
same frame as a PNG give the same crop."""

_STRIP = 1 << 20  # pixels that are converted at once

MAX_BYTES = 256 << 20
"""Largest file that is read."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
"""What is decoded; anything else (vector formats, videos, archives) is not a photo."""

_JPEGS = (".jpg", ".jpeg", ".jpe", ".jfif")
SUFFIXES = (*_JPEGS, ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm")
"""File names that are taken for photos when a directory is searched."""


class ImageError(InputError):
    """A picture that cannot be used.

    `code` is `empty_image`, `unreadable_image`, `unsupported_format` or `too_many_pixels`.
    """


def decode(encoded: bytes, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The picture as uint8 (height, width, 3) sRGB, turned upright by its EXIF orientation.

    Colors of an embedded profile, grayscale, palette, CMYK and 16-bit pictures become 8-bit sRGB;
    alpha is laid over white; of a file with several pictures the first is taken.

    Raises:
        ImageError: if it is empty, of another format, damaged, or larger than `max_pixels`.
    """
    return decode_reduced(encoded, 1.0, max_pixels)[0]


def decode_reduced(encoded: bytes, scale: float, max_pixels: int = MAX_PIXELS) -> Decoded:
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

    Raises:
        ImageError: as `decode`.
    """
    if not encoded:
        raise ImageError("empty_image", "the file has 0 bytes")
    try:
        return _decoded(encoded, scale, max_pixels)
    except ImageError as error:
        if error.code == "too_many_pixels":
            raise
        try:
            first, *others = [_decoded(m, scale, max_pixels) for m in unusual.mended(encoded)]
        except ValueError:  # it cannot be mended
            raise error from None
        if not all(np.array_equal(first.pixels, other.pixels) for other in others):
            raise
        return first


def _decoded(encoded: bytes, scale: float, max_pixels: int) -> Decoded:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damaged EXIF and ICC blocks, size: checked below
            with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
                return _upright(image, scale, max_pixels)
    except ImageError:
        raise
    except UnidentifiedImageError:
        kind = unusual.kind_of(encoded)
        message = f"not a picture in one of {', '.join(FORMATS)}{f'; it is {kind}' if kind else ''}"
        raise ImageError("unsupported_format", message) from None
    except Image.DecompressionBombError as error:  # Pillow's own limit stands before ours
        raise ImageError(
            "too_many_pixels", f"at most {max_pixels} pixels are decoded: {error}"
        ) from None
    # A hostile file can raise nearly anything out of a decoder's parser.
    except Exception as error:
        message = " ".join(str(error).split())
        raise ImageError("unreadable_image", f"damaged picture: {message}") from error


def _upright(image: Image.Image, scale: float, max_pixels: int) -> Decoded:
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(
            "too_many_pixels", f"{width} x {height} pixels; at most {max_pixels} are decoded"
        )
    drafted, averaged = _factors(image, scale)
    to_srgb = profiles.to_srgb(image)
    for name in ("xmp", "XML:com.adobe.xmp"):  # Pillow would take an orientation from there, too
        image.info.pop(name, None)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        if image.mode == "I":
            message = "a TIFF of 32-bit integers: which of them is white is nowhere said"
            raise ImageError("unsupported_format", message)
        turn = orientation.known(image.tag_v2.get(ORIENTATION))
        image.load()  # which turns it
        pixels = _pixels(image, averaged, to_srgb)
        return Decoded(pixels, (height, width), turn, Reduction(averaged))
    image.load()
    turn = orientation.read(image.info.get("exif", b""))
    if turn == AS_STORED:
        reduction = Reduction(drafted * averaged)
        return Decoded(_pixels(image, averaged, to_srgb), (height, width), turn, reduction)
    turned = image.transpose(TURNS[turn])
    image.close()  # or both would be in memory
    height, width = (width, height) if turn > 4 else (height, width)
    # What the decoder's last pixels have too much has come to the front.
    left = width - turned.width * drafted if turn in FROM_RIGHT else 0
    top = height - turned.height * drafted if turn in FROM_BOTTOM else 0
    reduction = Reduction(drafted * averaged, left, top)
    return Decoded(_pixels(turned, averaged, to_srgb), (height, width), turn, reduction)


def _factors(image: Image.Image, scale: float) -> tuple[int, int]:
    """By which factors its decoder makes it smaller, which it is told, and averaging is to."""
    width, height = image.size
    reduce = 8 if scale >= 8 else 4 if scale >= 4 else 2 if scale >= 2 else 1
    if reduce > 1:
        draft = image.draft(None, (max(1, width // reduce), max(1, height // reduce)))
        if draft:  # a JPEG; the decoder's factor is less where a side has fewer pixels
            return round(width / draft[1][2]), 1
    return 1, reduce if width * height >= AVERAGED_PIXELS else 1


def _pixels(image: Image.Image, reduce: int, to_srgb: ToSrgb | None) -> np.ndarray:
    """uint8 sRGB, `reduce` x `reduce` pixels averaged to one, those at the end of what is left.

    Converted strip by strip: a large picture is not in memory in several forms at once.
    """
    width, height = image.size
    rows = max(1, _STRIP // (width * reduce)) * reduce
    if rows >= height:
        rgb = _as_rgb(image, to_srgb)
        return np.asarray(rgb.reduce(reduce) if reduce > 1 else rgb)
    pixels = np.empty((-(-height // reduce), -(-width // reduce), 3), np.uint8)
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(height, top + rows)))
        begin, end = top // reduce, -(-min(height, top + rows) // reduce)
        pixels[begin:end] = _pixels(strip, reduce, to_srgb)
    return pixels


def _as_rgb(image: Image.Image, to_srgb: ToSrgb | None) -> Image.Image:
    if image.mode in ("F", "LAB"):
        raise ImageError("unsupported_format", f"the picture's mode is {image.mode}, not RGB")
    if image.mode.startswith("I;16") or image.mode == "I":  # 16-bit grayscale: keep the top byte
        deep = np.asarray(image)
        image = Image.fromarray(np.clip(deep >> 8, 0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if to_srgb is not None:
            alpha = image.getchannel("A")
            image = to_srgb(image.convert("RGB"))
            image.putalpha(alpha)
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if to_srgb is not None:
        return to_srgb(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def encode_jpeg(image: np.ndarray, quality: int = 95) -> bytes:
    """JPEG of uint8 (height, width, 3) RGB without chroma subsampling, the same bytes each time."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def encode_png(image: np.ndarray, level: int = 6) -> bytes:
    """PNG of uint8 (height, width, 3) RGB or (height, width) grayscale.

    Args:
        level: how hard zlib tries, 0 to 9; 1 takes a fifth of the time of 6.
    """
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=level)
    return buffer.getvalue()


def as_shown(encoded: bytes, max_pixels: int = MAX_PIXELS) -> bytes:
    """The picture as a JPEG or PNG that decoders show right which know neither EXIF nor color
    profiles nor transparency.

    TensorFlow's are such. A JPEG or PNG of sRGB or gray that lies upright and is opaque is returned
    as it is; any other picture becomes a PNG of what `decode` makes of it.

    Raises:
        ImageError: as `decode`.
    """
    if _plain(encoded):
        return encoded
    return encode_png(decode(encoded, max_pixels), level=1)


def _plain(encoded: bytes) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(encoded), formats=("JPEG", "PNG")) as image:
                upright = image.getexif().get(ORIENTATION, AS_STORED) in (0, AS_STORED)
                opaque = not image.has_transparency_data and image.mode in ("RGB", "L")
                return upright and opaque and profiles.to_srgb(image) is None
    except Exception:  # whatever is odd about it, `decode` says it better
        return False


def is_animated(path: pathlib.Path) -> bool:
    """Whether a file that `decode` takes has more than one picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its size
            with Image.open(path, formats=FORMATS) as image:
                return getattr(image, "n_frames", 1) > 1
    except Exception:  # of a damaged file nearly any can come; `decode` says what is wrong with it
        return False
