"""Pictures that viewers show and decoders refuse, and what is no picture."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ganimation_tf.faces import images


def smooth(height: int = 64, width: int = 80) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([3 * x, 3 * y, x + y], axis=-1).astype(np.uint8)


def encoded(kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(smooth()).save(buffer, kind, **options)
    return buffer.getvalue()


def refused(data: bytes) -> images.ImageError:
    with pytest.raises(images.ImageError) as caught:
        images.decode(data)
    return caught.value


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_without_its_end_mark_is_whole(missing, progressive):
    data = encoded("JPEG", quality=95, progressive=progressive)
    assert data.endswith(b"\xff\xd9")
    np.testing.assert_array_equal(images.decode(data[:-missing]), images.decode(data))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [12, 40, 200])
def test_a_jpeg_that_lacks_more_is_damaged(missing, progressive):
    data = encoded("JPEG", quality=95, progressive=progressive)
    assert refused(data[:-missing]).code == "unreadable_image"
    assert refused(data[:-missing] + b"\xff").code == "unreadable_image"


def with_chunk(name: bytes, body: bytes, checksum: int | None = None) -> bytes:
    """A PNG with one more chunk behind its header."""
    data = encoded("PNG")
    checksum = zlib.crc32(name + body) if checksum is None else checksum
    chunk = struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)
    return data[:33] + chunk + data[33:]


@pytest.mark.parametrize(
    "data",
    [
        with_chunk(b"tEXt", b"Comment\0hello", checksum=1),
        with_chunk(b"zTXt", b"workflow\0\0" + zlib.compress(bytes(5_000_000))),
        with_chunk(b"iCCP", b"profile\0\0not compressed"),
        with_chunk(b"pHYs", b"\1"),
    ],
    ids=["checksum", "long text", "profile", "short"],
)
def test_a_png_is_read_for_its_pixels(data):
    np.testing.assert_array_equal(images.decode(data), smooth())


def test_the_turn_of_a_png_is_kept_where_its_text_is_damaged():
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(smooth()).save(buffer, "PNG", exif=exif)
    data = buffer.getvalue()
    text = b"tEXtComment\0x"
    data = data[:33] + struct.pack(">I", len(text) - 4) + text + b"BAD!" + data[33:]
    np.testing.assert_array_equal(images.decode(data), np.rot90(smooth(), -1))


def test_of_a_gif_the_first_picture_is_taken():
    level = np.full((6, 8, 3), 200, np.uint8)
    buffer = io.BytesIO()
    more = [Image.new("RGB", (8, 6))]
    Image.fromarray(level).save(buffer, "GIF", save_all=True, append_images=more)
    np.testing.assert_array_equal(images.decode(buffer.getvalue()), level)


def test_ppm_and_pgm():
    np.testing.assert_array_equal(images.decode(encoded("PPM")), smooth())
    gray = b"P5 4 1 65535\n" + struct.pack(">4H", 0, 256, 65280, 65535)
    assert images.decode(gray)[0, :, 0].tolist() == [0, 1, 255, 255]


def test_a_tiff_of_32_bits_is_not_shown_black():
    buffer = io.BytesIO()
    Image.fromarray(smooth()[..., 0].astype(np.int32)).save(buffer, "TIFF")
    error = refused(buffer.getvalue())
    assert error.code == "unsupported_format" and "which of them is white" in str(error)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0", "it is HEIC"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "it is AVIF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "it is a video"),
        (b"\n<!DOCTYPE html><p>404", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "`git lfs pull`"),
        (b"%PDF-1.7", "it is PDF"),
    ],
)
def test_what_is_no_picture_is_named(data, kind):
    error = refused(data + bytes(64))
    assert error.code == "unsupported_format" and kind in str(error)
