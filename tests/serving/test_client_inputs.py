"""What the client takes for a face and for AUs, against the stand-in model.

It reads the mean red, green and blue of a face as AU06, AU12 and AU45, and moves every pixel p
towards white by AU06: p + AU06 * (255 - p).
"""

import io

import numpy as np
import pytest
from PIL import Image

from ganimation_tf.errors import UserError
from ganimation_tf.faces import images
from serving.client import GanimationClient
from serving.client.pictures import encoded
from serving_model import SIZE, clear, face, half_and_half, lying


@pytest.fixture
def client(served_model):
    with GanimationClient(served_model.address) as client:
        yield client


def saved(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def shown(png: bytes) -> np.ndarray:
    return images.decode(png)


@pytest.mark.parametrize("kind", ["array", "pillow", "path", "bytes", "webp"])
def test_one_picture_in_many_forms(client, tmp_path, kind):
    path = tmp_path / "face.png"
    path.write_bytes(face(51))
    picture = Image.open(path)
    forms = {
        "array": np.asarray(picture),
        "pillow": picture,
        "path": path,
        "bytes": path.read_bytes(),
        "webp": saved(picture, "WEBP", lossless=True),
    }
    (png,) = client.edit(forms[kind], [0.5, 0, 0])
    assert (shown(png) == 153).all()  # 51 + 0.5 * 204
    np.testing.assert_allclose(client.estimate([forms[kind]]), 0.2, atol=1e-6)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_says_it_lies_on_its_side_is_edited_upright(client, kind):
    (png,) = client.edit([lying(kind)], np.zeros((1, 3), np.float32))
    np.testing.assert_allclose(shown(png), half_and_half(), atol=12)  # a lossy file


def test_what_is_transparent_is_laid_over_white(client):
    (png,) = client.edit([clear()], np.zeros((1, 3), np.float32))
    assert (shown(png) == 255).all()


def test_a_plain_picture_goes_out_as_it_is():
    for data in (face(51), saved(Image.fromarray(half_and_half()), "JPEG")):
        assert encoded(data) is data


def test_aus_by_name_keep_what_is_not_named(client):
    dark, light = face(51), face(102)
    pngs = client.edit([dark, light], {"AU6": "+0.2"})
    assert [int(shown(png)[0, 0, 0]) for png in pngs] == [
        round(51 + 0.4 * 204),
        round(102 + 0.6 * 153),
    ]
    (png,) = client.edit(dark, [{"au12": 1}])
    assert (shown(png) == round(51 + 0.2 * 204)).all()


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_encoded_bytes_of_other_types(client, kind):
    np.testing.assert_array_equal(
        client.estimate(kind(face(51))), client.estimate([kind(face(51))]), strict=True
    )
    assert client.estimate(kind(face(51))) == pytest.approx(np.full((1, 3), 0.2), abs=1e-5)


@pytest.mark.parametrize("source", [None, [[0, 0, 0]]])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool])
def test_pixels_that_are_whole_numbers_are_refused(client, source, dtype):
    with pytest.raises(UserError, match=r"image must be float in \[0, 1\], got (u?int|bool)"):
        client.render(np.ones((1, SIZE, SIZE, 3), dtype), [[0, 0, 0]], source)


def test_several_rows_for_one_face(client):
    rows = np.array([[0, 0, 0], [0.5, 0, 0], [1, 0, 0]], np.float32)
    values = [int(shown(png)[0, 0, 0]) for png in client.edit(face(51), rows)]
    assert values == [51, 153, 255]
    named = client.edit(face(51), [{"AU06": 0.5}, {"AU06": 1}])
    assert [int(shown(png)[0, 0, 0]) for png in named] == [153, 255]


def test_a_stream_of_arrays(client):
    faces = [(np.full((SIZE, SIZE, 3), 51, np.uint8), np.array([0.5, 0, 0]))] * 3
    assert [int(shown(png)[0, 0, 0]) for png in client.edit_stream(faces)] == [153] * 3


@pytest.mark.parametrize(
    ("picture", "aus", "text"),
    [
        (np.zeros((4, 4, 3)), {"AU06": 1}, "must be uint8 (height, width, 3) RGB, got float64"),
        ("none.png", {"AU06": 1}, "none.png: cannot be read"),
        (None, {"AU06": 1}, "must be uint8 (height, width, 3) RGB, got object ()"),
        (5, {"AU06": 1}, "must be uint8 (height, width, 3) RGB, got int64 ()"),
        (np.uint8(5)[...], {"AU06": 1}, "must be uint8 (height, width, 3) RGB, got uint8 ()"),
        (face(51), {"AU06": None}, "AU06 must be a number in [0, 1] or a text: float() argument"),
        (face(51), {"AU06": 1j}, "AU06 must be a number in [0, 1] or a text: "),
        (face(51), [{"AU06": 1}, 5], "all rows of AUs must be by name where one is, got 5"),
        (face(51), None, "action_units must be numbers, (N,) or (B, N), got shape ()"),
        (face(51), {1, 2}, "action_units must be numbers, (N,) or (B, N): float() argument"),
        (face(51), [[0, 0, 0], [0]], "action_units must be numbers, (N,) or (B, N): setting an"),
        (face(51), 0.5, "action_units must be numbers, (N,) or (B, N), got shape ()"),
        (face(51), np.zeros((1, 1, 3)), "(N,) or (B, N), got shape (1, 1, 3)"),
        (face(51), {"AU99": 1}, "'AU99' is no AU; there are AU06 AU12 AU45"),
        (face(51), {"AU06": 2}, "AU06 must be a number in [0, 1], got 2"),
        ([face(51)] * 3, [{"AU06": 1}] * 2, "3 faces need as many rows of AUs, got 2"),
    ],
)
def test_what_is_refused_here(client, picture, aus, text):
    with pytest.raises(UserError) as caught:
        client.edit(picture, aus)
    assert text in str(caught.value)
