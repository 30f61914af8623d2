"""What the graph decodes and what it refuses before decoding."""

import io
import pathlib
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ganimation_tf.export import signature
from ganimation_tf.export.decoding import decode_pictures
from ganimation_tf.faces import images

SIZE = 8


@pytest.fixture(scope="module")
def decode():
    function = tf.function(lambda encoded: decode_pictures(encoded, SIZE))
    function = function.get_concrete_function(tf.TensorSpec((None,), tf.string))
    return lambda *encoded: function(tf.constant(encoded, tf.string)).numpy()


def png_header(width: int, height: int) -> bytes:
    """A PNG that ends after its header."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + chunk + struct.pack(">I", zlib.crc32(chunk))


def jpeg_header(width: int, height: int) -> bytes:
    """A small JPEG whose frame header claims another size."""
    encoded = images.encode_jpeg(np.zeros((8, 8, 3), np.uint8))
    place = encoded.index(b"\xff\xc0") + 5
    return encoded[:place] + struct.pack(">HH", height, width) + encoded[place + 4 :]


def encode(picture: np.ndarray, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind, **options)
    return buffer.getvalue()


def picture(height: int = SIZE, width: int = SIZE) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_a_png_of_the_models_size_is_its_pixels(decode):
    np.testing.assert_allclose(decode(images.encode_png(picture()))[0], picture() / 255, atol=1e-6)


def test_rows_of_different_kinds_and_sizes(decode):
    flat = np.full((30, 20, 3), 51, np.uint8)
    gray = np.full((SIZE, SIZE), 51, np.uint8)
    rows = decode(
        images.encode_jpeg(flat),
        encode(flat, "JPEG", progressive=True),
        images.encode_png(flat),
        images.encode_png(gray),
        encode(np.dstack([flat, np.full((30, 20, 1), 7, np.uint8)]), "PNG"),
        encode(gray, "JPEG"),
    )
    assert rows.shape == (6, SIZE, SIZE, 3)
    np.testing.assert_allclose(rows, 0.2, atol=1e-6)


def test_no_rows(decode):
    assert decode().shape[0] == 0


@pytest.mark.parametrize(
    ("encoded", "width", "height"),
    [
        (png_header(60_000, 60_000), 60_000, 60_000),
        (png_header(2**32 - 1, 2**32 - 1), 2**32 - 1, 2**32 - 1),
        (png_header(signature.MAX_PIXELS + 1, 1), signature.MAX_PIXELS + 1, 1),
        (jpeg_header(60_000, 50_000), 60_000, 50_000),
    ],
)
def test_the_size_in_the_header_is_refused_with_rule_and_value(decode, encoded, width, height):
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        decode(encoded)
    assert f"image_bytes must be a picture of at most {signature.MAX_PIXELS} pixels" in str(
        caught.value
    )
    assert f"[{width}] [{height}]" in str(caught.value)


def test_the_largest_allowed_picture_is_decoded(decode):
    side = int(signature.MAX_PIXELS**0.5)
    assert side**2 == signature.MAX_PIXELS
    bilevel = Image.new("1", (side, side), 1)
    buffer = io.BytesIO()
    bilevel.save(buffer, "PNG")
    np.testing.assert_allclose(decode(buffer.getvalue()), 1.0, atol=1e-4)


def test_a_bomb_takes_no_memory(decode):
    side = 20_000  # 50 KB of PNG; 1.2 GB as pixels
    buffer = io.BytesIO()
    Image.new("1", (side, side)).save(buffer, "PNG")
    bomb = buffer.getvalue()
    assert len(bomb) < 100_000
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = peak()
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[20000\] \[20000\]"):
        decode(bomb, bomb)
    assert peak() - before < 100 * 1024


def peak() -> int:
    """Most resident memory since it was last reset, in KiB."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8",
        b"text",
        encode(picture(), "GIF"),
        encode(picture(), "BMP"),
        encode(picture(), "WEBP"),
        b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rgAMA" + bytes(12),
    ],
    ids=["empty", "png-magic", "jpeg-magic", "text", "gif", "bmp", "webp", "no-ihdr"],
)
def test_other_files_are_refused_with_rule_and_value(decode, encoded):
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        decode(encoded)
    message = str(caught.value)
    assert "image_bytes must be JPEG or PNG" in message
    assert f"[{len(encoded)}]" in message
    if len(encoded) >= 8:
        assert f"[{' '.join(str(byte) for byte in encoded[:8])}]" in message


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_damage_after_the_header_is_an_invalid_argument(decode, kind):
    whole = encode(picture(), kind)
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode(whole[: len(whole) // 2], whole)
