"""MTCNN on real faces; its five points against OpenFace's landmarks of the same photos."""

import pathlib

import cv2
import numpy as np
import pytest

from ganimation_tf.annotations.photo import face_in
from ganimation_tf.errors import UserError
from ganimation_tf.faces import alignment, detector, images

NAMES = ["hmd_female_asian_0151d729-b9ec-49ac-a272-5a33856ad85b", "sd15_senang_senang_8"]


def test_no_face():
    with pytest.raises(UserError, match="no face was found in the photo of 120 x 80 pixels"):
        detector.find_face(np.full((80, 120, 3), 128, np.uint8))


@pytest.mark.faces
@pytest.mark.parametrize("name", NAMES)
def test_points_agree_with_openface(faces_dir, name):
    photo = images.decode((faces_dir / "imgs" / f"{name}.jpg").read_bytes())
    expected = alignment.anchors_from_landmarks(
        face_in(faces_dir / "openface_csv" / f"{name}.csv", pathlib.Path(f"{name}.jpg")).landmarks
    )
    anchors = alignment.anchors_from_five_points(detector.find_face(photo))
    distances = np.linalg.norm(anchors - expected, axis=1)
    assert distances.max() < 0.06 * np.linalg.norm(expected[1] - expected[0])


@pytest.mark.faces
def test_points_of_a_large_photo_are_in_its_own_pixels(faces_dir):
    photo = images.decode((faces_dir / "imgs" / f"{NAMES[0]}.jpg").read_bytes())
    large = cv2.resize(photo, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    small_points, large_points = detector.find_face(photo), detector.find_face(large)
    eyes = np.linalg.norm(small_points[1] - small_points[0])
    expected = (small_points + 0.5) * 4 - 0.5
    assert np.abs(large_points - expected).max() < 0.06 * 4 * eyes


@pytest.mark.faces
def test_the_largest_of_several_faces_is_taken(faces_dir):
    photo = images.decode((faces_dir / "imgs" / f"{NAMES[0]}.jpg").read_bytes())
    half = cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    side_by_side = np.full((photo.shape[0], photo.shape[1] + half.shape[1], 3), 128, np.uint8)
    side_by_side[: half.shape[0], : half.shape[1]] = half
    side_by_side[:, half.shape[1] :] = photo
    points = detector.find_face(side_by_side)
    assert (points[:, 0] > half.shape[1]).all()
