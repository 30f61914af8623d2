"""Where a face is, and which faces are refused."""

import numpy as np
import pytest

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.annotations import geometry
from ganimation_tf.annotations.face import FaceAnnotation
from ganimation_tf.annotations.fit import GeometryError
from ganimation_tf.annotations.geometry import Geometry, Limits
from ganimation_tf.annotations.rejections import REASONS
from ganimation_tf.faces import alignment, detector, images
from ganimation_tf.faces.decoded import Decoded
from openface_files import EYES_AND_MOUTH, landmarks, picture
from pipeline import crops

SIZE = 64
SHAPE = (180, 160)


def face(**facts) -> FaceAnnotation:
    facts = {"landmarks": landmarks()} | facts
    return FaceAnnotation("a", "0", "a.csv:2", OPENFACE, np.zeros(17), 5.0, 0.98, **facts)


def shaped(detector: str = "none", **limits: float) -> Geometry:
    return Geometry(alignment.CropSpec(SIZE), Limits(**limits), detector)


def code_of(call, *arguments) -> str:
    with pytest.raises(GeometryError) as caught:
        call(*arguments)
    assert caught.value.code in REASONS
    return caught.value.code


def cut(chosen: Geometry, pixels: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    decoded = Decoded(pixels, SHAPE)
    return chosen.cut(face(), decoded, anchors, chosen.transform(anchors))


def turned(degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return landmarks((np.array(EYES_AND_MOUTH) - (80, 90)) @ turn.T + (80, 90))


def test_landmarks_before_box():
    both = face(box=np.array([0, 0, 10, 10.0]))
    np.testing.assert_allclose(shaped().anchors(both), EYES_AND_MOUTH, atol=1e-9)


def test_box_without_landmarks():
    box = np.array([30.0, 20, 90, 120])
    anchors = shaped().anchors(face(landmarks=None, box=box))
    np.testing.assert_array_equal(anchors, alignment.anchors_from_box(box))


def test_a_detector_goes_before_the_box():
    assert shaped("mtcnn").anchors(face(landmarks=None, box=np.array([30.0, 20, 90, 120]))) is None


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"landmarks": None}, "no_landmarks"),
        ({"landmarks": None, "box": np.array([5, 5, 0, 9.0])}, "bad_geometry"),
        ({"landmarks": np.full((68, 2), 7.0)}, "bad_geometry"),
        ({"landmarks": np.full((68, 2), 1e300)}, "bad_geometry"),
        ({"landmarks": turned(31)}, "turned_away"),
        ({"landmarks": turned(-31)}, "turned_away"),
        ({"pose": np.array([0, 26.0, 0])}, "turned_away"),
        ({"pose": np.array([0, -26.0, 0])}, "turned_away"),
        ({"pose": np.array([-21.0, 0, 0])}, "turned_away"),
    ],
)
def test_refused_without_looking_at_the_photo(facts, code):
    chosen = shaped(max_roll=30, max_yaw=25, max_pitch=20)
    actual = list(crops.crop_faces(None, [face(**facts)], True, chosen))
    assert actual[0][1].code == code


@pytest.mark.parametrize(
    "facts",
    [
        {"landmarks": turned(29)},
        {"pose": np.array([19.0, -24, 90])},  # roll is measured, and the crop undoes it
        {"pose": None},
    ],
)
def test_within_the_limits(facts):
    chosen = shaped(max_roll=30, max_yaw=25, max_pitch=20)
    assert chosen.transform(chosen.anchors(face(**facts))) is not None


def test_small_faces():
    # 40 pixels between the eyes: 2.4 x 1.3 x 40 = 125 pixels, and a 64th of that less at the rim.
    anchors = np.array(EYES_AND_MOUTH)
    shaped(min_face_size=124).transform(anchors)
    assert code_of(shaped(min_face_size=126).transform, anchors) == "too_small"


def test_a_crop_that_is_half_reflection():
    # The crop is 124.8 pixels wide, its left half left of the image.
    anchors = np.array(EYES_AND_MOUTH) - (80 - 20, 0)
    assert code_of(cut, shaped(max_outside=0.3), picture(), anchors) == "cut_off"
    crop = cut(shaped(max_outside=0.4), picture(), anchors)
    assert crop.shape == (SIZE, SIZE, 3)


@pytest.mark.parametrize("shift", [(-61, 0), (0, -71), (61, 0), (0, 70)])
def test_eyes_and_mouth_lie_inside_the_photo(shift):
    anchors = np.array(EYES_AND_MOUTH) + shift
    assert code_of(cut, shaped(), picture(), anchors) == "outside_image"


def stripes(width: int) -> np.ndarray:
    x = np.arange(160) // width % 2 * 200
    return np.broadcast_to(x[None, :, None], (180, 160, 3)).astype(np.uint8)


def test_sharpness_by_hand():
    # One white pixel in 9 x 9 black ones: the Laplacian is -4 there and 1 at its 4 neighbours,
    # times 255; their mean is 0 and the variance (16 + 4) * 255**2 / 81.
    dot = np.zeros((9, 9, 3), np.uint8)
    dot[4, 4] = 255
    assert geometry.sharpness(dot) == pytest.approx(20 * 255**2 / 81)


@pytest.mark.parametrize("size", [16, 64, 256])
def test_sharpness_does_not_depend_on_the_size_of_the_records(size):
    chosen = Geometry(alignment.CropSpec(size), Limits(min_sharpness=500))
    anchors = np.array(EYES_AND_MOUTH)
    cut(chosen, stripes(4), anchors)
    assert code_of(cut, chosen, stripes(160), anchors) == "blurred"


def test_a_large_photo_is_decoded_reduced_and_cropped_alike():
    y, x = np.mgrid[:1440, :1280]
    photo = np.stack([x / 5.1, y / 5.8, x * 0 + 90], -1).astype(np.uint8)
    points = (np.array(EYES_AND_MOUTH) + 0.5) * 8 - 0.5
    large = face(landmarks=landmarks(points))
    assert 8 < shaped().useful_scale(shaped().transform(points)) < 16
    data = images.encode_jpeg(photo)
    (decoded,) = crops.crop_faces(
        lambda scale: images.decode_reduced(data, scale), [large], True, shaped()
    )
    crop, transform = decoded[1]
    expected = alignment.crop(photo, transform, SIZE)
    assert np.abs(crop.astype(int) - expected).max() <= 4


def test_the_smallest_face_decides_how_far_a_photo_is_reduced():
    asked = []

    def photo(scale):
        asked.append(scale)
        return Decoded(picture(640, 720), (720, 640))

    big = face(landmarks=landmarks((np.array(EYES_AND_MOUTH) + 0.5) * 4 - 0.5))
    assert len(list(crops.crop_faces(photo, [big, face()], False, shaped()))) == 2
    list(crops.crop_faces(photo, [big], False, shaped()))
    list(crops.crop_faces(photo, [big], False, shaped(min_sharpness=0.001)))
    # The crop is 124.8 pixels wide between the centres of its outer pixels; sharpness needs 128.
    assert asked == pytest.approx([124.8 / 63, 4 * 124.8 / 63, 4 * 124.8 / 127])


def found_face(left: float, size: float = 50) -> detector.DetectedFace:
    box = np.array([left, 40, size, size])
    points = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.75), (0.65, 0.75)])
    return detector.DetectedFace(box, points * size + box[:2], 0.99)


@pytest.mark.parametrize(
    ("annotated", "alone", "chosen"),
    [
        ((95, 45, 50, 50), False, 1),
        ((0, 30, 60, 60), False, 0),
        (None, True, 1),
    ],
)
def test_which_detected_face_is_meant(monkeypatch, annotated, alone, chosen):
    both = [found_face(5), found_face(90, 60)]
    monkeypatch.setattr(detector, "find_faces", lambda image: both)
    asked = face(landmarks=None, box=None if annotated is None else np.array(annotated, float))
    anchors = shaped("mtcnn").detected(asked, picture(), alone)
    np.testing.assert_array_equal(anchors, alignment.anchors_from_five_points(both[chosen].points))


@pytest.mark.parametrize(
    ("detected", "box", "alone", "code"),
    [
        ([], None, True, "not_detected"),
        ([found_face(5)], np.array([100, 100, 20, 20.0]), True, "not_detected"),
        ([found_face(5), found_face(90)], None, False, "no_landmarks"),
    ],
)
def test_no_detected_face_is_meant(monkeypatch, detected, box, alone, code):
    monkeypatch.setattr(detector, "find_faces", lambda image: detected)
    asked = face(landmarks=None, box=box)
    assert code_of(shaped("mtcnn").detected, asked, picture(), alone) == code


def test_overlap():
    box = np.array([0, 0, 10, 10.0])
    assert detector.overlap(box, box) == 1
    assert detector.overlap(box, np.array([5, 0, 10, 10.0])) == pytest.approx(50 / 150)
    assert detector.overlap(box, np.array([20, 0, 10, 10.0])) == 0


@pytest.mark.faces
def test_boxes_of_real_faces_give_nearly_the_crop_of_their_landmarks(faces_dir):
    from ganimation_tf.annotations.photo import face_in

    names = sorted(path.stem for path in (faces_dir / "imgs").iterdir())[:1000:125]
    spec = alignment.CropSpec()
    for name in names:
        path = faces_dir / "imgs" / f"{name}.jpg"
        photo = images.decode(path.read_bytes())
        annotated = face_in(faces_dir / "openface_csv" / f"{name}.csv", path)
        expected = alignment.crop_transform(
            alignment.anchors_from_landmarks(annotated.landmarks), spec
        )
        actual = detector.find_faces(photo)[0]
        transform = alignment.crop_transform(alignment.anchors_from_box(actual.box), spec)
        assert 0.87 < alignment.scale_of(transform) / alignment.scale_of(expected) < 1.14
        middle = np.array([63.5, 63.5, 1])
        shift = np.linalg.norm(transform @ middle - expected @ middle)
        assert shift < 0.11 * 128 * alignment.scale_of(expected)
