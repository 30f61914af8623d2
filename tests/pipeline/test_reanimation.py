"""Photos re-animated by the job: the same records whatever the number of workers."""

import dataclasses

import numpy as np
import pytest

import tiny_portraits
from ganimation_tf.action_units import OPENFACE
from ganimation_tf.data import manifest
from ganimation_tf.errors import UserError
from ganimation_tf.faces import alignment, images
from ganimation_tf.synthetic.reanimation import load_face_model
from ganimation_tf.synthetic.reanimation.sources import KnownFace
from jobs import contents, kept, preprocess, rejected, split_of
from pipeline import reanimation


@pytest.fixture(scope="module")
def portraits(tmp_path_factory):
    """Four portraits that can be used and three that cannot."""
    folder = tmp_path_factory.mktemp("portraits") / "in"
    points = tiny_portraits.landmarks()
    shown = {name: points + shift for shift, name in enumerate(("ada", "bob", "cleo", "dan"))}
    others = {"alone": None, "border": points + [70, 0], "tiny": points * 0.15 + 50}
    tiny_portraits.save(folder, shown | others)
    return folder


def job(portraits, out, *more):
    options = ("--reanimate", portraits / "model.npz", "--faces-per-photo", 20, "--seed", 3)
    options += ("--eval-fraction", "0.5", "--shards", 3, "--min-face-size", "0", *more)
    return preprocess(portraits / "photos", portraits / "csv", out, *options)


@pytest.fixture(scope="module")
def dataset(portraits, tmp_path_factory):
    """Blocks of eight faces, so that each photo is three tasks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reanimation, "BLOCK", 8)
        return job(portraits, tmp_path_factory.mktemp("dataset") / "out")


def test_inputs_are_faces_and_rejections(dataset):
    by_key = kept(dataset)
    assert rejected(dataset) == {
        "alone": "no_annotation",
        "border": "face_at_border",
        "tiny": "eyes_too_small",
    }
    assert len(by_key) == 4 * 20
    made = manifest.Manifest.load(dataset)
    assert made.inputs == 83 and tuple(made.action_units) == OPENFACE


def test_pairs_have_one_crop_and_begin_neutral(dataset):
    pairs = {}
    for key, record in kept(dataset).items():
        assert key.startswith(f"{record.pair}_expr_")
        pairs.setdefault(record.pair, []).append(record)
    assert len(pairs) == 12
    for records in pairs.values():
        assert len({record.transform.tobytes() for record in records}) == 1
        assert len({record.subject for record in records}) == 1
        assert any(not record.action_units.any() for record in records)
        assert any(record.action_units.any() for record in records)


def test_a_portrait_is_one_subject_on_one_side(dataset):
    sides = {}
    for key, split in split_of(dataset).items():
        sides.setdefault(key.split("_look_")[0], set()).add(split)
    assert sides.keys() == {"ada", "bob", "cleo", "dan"}
    assert all(len(splits) == 1 for splits in sides.values())
    assert {record.subject for record in kept(dataset).values()} == sides.keys()


def test_crop_is_the_rendered_face_in_the_photo(portraits, dataset):
    """The stored transform puts the neutral face of look 0 back where the photo has it."""
    record = kept(dataset)["ada_look_0000_expr_000"]
    anchors = alignment.anchors_from_landmarks(tiny_portraits.landmarks())
    expected = alignment.crop_transform(anchors, alignment.CropSpec(32))
    np.testing.assert_allclose(record.transform, expected, rtol=0.02, atol=0.7)
    assert images.decode(record.image).shape == (32, 32, 3)


def test_two_workers_give_the_same_bytes(portraits, tmp_path):
    one = job(portraits, tmp_path / "one")
    two = job(portraits, tmp_path / "two", "--workers", 2)
    first, second = contents(one), contents(two)
    assert first.keys() == second.keys()
    different = {name for name in first if first[name] != second[name]}
    assert different <= {"fingerprint.json"}


class Finder:
    """Finds the face of each portrait but the reddish ones."""

    def find(self, photo):
        return [] if photo[..., 0].mean() > photo.mean() + 20 else [Found()]

    def read(self, face):
        expression = np.zeros(len(tiny_portraits.tiny_head().expression_names))
        return KnownFace(tiny_portraits.landmarks(), expression)


@dataclasses.dataclass
class Found:
    score: float = 0.99
    box: np.ndarray = dataclasses.field(default_factory=lambda: np.array([60.0, 60, 130, 130]))


def found_job(portraits, out, *more, code=0):
    """As `job`, without annotations."""
    options = ("--reanimate", portraits / "model.npz", "--faces-per-photo", 20, "--seed", 3)
    options += ("--eval-fraction", "0.5", "--shards", 3, "--min-face-size", "0", *more)
    return preprocess(portraits / "photos", None, out, *options, code=code)


def test_without_annotations_the_landmarker_looks(portraits, tmp_path, monkeypatch):
    """Where it finds what the annotations say, the records are those made with annotations."""
    folder = tmp_path / "in"
    points = tiny_portraits.landmarks()
    tiny_portraits.save(folder, {"ada": points, "bob": points, "none": None})
    red = np.zeros((256, 256, 3), np.uint8) + np.array([200, 40, 40], np.uint8)
    (folder / "photos/none.png").write_bytes(images.encode_png(red))
    monkeypatch.setattr(reanimation, "finder", lambda *_: Finder())
    monkeypatch.setattr(reanimation, "BLOCK", 8)
    looked = found_job(folder, tmp_path / "found")
    told = job(folder, tmp_path / "told")
    assert rejected(looked) == {"none": "no_face"} and rejected(told) == {"none": "no_annotation"}
    by_key, expected = kept(looked), kept(told)
    assert by_key.keys() == expected.keys() and len(by_key) == 40
    for key, record in by_key.items():
        # The CSV has two decimals of a pixel.
        np.testing.assert_allclose(record.transform, expected[key].transform, atol=0.05)
        np.testing.assert_array_equal(record.action_units, expected[key].action_units)
        assert (record.pair, record.subject) == (expected[key].pair, expected[key].subject)
    assert manifest.Manifest.load(looked).options["reader"] == "landmarker"


def test_pictures_without_a_face(portraits, tmp_path, capsys):
    found_job(portraits, tmp_path / "out", code=2)
    told = capsys.readouterr().err
    assert "none of the 7 inputs is usable, 7 of them because of no_face" in told


def test_the_face_model_counts_by_what_is_in_it(portraits, tmp_path, capsys):
    out = job(portraits, tmp_path / "out")
    elsewhere = tmp_path / "elsewhere.npz"
    elsewhere.write_bytes((portraits / "model.npz").read_bytes())
    capsys.readouterr()
    job(portraits, out, "--reanimate", elsewhere)
    assert capsys.readouterr().out.startswith("unchanged")
    digest = tiny_portraits.tiny_head().digest
    assert manifest.Manifest.load(out).options["reanimate"] == digest
    model = tiny_portraits.tiny_head()
    other = dataclasses.replace(model, identity=model.identity * 2)
    other.save(elsewhere)
    options = ("--reanimate", elsewhere, "--faces-per-photo", 20, "--seed", 3)
    options += ("--eval-fraction", "0.5", "--shards", 3, "--min-face-size", "0")
    preprocess(portraits / "photos", portraits / "csv", out, *options, code=2)
    told = capsys.readouterr().err
    assert f"--reanimate was {digest}, is {load_face_model(elsewhere).digest}" in told


def test_a_worker_that_has_another_face_model_stops(portraits):
    path = str(portraits / "model.npz")
    with pytest.raises(UserError, match="another face model there .* instead of abcdefabcdef"):
        reanimation.face_model(path, "abcdef" * 10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--reanimate", "missing.npz"), "missing.npz: cannot be read as a face model"),
        (("--faces-per-photo", "0"), "--faces-per-photo must be in [1, 1000000], got 0"),
        (("--seed", "-1"), "--seed must be at least 0, got -1"),
        (
            ("--reanimate", "model.npz", "--landmarker", "face.task"),
            "--landmarker is for --reanimate without --annotations, got 'face.task'",
        ),
    ],
)
def test_wrong_options_stop_before_any_work(portraits, tmp_path, capsys, options, message):
    out = tmp_path / "out"
    preprocess(portraits / "photos", portraits / "csv", out, *options, code=2)
    assert message in capsys.readouterr().err
    assert not out.exists()
