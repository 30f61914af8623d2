"""Fuzzing of decoding and cropping: whatever comes in, an array or the error that is promised."""

import io
import os

import numpy as np
import pytest
from hypothesis import assume, example, given, reject, settings
from hypothesis import strategies as st
from PIL import Image

from ganimation_tf.faces import alignment, images, sampling
from openface_files import picture

EXAMPLES = int(os.environ.get("GANIMATION_FUZZ_EXAMPLES", "150"))
"""For each test; a long run is `GANIMATION_FUZZ_EXAMPLES=100000 pytest tests/*/test_fuzz_*.py`."""

FUZZ = settings(
    derandomize="GANIMATION_FUZZ_EXAMPLES" not in os.environ, max_examples=EXAMPLES, deadline=None
)


def encoded(kind: str, mode: str = "RGB", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture(40, 30)).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def with_orientation() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a description"
    return exif


PHOTOS = [
    encoded("JPEG"),
    encoded("JPEG", progressive=True, exif=with_orientation()),
    encoded("JPEG", "CMYK"),
    encoded("PNG"),
    encoded("PNG", "P", exif=with_orientation()),
    encoded("PNG", "LA"),
    encoded("PNG", "1"),
    encoded("WEBP"),
    encoded("WEBP", "RGBA", lossless=True),
    encoded("BMP"),
    encoded("TIFF"),
    encoded("TIFF", compression="tiff_lzw"),
    encoded("TIFF", compression="jpeg"),
]

edits = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(["set", "insert", "delete"]),
        st.binary(min_size=1, max_size=4),
    ),
    max_size=6,
)


@st.composite
def damaged_photos(draw) -> bytes:
    """One of `PHOTOS` with bytes changed, put in or taken out, perhaps cut off."""
    data = bytearray(draw(st.sampled_from(PHOTOS)))
    for where, what, new in draw(edits):
        # Headers decide more than pixels do: half of the damage goes to the first 200 bytes.
        at = int(where * 2 * 200) if where < 0.5 else int((where - 0.5) * 2 * len(data))
        if what == "insert":
            data[at:at] = new
        elif what == "delete":
            del data[at : at + len(new)]
        else:
            data[at : at + len(new)] = new
    keep = draw(st.one_of(st.just(1.0), st.floats(0, 1)))
    return bytes(data[: round(keep * len(data))])


DECODED = "decoded"
OUTCOMES = {DECODED, "empty_image", "unreadable_image", "unsupported_format", "too_many_pixels"}


def decoding(data: bytes, scale: float) -> str:
    """The code of the error that the picture is refused with, or `DECODED` if all is right."""
    try:
        pixels, shape, *_ = images.decode_reduced(data, scale, max_pixels=1_000_000)
    except images.ImageError as error:
        assert "\n" not in str(error)
        return error.code
    assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
    assert shape[0] * shape[1] <= 1_000_000
    for reduced, whole in zip(pixels.shape, shape, strict=False):
        assert whole / 8 <= reduced <= whole
    return DECODED


@pytest.mark.parametrize("number", range(len(PHOTOS)))
def test_the_undamaged_photos_are_read(number):
    assert images.decode(PHOTOS[number]).size == 3 * 30 * 40


@FUZZ
@given(damaged_photos(), st.sampled_from([1.0, 2.0, 5.5, 100.0]))
def test_damaged_photos(data, scale):
    assert decoding(data, scale) in OUTCOMES


@FUZZ
@given(st.sampled_from([photo[:n] for photo in PHOTOS for n in (0, 2, 8, 16)]), st.binary())
def test_noise_behind_the_first_bytes_of_a_photo(head, noise):
    assert decoding(head + noise, 1.0) in OUTCOMES


coordinates = st.one_of(
    st.floats(-100, 200),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, -0.5, 39.5, 29.5, 1e5, 1e6, -1e6, 1e-300, 2.0**31]),
)
anchors = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=3).map(np.array)
specs = st.builds(alignment.CropSpec, st.integers(8, 200), st.floats(0, 2))
shapes = st.tuples(st.integers(1, 60), st.integers(1, 60))


def transform_of(points: np.ndarray, spec: alignment.CropSpec) -> np.ndarray | None:
    try:
        return alignment.crop_transform(points, spec)
    except ValueError:
        return None


@FUZZ
@given(anchors, specs)
@example(np.full((3, 2), 1e308), alignment.CropSpec())
@example(np.array([(-9e5, 0), (9e5, 0), (0, 9e5)]), alignment.CropSpec(8, 2.0))
def test_transforms_are_finite(points, spec):
    transform = transform_of(points, spec)
    if transform is not None:
        assert np.isfinite(transform).all() and alignment.scale_of(transform) > 0


@FUZZ
@given(anchors, specs, shapes)
@example(np.array([(0, 0), (1, 0), (1e6 - 1, 1e6 - 1)]), alignment.CropSpec(200), (1, 60))
@example(np.array([(-200, 0), (60, 0), (0, 60)]), alignment.CropSpec(8, 2.0), (60, 1))
def test_crops_have_their_shape_or_are_refused(points, spec, shape):
    transform = transform_of(points, spec)
    if transform is None:
        return
    image = np.full((*shape, 3), (10, 20, 30), np.uint8)
    outside = sampling.outside_fraction(transform, spec.size, shape)
    try:
        crop = alignment.crop(image, transform, spec.size)
    except ValueError:
        return
    assert 0.0 <= outside <= 1.0
    assert crop.shape == (spec.size, spec.size, 3)
    # Reflection shows the image's own colours and no others, however far out.
    assert (crop == (10, 20, 30)).all()


boxes = st.lists(coordinates, min_size=4, max_size=4).map(np.array)


@FUZZ
@given(boxes, specs)
@example(np.array([1.7e308, 0, 1.7e308, 9]), alignment.CropSpec())
def test_boxes(box, spec):
    try:
        points = alignment.anchors_from_box(box)
    except ValueError:
        return
    transform = transform_of(points, spec)
    assert transform is None or np.isfinite(transform).all()


@FUZZ
@given(
    st.floats(-50, 150),
    st.floats(-50, 150),
    st.floats(0.05, 12),
    st.floats(-180, 180),
    st.integers(8, 64),
)
def test_cropping_the_needed_part_is_cropping_the_whole(x, y, scale, degrees, size):
    """Against the same steps on the whole image, reflected by hand."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (96, 96, 3), np.uint8)
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    transform = np.column_stack([turn, (x, y) - turn @ [size / 2, size / 2]])
    reach = np.abs(sampling.corners(transform, size)).max()
    reduce = max(1, int(scale))
    # A whole number of blocks: the whole's last block has another width else.
    assume(reach <= 900 and 96 % reduce == 0)
    try:
        crop = alignment.crop(image, transform, size)
    except ValueError:
        reject()
    small = image.reshape(96 // reduce, reduce, 96 // reduce, reduce, 3).mean((1, 3))
    pad = 1000 // reduce
    wide = np.pad(small, ((pad, pad), (pad, pad), (0, 0)), "reflect")
    inner = sampling.rescaled(transform, (96, 96), small.shape[:2])
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1).reshape(-1, 2)
    at = np.column_stack([grid, np.ones(len(grid))]) @ inner.T + pad
    low = np.floor(at).astype(int)
    u, v = (at - low).T[..., None]
    (i, j), rows = low.T, wide
    expected = (1 - v) * ((1 - u) * rows[j, i] + u * rows[j, i + 1])
    expected += v * ((1 - u) * rows[j + 1, i] + u * rows[j + 1, i + 1])
    # OpenCV's bilinear weights are multiples of 1/32; noise has differences of up to 255.
    assert np.abs(crop.reshape(-1, 3) - expected).max() <= 255 * 2 / 32 + 1
