"""Synthetic faces through files: who they are, and which are each other's truth, arrives."""

import numpy as np
import pytest

import tiny_portraits
from ganimation_tf import cli
from ganimation_tf.action_units import OPENFACE
from ganimation_tf.faces import alignment, images
from ganimation_tf.synthetic import openface
from jobs import kept, preprocess, rejected, split_of


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Six drawn people with eight faces each."""
    out = tmp_path_factory.mktemp("drawn") / "photos"
    assert cli.main(["synthesize", "--count", "48", "--size", "64", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def dataset(drawn, tmp_path_factory):
    out = tmp_path_factory.mktemp("dataset") / "data"
    options = ("--eval-fraction", "0.4")
    return preprocess(drawn / "imgs", drawn / "openface_csv", out, *options)


def test_preprocess_needs_no_option_for_subject_and_pair(dataset):
    by_key = kept(dataset)
    assert rejected(dataset) == {} and len(by_key) == 48
    for key, record in by_key.items():
        person, expression = key.split("_expr_")
        assert record.subject == person
        assert record.pair == f"{person}_pose_{int(expression) // 4:03d}"


def test_people_are_on_one_side_of_the_split(dataset):
    sides = {}
    for key, split in split_of(dataset).items():
        sides.setdefault(key.split("_expr_")[0], set()).add(split)
    assert all(len(splits) == 1 for splits in sides.values())
    assert {split for splits in sides.values() for split in splits} == {"train", "eval"}


def test_faces_of_a_pair_have_one_crop(dataset):
    crops = {}
    for record in kept(dataset).values():
        crops.setdefault(record.pair, []).append(record.transform)
    assert len(crops) == 12
    for transforms in crops.values():
        assert len(transforms) == 4
        for transform in transforms[1:]:
            np.testing.assert_array_equal(transform, transforms[0])


def test_pair_is_equal_after_the_crop_but_for_the_face(tmp_path):
    """Blocks of 8 x 8 that no expression touches are the same JPEG, so their pixels are."""
    photos = tmp_path / "photos"
    assert cli.main(["synthesize", "--count", "8", "--size", "192", str(photos)]) == 0
    options = ("--image-size", "128", "--eval-fraction", "0")
    out = preprocess(photos / "imgs", photos / "openface_csv", tmp_path / "data", *options)
    groups = {}
    for record in kept(out).values():
        groups.setdefault(record.pair, []).append(images.decode(record.image).astype(int))
    for pictures in groups.values():
        assert len(pictures) == 4
        change = np.ptp(np.stack(pictures), axis=0).max(axis=2)
        assert change[:8, :8].max() == change[:8, -8:].max() == 0
        assert (change == 0).mean() > 0.2
        assert change[32:96, 32:96].max() > 60


def test_anchors_go_before_landmarks(tmp_path):
    """The crop is the one of the neutral face though the landmarks are those of a scream."""
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 255, (100, 100, 3)).astype(np.uint8)
    anchors = np.array([[35.0, 40.0], [65.0, 40.0], [50.0, 71.0]])
    landmarks = rng.uniform(20, 80, (68, 2))
    pair = openface.Pair("ada", "ada_0", anchors)
    (tmp_path / "imgs").mkdir()
    (tmp_path / "csv").mkdir()
    (tmp_path / "imgs" / "a.png").write_bytes(images.encode_png(photo))
    text = openface.to_csv(landmarks, np.zeros(len(OPENFACE)), pair)
    (tmp_path / "csv" / "a.csv").write_text(text)
    out = preprocess(tmp_path / "imgs", tmp_path / "csv", tmp_path / "out", "--min-face-size", "0")
    (record,) = kept(out).values()
    expected = alignment.crop_transform(anchors, alignment.CropSpec(32))
    np.testing.assert_allclose(record.transform, expected, rtol=1e-5)
    assert (record.subject, record.pair) == ("ada", "ada_0")


def test_files_without_pairs_stay_as_they_were(tmp_path):
    (tmp_path / "imgs").mkdir()
    (tmp_path / "csv").mkdir()
    photo = np.full((64, 64, 3), 90, np.uint8)
    landmarks = tiny_portraits.landmarks() / 4
    (tmp_path / "imgs" / "a.png").write_bytes(images.encode_png(photo))
    (tmp_path / "csv" / "a.csv").write_text(openface.to_csv(landmarks, np.zeros(len(OPENFACE))))
    out = preprocess(tmp_path / "imgs", tmp_path / "csv", tmp_path / "out", "--min-face-size", "0")
    (record,) = kept(out).values()
    assert record.pair is None and record.subject == "a"


def test_half_a_set_of_anchors_is_refused(tmp_path):
    (tmp_path / "imgs").mkdir()
    (tmp_path / "csv").mkdir()
    pair = openface.Pair("ada", "ada_0", np.array([[35.0, 40.0], [65.0, 40.0], [50.0, 71.0]]))
    text = openface.to_csv(np.zeros((68, 2)), np.zeros(len(OPENFACE)), pair)
    (tmp_path / "csv" / "a.csv").write_text(text.replace("anchor_y_2", "somewhere"))
    (tmp_path / "imgs" / "a.png").write_bytes(images.encode_png(np.zeros((64, 64, 3), np.uint8)))
    out = preprocess(tmp_path / "imgs", tmp_path / "csv", tmp_path / "out", code=2)
    assert rejected(out) == {"a": "missing_column"}
