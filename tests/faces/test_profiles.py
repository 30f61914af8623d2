"""Colors of a profile are those of sRGB that look the same; the expected ones are computed here."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from ganimation_tf.faces import images

# Primaries and white D65 (SMPTE EG 432-1, IEC 61966-2-1), columns to XYZ.
WHITE = np.array([0.3127, 0.3290])
PRIMARIES = {
    "sRGB": np.array([[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]]),
    "P3": np.array([[0.680, 0.320], [0.265, 0.690], [0.150, 0.060]]),
}
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
D50 = np.array([0.9642, 1.0, 0.8249])


def xyz(xy: np.ndarray) -> np.ndarray:
    return np.array([xy[0], xy[1], 1 - xy.sum()]) / xy[1]


def to_xyz(space: str) -> np.ndarray:
    columns = np.stack([xyz(one) for one in PRIMARIES[space]], 1)
    return columns * np.linalg.solve(columns, xyz(WHITE))


def linear(levels: np.ndarray) -> np.ndarray:
    x = levels / 255
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def levels(light: np.ndarray) -> np.ndarray:
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def p3_in_srgb(pixels: np.ndarray) -> np.ndarray:
    """What Display P3 numbers are in sRGB, float."""
    matrix = np.linalg.solve(to_xyz("sRGB"), to_xyz("P3"))
    return levels(linear(pixels) @ matrix.T)


def number(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile, version 2, of a display or printer with these tags."""
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78), **tags}
    head = bytes(8) + b"\x02\x40\0\0" + (b"prtr" if space == b"CMYK" else b"mntr") + space
    head += (b"Lab " if space == b"CMYK" else b"XYZ ") + bytes(12) + b"acsp" + bytes(28)
    head += b"".join(map(number, D50)) + bytes(48)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        place = 128 + 4 + 12 * len(tags) + len(body)
        table += name + struct.pack(">II", place, len(content))
        body += content + bytes(-len(content) % 4)
    data = head + table + body
    return struct.pack(">I", len(data)) + data[4:]


def curve(values: np.ndarray) -> bytes:
    table = np.rint(values * 65535).astype(">u2").tobytes()
    return b"curv" + bytes(4) + struct.pack(">I", len(values)) + table


def rgb_profile(space: str) -> bytes:
    """With sRGB's curve, as Display P3 has it."""
    cones = BRADFORD @ xyz(WHITE), BRADFORD @ D50
    adapted = np.linalg.solve(BRADFORD, np.diag(cones[1] / cones[0]) @ BRADFORD) @ to_xyz(space)
    tags = {b"wtpt": b"XYZ " + bytes(4) + b"".join(map(number, D50))}
    for name, color in zip((b"r", b"g", b"b"), adapted.T, strict=True):
        tags[name + b"XYZ"] = b"XYZ " + bytes(4) + b"".join(map(number, color))
        tags[name + b"TRC"] = curve(linear(np.linspace(0, 255, 1024)))
    return profile(b"RGB ", tags)


def gray_profile(gamma: float) -> bytes:
    return profile(
        b"GRAY",
        {
            b"wtpt": b"XYZ " + bytes(4) + b"".join(map(number, D50)),
            b"kTRC": curve(np.linspace(0, 1, 1024) ** gamma),
        },
    )


P3, SRGB = rgb_profile("P3"), rgb_profile("sRGB")
BUILT_IN = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def skin(height: int = 24, width: int = 32) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([150 + 3 * x, 100 + 2 * x + y, 70 + 4 * y], -1).astype(np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_display_p3_becomes_srgb(kind):
    data = encoded(Image.fromarray(skin()), kind, icc_profile=P3, lossless=True)
    decoded, expected = images.decode(data).astype(float), p3_in_srgb(skin())
    assert np.abs(expected - skin()).max() > 15  # what was lost
    assert np.abs(decoded - expected).max() <= 1


def test_a_jpeg_turned_and_reduced_is_converted_too():
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = Image.fromarray(skin(160, 240) // 2 + 60)
    data = encoded(plain, "JPEG", quality=95, exif=exif, icc_profile=P3)
    without = encoded(plain, "JPEG", quality=95, exif=exif)
    decoded = images.decode_reduced(data, 4.0)
    raw = images.decode_reduced(without, 4.0)
    assert decoded[1:] == raw[1:]
    assert np.abs(decoded.pixels - p3_in_srgb(raw.pixels)).max() <= 1


def test_in_strips_as_at_once(monkeypatch):
    data = encoded(Image.fromarray(skin()), icc_profile=P3)
    at_once = images.decode(data)
    monkeypatch.setattr(images, "_STRIP", 32 * 5)
    np.testing.assert_array_equal(images.decode(data), at_once)


@pytest.mark.parametrize(
    "block",
    [SRGB, BUILT_IN, b"", b"no profile", P3[:200], P3[:-60], P3.replace(b"XYZ ", b"ABC ")],
    ids=["sRGB", "another sRGB", "empty", "noise", "cut", "cut later", "damaged"],
)
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA"])
def test_srgb_and_damaged_profiles_change_no_bit(block, mode):
    image = Image.fromarray(skin()).convert(mode)
    plain = encoded(image)
    marked = encoded(image, icc_profile=block)
    np.testing.assert_array_equal(images.decode(marked), images.decode(plain))
    if mode in ("RGB", "L"):
        assert images.as_shown(marked) == marked


def test_decoders_that_know_no_profile_get_srgb():
    data = encoded(Image.fromarray(skin()), icc_profile=P3)
    shown = Image.open(io.BytesIO(images.as_shown(data)))
    assert "icc_profile" not in shown.info
    np.testing.assert_array_equal(np.asarray(shown), images.decode(data))


def test_palette_and_alpha_have_the_colors_of_the_profile():
    image = Image.new("P", (2, 1))
    image.putpalette([200, 100, 50, 40, 90, 180])
    image.putpixel((1, 0), 1)
    colors = p3_in_srgb(np.array([[200, 100, 50], [40, 90, 180]]))
    decoded = images.decode(encoded(image, icc_profile=P3))
    assert np.abs(decoded[0] - colors).max() <= 1
    layer = Image.fromarray(np.array([[(200, 100, 50, 255), (200, 100, 50, 51)]], np.uint8))
    decoded = images.decode(encoded(layer, icc_profile=P3))
    assert np.abs(decoded[0] - [colors[0], 0.2 * colors[0] + 0.8 * 255]).max() <= 1.5


def test_gray_goes_along_its_own_curve():
    ramp = np.arange(256, dtype=np.uint8)[None]
    expected = levels((ramp[..., None] / 255) ** 1.8)
    for image in (Image.fromarray(ramp), Image.fromarray(ramp.astype(np.uint16) * 257)):
        decoded = images.decode(encoded(image, icc_profile=gray_profile(1.8))).astype(float)
        assert np.abs(decoded - expected).max() <= 1.5
    color = encoded(Image.fromarray(skin()), icc_profile=gray_profile(1.8))
    np.testing.assert_array_equal(images.decode(color), skin())  # not about these numbers


def cmyk_profile() -> bytes:
    """Of a table with two levels of each ink: L is 100 for no ink and 0 for any full ink."""
    steps = struct.pack(">HH", 0, 0xFFFF)
    lightest = [0xFF00, 0x8000, 0x8000]
    table = lightest + [0, 0x8000, 0x8000] * 15
    body = b"mft2" + bytes(4) + bytes([4, 3, 2, 0])
    body += b"".join(map(number, np.eye(3).ravel())) + struct.pack(">HH", 2, 2)
    body += steps * 4 + np.array(table, ">u2").tobytes() + steps * 3
    return profile(b"CMYK", {b"A2B0": body, b"A2B1": body})


def test_cmyk_is_what_its_profile_says():
    image = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    image.paste((0, 0, 0, 0), (0, 0, 8, 16))
    data = encoded(image, "JPEG", quality=100, icc_profile=cmyk_profile())
    decoded = images.decode(data).astype(int)
    assert np.abs(decoded[:, :8] - 255).max() <= 3
    assert decoded[:, 8:].max() <= 3  # black, where cyan is what stands there without a profile
    data = encoded(image, "JPEG", quality=100, icc_profile=P3)
    assert np.abs(images.decode(data)[:, 8:].astype(int) - (0, 255, 255)).max() <= 3


def test_the_profile_of_a_png_is_kept_where_its_text_is_damaged():
    data = encoded(Image.fromarray(skin()), icc_profile=P3)
    text = b"tEXtComment\0x"
    damaged = data[:33] + struct.pack(">I", len(text) - 4) + text + b"BAD!" + data[33:]
    np.testing.assert_array_equal(images.decode(damaged), images.decode(data))
    place = data.index(b"iCCP") - 4
    (length,) = struct.unpack_from(">I", data, place)
    body = b"iCCPx\0\0" + zlib.compress(bytes(5_000_000))
    long = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    long = data[:place] + long + data[place + 12 + length :]
    np.testing.assert_array_equal(images.decode(long), skin())
