"""Decoding: what a viewer would show, or an error with a code; never half a picture."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ganimation_tf.faces import alignment, images
from ganimation_tf.faces.decoded import Reduction
from ganimation_tf.faces.orientation import AS_STORED


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def colors(height: int = 6, width: int = 8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def code_of(data: bytes, **options) -> str:
    with pytest.raises(images.ImageError) as caught:
        images.decode(data, **options)
    return caught.value.code


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and then has next to no data."""

    def chunk(name: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 10))
    return b"\x89PNG\r\n\x1a\n" + data + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_decode_exactly(kind):
    decoded = images.decode(encoded(Image.fromarray(colors()), kind))
    np.testing.assert_array_equal(decoded, colors())
    assert decoded.dtype == np.uint8


def test_webp_decodes_exactly_when_lossless():
    decoded = images.decode(encoded(Image.fromarray(colors()), "WEBP", lossless=True))
    np.testing.assert_array_equal(decoded, colors())


def test_png_round_trip_in_color_and_gray():
    np.testing.assert_array_equal(images.decode(images.encode_png(colors())), colors())
    gray = colors()[..., 0]
    np.testing.assert_array_equal(images.decode(images.encode_png(gray))[..., 1], gray)


def test_jpeg_is_repeatable_close_and_keeps_color_at_full_resolution():
    image = np.zeros((16, 16, 3), np.uint8)
    image[:, 1::2] = (255, 0, 0)  # chroma subsampling would smear red over black
    assert images.encode_jpeg(image) == images.encode_jpeg(image)
    decoded = images.decode(images.encode_jpeg(image)).astype(int)
    assert np.abs(decoded - image).mean() < 6
    coarse = images.decode(images.encode_jpeg(image, quality=20)).astype(int)
    assert np.abs(coarse - image).mean() > np.abs(decoded - image).mean()


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a, 2).transpose(1, 0, 2)),
        (8, lambda a: np.rot90(a, 1)),
    ],
)
def test_exif_orientation_is_applied(orientation, upright):
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = images.decode(encoded(Image.fromarray(colors()), "PNG", exif=exif))
    np.testing.assert_array_equal(decoded, upright(colors()))


def test_grayscale_fills_all_channels():
    gray = np.arange(48, dtype=np.uint8).reshape(6, 8)
    decoded = images.decode(encoded(Image.fromarray(gray)))
    np.testing.assert_array_equal(decoded, np.repeat(gray[..., None], 3, axis=2))


def test_palette_is_looked_up():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    assert images.decode(encoded(image)).tolist() == [[[255, 0, 0], [0, 0, 255]]]


def test_palette_with_a_transparent_color_shows_white():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    data = encoded(image, transparency=0)
    assert images.decode(data).tolist() == [[[255, 255, 255], [0, 0, 255]]]


def test_sixteen_bits_keep_the_top_byte():
    deep = np.array([[0, 255, 256, 0x1234, 0xFFFF]], np.uint16)
    decoded = images.decode(encoded(Image.fromarray(deep)))
    assert decoded[0, :, 0].tolist() == [0, 0, 1, 0x12, 0xFF]


def test_alpha_lies_over_white():
    pixels = np.array([[(0, 0, 0, 255), (0, 0, 0, 0), (200, 0, 100, 51)]], np.uint8)
    decoded = images.decode(encoded(Image.fromarray(pixels)))
    # A fifth of the colour and four fifths of white: (244, 204, 224).
    assert decoded.tolist() == [[[0, 0, 0], [255, 255, 255], [244, 204, 224]]]


def test_gray_with_alpha_lies_over_white():
    pixels = np.array([[(100, 255), (100, 0)]], np.uint8)
    decoded = images.decode(encoded(Image.fromarray(pixels, "LA")))
    assert decoded.tolist() == [[[100, 100, 100], [255, 255, 255]]]


def test_cmyk_jpeg_becomes_rgb():
    """Stored inverted, as Adobe began it."""
    # No ink is white; all cyan lacks red.
    image = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    image.paste((0, 0, 0, 0), (0, 0, 8, 16))
    decoded = images.decode(encoded(image, "JPEG", quality=100)).astype(int)
    assert np.abs(decoded[:, :8] - 255).max() <= 3
    assert np.abs(decoded[:, 8:] - (0, 255, 255)).max() <= 3


def test_empty_file():
    assert code_of(b"") == "empty_image"


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_truncated_jpeg_is_refused(kept):
    data = images.encode_jpeg(colors(64, 64))
    assert code_of(data[: int(kept * len(data))]) == "unreadable_image"


def test_truncated_png_is_refused():
    data = images.encode_png(colors(64, 64))
    assert code_of(data[: len(data) // 2]) == "unreadable_image"


@pytest.mark.parametrize(
    "data", [b"hello", b"%PDF-1.7\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>", bytes(1000)]
)
def test_what_is_no_picture_is_refused(data):
    assert code_of(data) == "unsupported_format"


def test_formats_outside_the_list_are_refused():
    assert code_of(encoded(Image.fromarray(colors()), "TGA")) == "unsupported_format"


@pytest.mark.parametrize(("width", "height"), [(60000, 60000), (10001, 10000)])
def test_a_header_of_too_many_pixels_is_refused_before_decoding(width, height):
    # Nothing was decoded: these files hold no such data and would be `unreadable_image`.
    with pytest.raises(images.ImageError, match="at most 100000000 ") as caught:
        images.decode(png_header(width, height))
    assert caught.value.code == "too_many_pixels"


def test_the_limit_itself_is_allowed():
    data = images.encode_png(colors(6, 8))
    assert images.decode(data, max_pixels=48).shape == (6, 8, 3)
    assert code_of(data, max_pixels=47) == "too_many_pixels"


def test_a_header_that_promises_more_than_the_file_holds_is_damaged():
    assert code_of(png_header(100, 100)) == "unreadable_image"


def test_one_bit_is_black_and_white():
    bits = Image.fromarray(np.array([[0, 255, 0, 255]], np.uint8)).convert("1")
    for kind in ("PNG", "TIFF", "BMP"):
        assert images.decode(encoded(bits, kind))[0, :, 1].tolist() == [0, 255, 0, 255]


def deep_png(samples: np.ndarray) -> bytes:
    """A PNG of uint16 (height, width, 1, 3 or 4) samples, which Pillow cannot write."""
    height, width, channels = samples.shape

    def chunk(name: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + checksum

    kind = {1: 0, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + data + chunk(b"IEND", b"")


def test_sixteen_bit_color_keeps_the_top_byte():
    deep = np.array([[(0x1234, 0xFFFF, 0x00FF), (0x8000, 0x7FFF, 0x0100)]], np.uint16)
    expected = [[[0x12, 0xFF, 0], [0x80, 0x7F, 1]]]
    assert images.decode(deep_png(deep)).tolist() == expected
    opaque = np.concatenate([deep, np.full((1, 2, 1), 0xFFFF, np.uint16)], axis=2)
    assert images.decode(deep_png(opaque)).tolist() == expected
    clear = np.concatenate([deep, np.zeros((1, 2, 1), np.uint16)], axis=2)
    assert (images.decode(deep_png(clear)) == 255).all()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_tiff_of_either_byte_order(order, kind):
    """A one-row grayscale TIFF written by hand."""
    values = np.array([0, 1, 128, 255]) * (257 if kind == "u2" else 1)
    pixels = values.astype(f"{order}{kind}").tobytes()
    tags = [
        (256, 4),  # width
        (257, 1),  # height
        (258, 8 * int(kind[1])),  # bits
        (259, 1),  # no compression
        (262, 1),  # black is zero
        (273, 8),  # where the pixels are
        (278, 1),  # rows in the strip
        (279, len(pixels)),
    ]
    order_mark = {"<": b"II", ">": b"MM"}[order]
    head = order_mark + struct.pack(f"{order}HI", 42, 8 + len(pixels)) + pixels
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in tags)
    data = head + struct.pack(f"{order}H", len(tags)) + entries + struct.pack(f"{order}I", 0)
    assert images.decode(data)[0, :, 2].tolist() == [0, 1, 128, 255]


def test_the_first_picture_of_an_animation_is_taken():
    first = Image.fromarray(colors())
    data = encoded(first, "PNG", save_all=True, append_images=[Image.new("RGB", first.size)])
    np.testing.assert_array_equal(images.decode(data), colors())


@pytest.mark.parametrize("mode", ["F", "LAB"])
def test_modes_that_no_viewer_shows_alike_are_refused(mode):
    data = encoded(Image.new(mode, (4, 4)), "TIFF")
    assert code_of(data) == "unsupported_format"


def smooth(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 / width, y * 255 / height, 0 * x + 99], -1).astype(np.uint8)


@pytest.mark.parametrize(("scale", "factor"), [(1.9, 1), (2, 2), (3.9, 2), (7, 4), (8, 8), (99, 8)])
def test_jpegs_are_decoded_no_smaller_than_asked(scale, factor):
    photo = smooth(160, 240)
    pixels, shape, *_ = images.decode_reduced(images.encode_jpeg(photo), scale)
    assert shape == (160, 240)
    assert pixels.shape == (160 // factor, 240 // factor, 3)
    means = photo.reshape(160 // factor, factor, 240 // factor, factor, 3).mean((1, 3))
    assert np.abs(pixels - means).max() <= 3


def test_a_reduced_photo_is_turned_upright_and_so_is_its_shape():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.fromarray(smooth(160, 240)), "JPEG", exif=exif, quality=95)
    pixels, shape, *_ = images.decode_reduced(data, 4)
    assert shape == (240, 160) and pixels.shape == (60, 40, 3)


def turned(photo: np.ndarray, orientation: int, kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(Image.fromarray(photo), kind, exif=exif, quality=95)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_reduced_pixel_lies_where_its_reduction_says(monkeypatch, kind, orientation):
    """171 = 21 * 8 + 3 and 253 = 31 * 8 + 5: the last pixel along each side covers fewer."""
    monkeypatch.setattr(images, "AVERAGED_PIXELS", 1)
    data = turned(smooth(171, 253), orientation, kind)
    whole, reduced = images.decode(data), images.decode_reduced(data, 8.0)
    factor, left, top = reduced.reduction
    assert factor == 8 and reduced.shape == whole.shape[:2]
    left, top = left + 8, top + 8
    blocks = whole[top : top + 144, left : left + 144].reshape(18, 8, 18, 8, 3).mean((1, 3))
    # A step of one pixel would be 1.0 or 1.5 levels.
    assert np.abs((reduced.pixels[1:19, 1:19] - blocks).mean((0, 1))).max() < 0.6


@pytest.mark.parametrize(
    ("orientation", "left", "top"),
    # Of 176 x 256 pixels that the decoder's cover, 5 rows and 3 columns are none of the picture's.
    [
        (1, 0, 0),
        (2, -3, 0),
        (3, -3, -5),
        (4, 0, -5),
        (5, 0, 0),
        (6, -5, 0),
        (7, -5, -3),
        (8, 0, -3),
    ],
)
def test_what_a_jpeg_covers_fewer_of_is_turned_to_the_front(orientation, left, top):
    decoded = images.decode_reduced(turned(smooth(171, 253), orientation, "JPEG"), 8.0)
    assert decoded.reduction == Reduction(8, left, top)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_crop_of_a_reduced_photo_is_not_displaced(orientation):
    """On the far side, where a ratio of 22 to 171 instead of 1 to 8 is 4 source pixels off."""
    data = turned(smooth(171, 171), orientation, "JPEG")
    decoded, whole = images.decode_reduced(data, 8.0), images.decode(data)
    for shift in (4.0, 84.0):
        transform = np.array([[8.0, 0, shift], [0, 8.0, shift]])
        crop = alignment.crop(decoded.pixels, transform, 10, decoded.reduction).astype(int)
        assert np.abs(crop - alignment.crop(whole, transform, 10)).mean() < 1.5


def test_a_jpeg_with_a_side_below_the_factor():
    """5 of 16 pixels are not reduced eight times, but four times."""
    decoded = images.decode_reduced(images.encode_jpeg(smooth(5, 16)), 8.0)
    assert decoded.pixels.shape == (2, 4, 3) and decoded.reduction == Reduction(4)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "I;16"])
def test_a_large_picture_is_converted_in_strips_like_a_small_one(monkeypatch, mode):
    if mode == "I;16":
        picture = Image.fromarray(colors(31, 23).astype(np.uint16)[..., 0] * 256)
    else:
        picture = Image.fromarray(colors(31, 23)).convert(mode)
    if mode == "RGBA":
        picture.putalpha(Image.fromarray(colors(31, 23)[..., 1]))
    data = encoded(picture)
    monkeypatch.setattr(images, "AVERAGED_PIXELS", 1)
    whole, reduced = images.decode(data), images.decode_reduced(data, 3.9)[0]
    monkeypatch.setattr(images, "_STRIP", 23 * 4)
    np.testing.assert_array_equal(images.decode(data), whole)
    np.testing.assert_array_equal(images.decode_reduced(data, 3.9)[0], reduced)


def test_a_small_png_is_not_averaged():
    decoded, *_ = images.decode_reduced(images.encode_png(colors(7, 9)), 8.0)
    np.testing.assert_array_equal(decoded, colors(7, 9))


def test_a_reduced_png_is_the_average_of_its_pixels(monkeypatch):
    monkeypatch.setattr(images, "AVERAGED_PIXELS", 1)
    data = images.encode_png(colors(7, 9))
    decoded, shape, *_ = images.decode_reduced(data, 2.0)
    assert decoded.shape == (4, 5, 3) and shape == (7, 9)
    blocks = colors(7, 9)[:6, :8].reshape(3, 2, 4, 2, 3).mean((1, 3))
    assert np.abs(decoded[:3, :4] - blocks).max() <= 0.5
    np.testing.assert_array_equal(decoded[3, 4], colors(7, 9)[6, 8])


def exif_block(*entries: tuple[int, int, int]) -> bytes:
    """An EXIF block of (tag, type, value) whose types need not be those that the tags ask for."""
    head = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries))
    fields = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return head + fields + struct.pack("<I", 0)


SHORT, LONG, ASCII, RATIONAL = 3, 4, 2, 5


@pytest.mark.parametrize(
    "odd",
    [
        (0x011A, SHORT, 72),  # XResolution, a rational
        (0x010F, LONG, 7),  # Make, a text
        (0x8769, SHORT, 9999),  # a block that is not there
        (0x829A, RATIONAL, 90000),  # points behind the end
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_of_exif_only_the_orientation_is_looked_at(kind, odd):
    data = encoded(Image.new("RGB", (6, 4)), kind, exif=exif_block((0x0112, SHORT, 6), odd))
    decoded = images.decode_reduced(data, 1.0)
    assert (decoded.pixels.shape, decoded.shape, decoded.orientation) == ((6, 4, 3), (6, 4), 6)


@pytest.mark.parametrize("value", [0, 1, 9, 77])
def test_an_orientation_that_is_none(value):
    data = encoded(Image.new("RGB", (6, 4)), "JPEG", exif=exif_block((0x0112, SHORT, value)))
    assert images.decode_reduced(data, 1.0)[1:3] == ((4, 6), AS_STORED)


def test_xmp_turns_nothing():
    """Neither does OpenCV, and so OpenFace, look there."""
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    for kind in ("JPEG", "WEBP"):
        data = encoded(Image.new("RGB", (6, 4)), kind, xmp=xmp)
        assert images.decode_reduced(data, 1.0)[1:3] == ((4, 6), AS_STORED)


@pytest.mark.parametrize("orientation", [1, 6, 3])
def test_tiff_says_what_turned_it(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = images.decode_reduced(encoded(Image.new("RGB", (6, 4)), "TIFF", exif=exif), 1.0)
    shape = (6, 4) if orientation == 6 else (4, 6)
    assert (decoded.pixels.shape[:2], decoded.shape, decoded.orientation) == (
        shape,
        shape,
        orientation,
    )


def test_a_film_may_be_cut_off_anywhere(tmp_path):
    films = [Image.fromarray(np.roll(colors(), shift, 0)) for shift in range(3)]
    whole = encoded(films[0], "GIF", save_all=True, append_images=films[1:])
    (tmp_path / "whole.gif").write_bytes(whole)
    assert images.is_animated(tmp_path / "whole.gif")
    animated = []
    for length in range(len(whole)):
        (tmp_path / "cut.gif").write_bytes(whole[:length])
        animated.append(images.is_animated(tmp_path / "cut.gif"))
    assert not any(animated[: whole.index(b"\x21\xf9")])  # before a picture's graphic control
    assert animated[-1]  # all but the trailer
