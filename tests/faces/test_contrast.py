"""How much darker eyes are than cheeks, on crops whose grey levels are known."""

import cv2
import numpy as np
import pytest

from ganimation_tf.faces import alignment, images
from ganimation_tf.faces.contrast import eye_contrast


def crop(size: int, margin: float, eyes: int, cheeks: int) -> bytes:
    """A crop of two greys: around the eyes and everywhere else."""
    pixels = np.full((size, size, 3), cheeks, np.uint8)
    side = alignment.FACE_SIDE * (1 + 2 * margin)
    unit = (size - 1) / side
    for point in alignment.ANCHORS[:2]:
        x, y = (point - alignment.FACE_CENTER + side / 2) * unit
        cv2.circle(pixels, (round(x), round(y)), round(0.25 * unit), (eyes,) * 3, -1)
    return images.encode_png(pixels)


@pytest.mark.parametrize("size", [64, 128, 256])
@pytest.mark.parametrize("margin", [0.0, 0.15, 0.5])
@pytest.mark.parametrize(("eyes", "cheeks"), [(50, 150), (150, 50), (90, 90)])
def test_contrast_of_two_greys(size, margin, eyes, cheeks):
    expected = (cheeks - eyes) / (cheeks + eyes)
    contrast = eye_contrast(crop(size, margin, eyes, cheeks), size, margin)
    assert contrast == pytest.approx(expected, abs=0.06)


def test_what_has_no_light_has_no_contrast():
    assert eye_contrast(crop(64, 0.15, 0, 0), 64, 0.15) == 0
    assert eye_contrast(b"", 64, 0.15) == 0
    assert eye_contrast(b"no picture", 64, 0.15) == 0
