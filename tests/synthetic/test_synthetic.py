"""Synthetic faces: landmarks obey FACS, pictures are true and repeatable, files are OpenFace's."""

import csv
import errno
import io
import json
import os
import pathlib
import re

import cv2
import numpy as np
import pytest

from ganimation_tf import cli, synthetic
from ganimation_tf.action_units import OPENFACE
from ganimation_tf.cli import synthesize
from ganimation_tf.faces import alignment, images
from ganimation_tf.synthetic import openface
from ganimation_tf.synthetic.canvas import Canvas, curve, stroke

SIZE = 128
MONA = synthetic.Identity.sample(np.random.default_rng(7))
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)


def with_au(**intensities: float) -> np.ndarray:
    return np.array([intensities.get(name, 0.0) for name in OPENFACE], np.float32)


def landmarks(**intensities: float) -> np.ndarray:
    return synthetic.render(MONA, with_au(**intensities), 32).landmarks.astype(float)


def mean_y(*indices: int):
    return lambda points: points[list(indices), 1].mean()


def distance(first: int, second: int):
    return lambda points: float(np.hypot(*(points[first] - points[second])))


def eye_opening(points: np.ndarray) -> float:
    return points[[40, 41, 46, 47], 1].mean() - points[[37, 38, 43, 44], 1].mean()


def lip_thickness(points: np.ndarray) -> float:
    return points[57, 1] - points[66, 1] + points[62, 1] - points[51, 1]


# y points down: what rises has a falling y.
FACS = [
    ("AU01", "inner brows rise", mean_y(21, 22), -1),
    ("AU02", "outer brows rise", mean_y(17, 18, 25, 26), -1),
    ("AU04", "brows fall", mean_y(20, 21, 22, 23), +1),
    ("AU04", "brows draw together", distance(21, 22), -1),
    ("AU05", "eyes widen", eye_opening, +1),
    ("AU06", "lower lids rise", mean_y(40, 41, 46, 47), -1),
    ("AU07", "eyes narrow", eye_opening, -1),
    ("AU09", "wings of the nose rise", mean_y(31, 35), -1),
    ("AU10", "upper lip rises", mean_y(50, 51, 52), -1),
    ("AU12", "lip corners rise", mean_y(48, 54), -1),
    ("AU12", "lip corners move apart", distance(48, 54), +1),
    ("AU14", "lip corners are drawn outwards", distance(48, 54), +1),
    ("AU15", "lip corners fall", mean_y(48, 54), +1),
    ("AU17", "chin rises", mean_y(8), -1),
    ("AU17", "lower lip is pushed up", mean_y(57), -1),
    ("AU20", "lips are stretched", distance(48, 54), +1),
    ("AU23", "lips get thinner", lip_thickness, -1),
    ("AU23", "mouth gets narrower", distance(48, 54), -1),
    ("AU25", "lips part", distance(62, 66), +1),
    ("AU26", "chin falls", mean_y(8), +1),
    ("AU26", "mouth opens", distance(62, 66), +1),
    ("AU45", "eyes close", eye_opening, -1),
]


@pytest.mark.parametrize(
    ("name", "fact", "measure", "sign"), FACS, ids=[f"{row[0]} {row[1]}" for row in FACS]
)
def test_landmarks_move_as_facs_says(name, fact, measure, sign):
    values = [measure(landmarks(**{name: step})) for step in STEPS]
    assert (np.diff(values) * sign > 0).all(), f"{name}: {fact}: {values}"


def test_every_au_has_a_fact():
    assert {row[0] for row in FACS} == set(OPENFACE)


def test_blink_closes_the_eyes_completely():
    assert eye_opening(landmarks(AU45=1)) == pytest.approx(0, abs=1e-4)
    assert eye_opening(landmarks(AU45=1, AU05=1)) == pytest.approx(0, abs=1e-4)


def test_lips_touch_at_rest_and_never_cross():
    rest = landmarks()
    assert rest[62] == pytest.approx(rest[66])
    pushed = landmarks(AU25=0.3, AU17=1)
    assert pushed[66, 1] >= pushed[62, 1] - 1e-4


def test_frontal_face_is_symmetric():
    points = landmarks(AU12=1, AU01=0.5)
    assert points[[48, 17, 36, 31], 0] + points[[54, 26, 45, 35], 0] == pytest.approx(31)
    assert points[[48, 17, 36, 31], 1] == pytest.approx(points[[54, 26, 45, 35], 1])


@pytest.mark.parametrize("name", OPENFACE)
def test_each_au_changes_the_picture_more_the_stronger_it_is(name):
    rest, half, full = (
        synthetic.render(MONA, with_au(**{name: step}), SIZE).image.astype(int)
        for step in (0, 0.5, 1)
    )
    changed = (np.abs(full - rest).max(axis=2) > 12).sum()
    assert changed > 40, f"{name} changes only {changed} of {SIZE * SIZE} pixels"
    assert 0 < np.abs(half - rest).sum() < np.abs(full - rest).sum()


@pytest.mark.parametrize("name", OPENFACE)
def test_an_au_changes_nothing_but_its_part_of_the_face(name):
    """The true target: everything that the expression does not move has the very same pixels."""
    for person in range(3):
        identity, pose, _ = synthetic.reproduce(3, person, 0)
        rest = synthetic.render(identity, with_au(), SIZE, pose)
        full = synthetic.render(identity, with_au(**{name: 1}), SIZE, pose)
        unmoved = rest.image.astype(int) == full.image
        reach = 0.45 * np.hypot(*(rest.landmarks[36] - rest.landmarks[45]))
        hull = cv2.convexHull(np.concatenate([rest.landmarks, full.landmarks]))
        inside = np.zeros((SIZE, SIZE), np.uint8)
        cv2.fillConvexPoly(inside, np.round(hull).astype(np.int32), 1)
        inside = cv2.dilate(inside, np.ones((2 * int(reach) + 1,) * 2, np.uint8)).astype(bool)
        assert 0.2 < inside.mean() < 0.9
        assert unmoved[~inside].all()


def moved_rows(name: str) -> np.ndarray:
    """bool (SIZE,): the rows of the picture that the AU changes."""
    rest, full = (synthetic.render(MONA, with_au(**{name: v}), SIZE).image for v in (0, 1))
    return (rest != full).any(axis=(1, 2))


@pytest.mark.parametrize("name", ["AU01", "AU02", "AU04", "AU05", "AU07", "AU45"])
def test_aus_of_the_upper_face_leave_the_mouth_alone(name):
    rows, points = moved_rows(name), synthetic.render(MONA, with_au(), SIZE).landmarks
    assert rows[: int(points[40, 1])].any()
    assert not rows[int(points[33, 1]) :].any()


@pytest.mark.parametrize("name", ["AU14", "AU15", "AU17", "AU20", "AU23", "AU25", "AU26"])
def test_aus_of_the_mouth_leave_the_eyes_alone(name):
    rows, points = moved_rows(name), synthetic.render(MONA, with_au(), SIZE).landmarks
    assert rows[int(points[33, 1]) :].any()
    assert not rows[: int(points[40, 1])].any()


def test_same_seed_same_pixels_whatever_the_threads():
    identity, pose, action_units = synthetic.reproduce(11, 4, 2)
    threads = cv2.getNumThreads()
    try:
        pictures = []
        for count in (1, 4):
            cv2.setNumThreads(count)
            pictures.append(synthetic.render(identity, action_units, SIZE, pose).image)
    finally:
        cv2.setNumThreads(threads)
    np.testing.assert_array_equal(*pictures)
    again = synthetic.reproduce(11, 4, 2)
    assert (again[0], again[1]) == (identity, pose)
    np.testing.assert_array_equal(again[2], action_units)


def test_seed_person_and_expression_each_matter():
    base = synthetic.reproduce(1, 2, 3)
    assert synthetic.reproduce(2, 2, 3)[0] != base[0]
    assert synthetic.reproduce(1, 3, 3)[0] != base[0]
    other = synthetic.reproduce(1, 2, 4)
    assert other[0] == base[0]
    assert other[1] != base[1]


def test_faces_lie_in_the_picture_and_so_does_most_of_their_crop():
    spec = alignment.CropSpec()
    corners = np.array([(0, 0, 1), (127, 0, 1), (0, 127, 1), (127, 127, 1)]).T
    for person in range(40):
        identity, pose, action_units = synthetic.reproduce(0, person, 0)
        face = synthetic.render(identity, action_units, 32, pose)
        assert face.image.shape == (32, 32, 3)
        assert face.image.dtype == np.uint8
        assert ((face.landmarks > 1) & (face.landmarks < 30)).all()
        anchors = alignment.anchors_from_landmarks(face.landmarks)
        crop = alignment.crop_transform(anchors, spec) @ corners
        assert (crop > -0.12 * 32).all() and (crop < 1.12 * 32).all()


def test_landmarks_scale_with_the_picture():
    small, large = (synthetic.render(MONA, with_au(), size).landmarks for size in (64, 256))
    # Pixel centres at whole numbers: the edge of the first pixel lies at -0.5.
    np.testing.assert_allclose((small + 0.5) * 4, large + 0.5, rtol=1e-5)


def test_pose_moves_landmarks_as_it_says():
    upright = synthetic.render(MONA, with_au(), 100).landmarks
    shifted = synthetic.render(MONA, with_au(), 100, synthetic.Pose(shift=(0.1, -0.05))).landmarks
    np.testing.assert_allclose(shifted - upright, np.tile([10, -5], (68, 1)), atol=1e-3)
    rolled = synthetic.render(MONA, with_au(), 100, synthetic.Pose(roll=20)).landmarks
    transform = alignment.crop_transform(
        alignment.anchors_from_landmarks(rolled), alignment.CropSpec()
    )
    assert alignment.roll_of(transform) == pytest.approx(20, abs=1e-3)
    turned = synthetic.render(MONA, with_au(), 100, synthetic.Pose(yaw=10)).landmarks - upright
    assert turned[30, 0] > turned[39, 0] > 0  # the tip of the nose shifts most


def test_pupils_are_drawn_between_the_lids():
    face = synthetic.render(MONA, with_au(), 256)
    for eye in (range(36, 42), range(42, 48)):
        x, y = face.landmarks[list(eye)].mean(axis=0).round().astype(int)
        assert face.image[y - 4 : y + 5, x - 4 : x + 5].min() < 40
        shut = synthetic.render(MONA, with_au(AU45=1), 256)
        assert np.abs(shut.image[y, x].astype(int) - face.image[y, x]).max() > 40


@pytest.mark.parametrize(
    ("action_units", "size", "message"),
    [
        (np.zeros(16), 64, r"shape \(17,\), got \(16,\)"),
        (np.full(17, 1.5), 64, r"in \[0, 1\]"),
        (np.full(17, np.nan), 64, r"in \[0, 1\]"),
        (np.zeros(17), 31, "at least 32 pixels, got 31"),
    ],
)
def test_render_refuses(action_units, size, message):
    with pytest.raises(ValueError, match=message):
        synthetic.render(MONA, action_units, size)


def test_expressions_are_sparse_varied_and_complete():
    rng = np.random.default_rng(0)
    sample = np.stack([synthetic.sample_expression(rng) for _ in range(4000)])
    assert sample.dtype == np.float32
    assert sample.min() == 0 and 0.95 < sample.max() <= 1
    active = sample > 0
    assert active.sum(axis=1).max() <= 8
    assert 1.5 < active.sum(axis=1).mean() < 4
    share = dict(zip(OPENFACE, active.mean(axis=0), strict=True))
    assert min(share.values()) > 0.02
    assert share["AU45"] < 0.08
    smiles = active[:, OPENFACE.index("AU12")]
    cheeks = active[:, OPENFACE.index("AU06")]
    assert cheeks[smiles].mean() > 5 * cheeks[~smiles].mean()
    alone = active[active.sum(axis=1) == 1]
    assert alone.any(axis=0).all(), "every AU also occurs alone"


def test_expression_probabilities_leave_room_for_single_aus():
    odds = [odds for odds, _ in synthetic.EXPRESSIONS.values()]
    assert 0.8 < sum(odds) < 0.95


def test_identities_are_diverse():
    people = [synthetic.reproduce(0, person, 0)[0] for person in range(200)]
    assert {who.hair_style for who in people} == set(synthetic.HAIR_STYLES)
    assert np.ptp([sum(who.skin) / 3 for who in people]) > 120
    assert {np.sign(who.light[0]) for who in people} == {-1, 1}


def test_curve_goes_through_its_points_and_a_straight_line_stays_straight():
    points = np.array([(0, 0), (1, 2), (3, 1)])
    np.testing.assert_allclose(curve(points, 5)[[0, 2, 4]], points)
    line = curve([(0, 0), (1, 2)], 5)
    np.testing.assert_allclose(line, [(0, 0), (0.25, 0.5), (0.5, 1), (0.75, 1.5), (1, 2)])


def test_stroke_has_the_width_it_is_given():
    outline = stroke([(0, 0), (1, 0)], [0.2, 0.4], samples=3)
    expected = [(0, 0.1), (0.5, 0.15), (1, 0.2), (1, -0.2), (0.5, -0.15), (0, -0.1)]
    np.testing.assert_allclose(outline, expected, atol=1e-8)


def test_canvas_tints_half_and_outside_of_an_opening_nothing():
    canvas = Canvas(192, np.array([[100.0, 0, 0], [0, 100.0, 0]]), yaw=0)
    square = np.array([(0.5, 0.5), (1, 0.5), (1, 1), (0.5, 1)])
    canvas.tint(square, (200, 100, 50), 0.5)
    assert canvas.result()[75, 75].tolist() == [100, 50, 25]
    with canvas.inside(square):
        canvas.fill(square + 0.25, (255, 255, 255))
    assert canvas.result()[90, 90].tolist() == [255, 255, 255]
    assert canvas.result()[110, 110].tolist() == [0, 0, 0]
    assert canvas.result()[60, 60].tolist() == [100, 50, 25]


def read_csv(text: str) -> dict[str, str]:
    header, row = csv.reader(io.StringIO(text), skipinitialspace=True)
    return dict(zip(header, row, strict=True))


def test_csv_reads_back_to_the_same_face():
    identity, pose, action_units = synthetic.reproduce(5, 1, 1)
    face = synthetic.render(identity, action_units, SIZE, pose)
    row = read_csv(openface.to_csv(face.landmarks, action_units))
    assert len(row) == 2 + 136 + 17 + 18
    read = np.array([float(row[f"{name}_r"]) for name in OPENFACE])
    np.testing.assert_allclose(read, action_units * 5, atol=0.005 + 1e-6)
    points = np.array([[float(row[f"{axis}_{i}"]) for axis in "xy"] for i in range(68)])
    np.testing.assert_allclose(points, face.landmarks, atol=0.05 + 1e-4)


def test_csv_has_openfaces_form():
    text = openface.to_csv(np.full((68, 2), 12.34), with_au(AU12=0.4, AU45=0.1))
    header, row, end = text.split("\n")
    assert end == ""
    assert header.startswith("face, confidence, x_0, x_1, ")
    assert "x_67, y_0, " in header and "y_67, AU01_r, " in header
    presences = ", ".join(f"{name}_c" for name in (*OPENFACE[:-1], "AU28", "AU45"))
    assert header.endswith("AU45_r, " + presences)
    assert row.startswith("0, 1.000, 12.3, 12.3, ")
    values = read_csv(text)
    assert values["AU12_r"] == "2.00" and values["AU12_c"] == "1.0"
    assert values["AU45_r"] == "0.50" and values["AU45_c"] == "0.0"
    assert values["AU28_c"] == "0.0"


def run(*arguments) -> int:
    return cli.main(["synthesize", *map(str, arguments)])


def contents(folder) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.rglob("person_*")}


def test_command_writes_pairs_and_a_face_does_not_depend_on_the_count(tmp_path, capsys):
    assert run("--count", 10, "--size", 64, "--seed", 3, tmp_path / "a") == 0
    pictures = sorted(p.stem for p in (tmp_path / "a" / "imgs").glob("*.jpg"))
    assert pictures == sorted(p.stem for p in (tmp_path / "a" / "openface_csv").glob("*.csv"))
    assert len(pictures) == 10
    subjects = [re.match(r"^(person_\d+)", stem)[1] for stem in pictures]
    assert subjects == ["person_00000"] * 8 + ["person_00001"] * 2
    assert run("--count", 4, "--size", 64, "--seed", 3, tmp_path / "b") == 0
    few, many = contents(tmp_path / "b"), contents(tmp_path / "a")
    assert len(few) == 8
    assert few.items() <= many.items()
    settings = json.loads((tmp_path / "a" / "synthesize.json").read_text())
    assert settings == {"count": 10, "size": 64, "seed": 3, "identities": None}


def test_written_picture_is_the_rendered_one(tmp_path):
    assert run("--count", 1, "--size", 96, "--seed", 8, tmp_path) == 0
    identity, pose, action_units = synthetic.reproduce(8, 0, 0)
    drawn = synthetic.render(identity, action_units, 96, pose).image
    read = images.decode((tmp_path / "imgs" / "person_00000_expr_000.jpg").read_bytes())
    assert np.abs(read.astype(int) - drawn).mean() < 2.5


def test_processes_that_share_the_work_write_the_same(tmp_path):
    count = synthesize.TASK + 3  # two tasks
    for workers in (1, 2):
        options = ("--count", count, "--size", 32, "--workers", workers)
        assert run(*options, tmp_path / str(workers)) == 0
    written = contents(tmp_path / "1")
    assert sum(name.endswith(".jpg") for name in written) == count
    assert contents(tmp_path / "2") == written


def test_identities_take_turns(tmp_path):
    assert run("--count", 5, "--size", 32, "--identities", 2, tmp_path) == 0
    names = sorted(p.stem for p in (tmp_path / "imgs").iterdir())
    assert names == [synthetic.key(*k) for k in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1))]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--count", 0], "--count must be at least 1, got 0"),
        (["--image-size", 31], "--image-size must be in [32, 4096], got 31"),
        (["--size", 5000], "--image-size must be in [32, 4096], got 5000"),
        (["--seed", -1], "--seed must be at least 0, got -1"),
        (["--identities", 0], "--identities must be at least 1, got 0"),
        (["--workers", 0], "--workers must be at least 1, got 0"),
    ],
)
def test_wrong_options_stop_before_any_work(tmp_path, capsys, arguments, message):
    out = tmp_path / "out"
    assert run(*arguments, out) == 2
    assert capsys.readouterr().err == f"ganimation synthesize: {message}\n"
    assert not out.exists()


def test_output_must_be_new_or_empty(tmp_path, capsys):
    (tmp_path / "old.txt").write_text("mine")
    assert run("--count", 1, tmp_path) == 2
    assert "must be new or empty" in capsys.readouterr().err
    assert run("--count", 1, tmp_path / "old.txt") == 2
    assert "must be a directory" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["old.txt"]


def test_an_interrupted_call_is_gone_on_with(tmp_path, monkeypatch):
    arguments = ("--count", 6, "--size", 32, "--seed", 3)
    assert run(*arguments, tmp_path / "whole") == 0
    drawn = []

    def face(*numbers, made=synthesize._face):
        if len(drawn) == 4:
            raise KeyboardInterrupt
        drawn.append(numbers)
        return made(*numbers)

    with monkeypatch.context() as patch:
        patch.setattr(synthesize, "_face", face)
        assert run(*arguments, tmp_path / "cut") == 130
        assert not (tmp_path / "cut" / "synthesize.json").exists()
        drawn = drawn[2:]  # two more may be drawn
        assert run(*arguments, tmp_path / "cut") == 0
    assert files_of(tmp_path / "cut") == files_of(tmp_path / "whole")


def files_of(root):
    return {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_an_interrupted_call_of_other_options_is_left_alone(tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(synthesize, "_face", interrupted)
        assert run("--count", 6, "--size", 32, tmp_path / "out") == 130
    assert run("--count", 7, "--size", 32, tmp_path / "out") == 2
    assert "holds an unfinished set of other options" in capsys.readouterr().err


def test_a_full_disk_is_one_line(tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "a.jpg")

    monkeypatch.setattr(pathlib.Path, "write_bytes", full)
    assert run("--count", 1, "--size", 32, tmp_path / "out") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ganimation synthesize: ") and "No space left on device" in line
    assert "Errno" not in line
