import dataclasses

import numpy as np
import pytest

import drawn_pairs
import ganimation_tf as gan
from ganimation_tf.data import manifest
from ganimation_tf.errors import UserError
from ganimation_tf.evaluation import samples as samples_lib
from ganimation_tf.faces import alignment
from ganimation_tf.faces.alignment import CropSpec


@pytest.fixture(scope="module")
def drawn():
    return drawn_pairs.draw(4, 3)


@pytest.fixture(scope="module")
def dataset(drawn, tmp_path_factory):
    directory = tmp_path_factory.mktemp("samples") / "data"
    drawn_pairs.write(directory, drawn_pairs.draw(2, 2, seed=9), drawn)
    return directory


def test_a_split_is_read_as_it_was_written(dataset, drawn):
    samples = samples_lib.load(dataset)
    order = np.argsort(drawn.keys)
    assert samples.keys == [drawn.keys[row] for row in order]
    assert np.array_equal(samples.images, drawn.images[order])
    assert np.array_equal(samples.action_units, drawn.action_units[order])
    assert samples.people == [drawn.people[row] for row in order]
    assert samples.pairs == [drawn.pairs[row] for row in order]
    assert (samples.names, samples.crop) == (drawn.names, drawn.crop)
    assert samples.digest == manifest.Manifest.load(dataset).digest()
    assert len(samples_lib.load(dataset, manifest.TRAIN)) == 4


@pytest.mark.parametrize("limit, people", [(3, 1), (6, 2), (12, 4), (100, 4)])
def test_a_limit_keeps_pairs_whole(dataset, limit, people):
    samples = samples_lib.load(dataset, limit=limit)
    assert len(samples) == min(limit, 12)
    assert len(set(samples.people)) == people
    assert len(samples_lib.requests(samples)) == len(samples)


def test_a_limit_takes_two_of_each_large_pair_before_more_of_one(tmp_path):
    many = drawn_pairs.draw(3, 7)
    drawn_pairs.write(tmp_path / "data", many, many)
    samples = samples_lib.load(tmp_path / "data", limit=8)
    assert sorted(map(samples.people.count, set(samples.people))) == [2, 2, 4]
    assert len(samples_lib.requests(samples)) == 8
    every = samples_lib.load(tmp_path / "data", limit=20)  # seven: two, two and three
    assert sorted(map(every.people.count, set(every.people))) == [6, 7, 7]


def test_without_pairs_a_limit_takes_all_people_first(tmp_path, drawn):
    unpaired = dataclasses.replace(drawn, pairs=[""] * len(drawn))
    drawn_pairs.write(tmp_path / "data", unpaired, unpaired)
    samples = samples_lib.load(tmp_path / "data", limit=5)
    assert len(samples) == 5 and len(set(samples.people)) == 4


def test_each_face_becomes_the_next_of_its_pair(drawn):
    asked = samples_lib.requests(drawn)
    assert asked.sources.tolist() == list(range(12))
    for source, wanted in zip(asked.sources, asked.truths, strict=True):
        assert drawn.pairs[source] == drawn.pairs[wanted] and source != wanted
    assert sorted(asked.truths.tolist()) == list(range(12))
    assert np.array_equal(asked.targets, drawn.action_units[asked.truths])


def test_faces_without_a_partner_are_left_out(drawn):
    pairs = [*drawn.pairs[:11], "alone"]
    asked = samples_lib.requests(dataclasses.replace(drawn, pairs=pairs))
    assert asked.sources.tolist() == list(range(11))


def test_a_split_that_is_not_there(dataset):
    with pytest.raises(UserError, match="split 'test' has no records"):
        samples_lib.load(dataset, "test")


def test_a_damaged_shard_is_named(dataset, tmp_path, drawn):
    drawn_pairs.write(tmp_path / "data", drawn, drawn)
    shard = tmp_path / "data" / "eval-00000-of-00001.tfrecord"
    shard.write_bytes(shard.read_bytes()[:-9])
    with pytest.raises(UserError, match="eval-00000-of-00001.tfrecord cannot be read"):
        samples_lib.load(tmp_path / "data")


@pytest.mark.parametrize(
    "have, want",
    [
        ((128, 0.15), (64, 0.15)),
        ((64, 0.15), (128, 0.15)),
        ((32, 0.15), (128, 0.15)),
        ((128, 0.3), (64, 0.1)),
        ((128, 0.2), (112, 0.15)),
        ((128, 0.15), (24, 0.0)),
    ],
)
def test_another_crop_shows_what_the_photo_s_own_would(drawn, have, want):
    """Photos that are redder to the right and greener below, so that colors tell the place, and
    so grainy that in the mean nothing is rounded."""
    landmarks = gan.render_face({}, size=256).landmarks
    anchors = alignment.anchors_from_landmarks(landmarks)
    grain = np.random.default_rng(0).normal(0, 4, (12, 256, 256, 3))
    colors = np.stack([*0.7 * np.mgrid[:256, :256][::-1], np.zeros((256, 256))], -1) + 30
    photos = np.rint(colors + grain).astype(np.uint8)
    have, want = CropSpec(*have), CropSpec(*want)
    transform = alignment.crop_transform(anchors, have)
    crops = np.stack([alignment.crop(photo, transform, have.size) for photo in photos])
    samples = dataclasses.replace(drawn.take([0] * 12), images=crops, crop=have)
    fitted, notes = samples_lib.fit_to(samples, samples.names, want)
    assert fitted.crop == want and len(notes) == 1
    transform = alignment.crop_transform(anchors, want)
    places = np.mgrid[: want.size, : want.size][::-1].transpose(1, 2, 0)
    expected = 0.7 * (places @ transform[:, :2].T + transform[:, 2]) + 30
    error = (fitted.images[..., :2] - expected).mean(0)
    assert np.abs(error.mean((0, 1))).max() < 0.25
    assert abs(error[:, -1, 0].mean() - error[:, 0, 0].mean()) < 0.25
    assert abs(error[-1, :, 1].mean() - error[0, :, 1].mean()) < 0.25


def test_a_crop_that_only_loses_its_margin_keeps_its_pixels(drawn):
    """101 - 1 pixels at margin 0.5 are 50 at margin 0, of the same size each."""
    images = np.random.default_rng(0).integers(0, 256, (2, 101, 101, 3), np.uint8)
    samples = dataclasses.replace(drawn.take([0, 1]), images=images, crop=CropSpec(101, 0.5))
    fitted, _ = samples_lib.fit_to(samples, samples.names, CropSpec(51, 0.0))
    np.testing.assert_array_equal(fitted.images, images[:, 25:76, 25:76])
    same, notes = samples_lib.fit_to(samples, samples.names, samples.crop)
    assert same.images is images and notes == []
