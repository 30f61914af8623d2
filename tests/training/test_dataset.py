"""Batches for training: contents, determinism, where a run goes on."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

import tiny
from ganimation_tf.data import manifest
from ganimation_tf.errors import UserError
from ganimation_tf.training import dataset

CONFIG = dataclasses.replace(tiny.CONFIG, batch_size=2, critic_steps=3, target_noise=0.1, seed=7)


@pytest.fixture
def data(tmp_path):
    return tmp_path, tiny.write_dataset(tmp_path)


def take(data, count, start_step=0, **changes):
    directory, facts = data
    config = dataclasses.replace(CONFIG, **changes)
    elements = dataset.training(directory, facts, config, start_step).take(count)
    actual = [{name: value.numpy() for name, value in element.items()} for element in elements]
    for element in actual:
        assert element["image"].dtype == (np.float32 if config.jitter else np.uint8)
        element["image"] = dataset.memory.to_networks(tf.constant(element["image"])).numpy()
    return actual


def test_training_element_shapes_and_ranges(data):
    (element,) = take(data, 1)
    assert element["image"].shape == (2, 3, tiny.SIZE, tiny.SIZE, 3)
    assert element["image"].min() >= -1 and element["image"].max() <= 1
    assert element["action_units"].shape == element["target_action_units"].shape == (2, 3, 3)
    assert element["epsilon"].shape == (2, 3)
    assert 0 <= element["epsilon"].min() and element["epsilon"].max() < 1
    assert len(np.unique(element["epsilon"])) == 6  # one number per image


def test_images_keep_their_action_units(data):
    for element in take(data, 4):
        brightness = (element["image"].min(axis=(2, 3, 4)) + 1) * 127.5  # 10 * index
        np.testing.assert_allclose(element["action_units"][..., 0], brightness / 1000, atol=1e-6)


def test_one_epoch_holds_every_image_once(data):
    elements = take(data, 2)  # 2 x 2 x 3 = 12 images
    indices = np.concatenate([element["action_units"][..., 0].ravel() for element in elements])
    np.testing.assert_allclose(np.sort(indices), np.arange(12) / 100, atol=1e-6)


def test_epochs_differ_in_order(data):
    elements = take(data, 4)
    first, second = elements[:2], elements[2:]
    order = [
        np.concatenate([e["action_units"][..., 0].ravel() for e in x]) for x in (first, second)
    ]
    assert not np.array_equal(*order)
    np.testing.assert_allclose(np.sort(order[0]), np.sort(order[1]))


def test_images_are_flipped_about_half_of_the_time(data):
    images = np.concatenate([element["image"] for element in take(data, 40)])
    left_is_white = images.reshape(-1, tiny.SIZE, tiny.SIZE, 3)[:, 0, 0, 0] == 1.0
    assert 0.35 < left_is_white.mean() < 0.65  # 240 draws: 4.6 standard deviations


def test_target_is_a_training_face_plus_noise_entry_by_entry_of_one_face(data):
    for element in take(data, 5):
        target = element["target_action_units"].reshape(-1, 3)
        # AU12 is 0.5 on every face: what differs from it is the noise, within +-0.1.
        assert np.abs(target[:, 1] - 0.5).max() <= 0.1
        # AU45 is 0 or 0.5 by the face's parity.
        parity = target[:, 2] > 0.25
        np.testing.assert_allclose(target[:, 2], parity * 0.5, atol=0.1)
        assert target[:, 0].min() >= -0.1 and target[:, 0].max() <= 0.11 + 0.1


def test_without_noise_targets_are_whole_rows_of_the_training_set(data):
    rows = {(round(i / 100, 4), 0.5, (i % 2) / 2) for i in range(12)}
    for element in take(data, 5, target_noise=0.0):
        for target in element["target_action_units"].reshape(-1, 3):
            assert tuple(round(float(value), 4) for value in target) in rows


def test_same_seed_same_elements_other_seed_others(data):
    first, again, other = take(data, 3), take(data, 3), take(data, 3, seed=8)
    for a, b in zip(first, again, strict=True):
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])
    assert any(
        not np.array_equal(a["image"], b["image"]) for a, b in zip(first, other, strict=True)
    )


@pytest.mark.parametrize("start", [1, 2, 3, 4])  # 2 elements of 6 images are an epoch of 12
def test_start_step_gives_what_an_uninterrupted_run_would_see(data, start):
    changes = {"jitter": 0.2, "target_sampling": "balanced"}
    whole, rest = take(data, 5, **changes), take(data, 5 - start, start, **changes)
    for a, b in zip(whole[start:], rest, strict=True):
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])


def test_jitter_changes_brightness_and_contrast_within_its_bounds(data):
    plain, jittered = take(data, 6), take(data, 6, jitter=0.1)
    for a, b in zip(plain, jittered, strict=True):
        assert not np.array_equal(a["image"], b["image"])
        assert b["image"].min() >= -1 and b["image"].max() <= 1
        # Brightness moves a pixel by up to 0.1 of the range of 2; contrast then moves it by up to
        # 0.1 of its distance from the image's mean, which is at most 2.
        assert np.abs(a["image"] - b["image"]).max() <= 0.2 + 0.2 + 1e-6
        for name in ("action_units", "target_action_units", "epsilon"):
            np.testing.assert_array_equal(a[name], b[name])


def test_evaluation_has_each_face_once_in_order_with_the_next_ones_target(data):
    directory, facts = data
    batches = list(dataset.evaluation(directory, facts, batch_size=3))
    assert [len(batch["image"]) for batch in batches] == [3, 1]
    units = np.concatenate([batch["action_units"] for batch in batches])
    target = np.concatenate([batch["target_action_units"] for batch in batches])
    np.testing.assert_allclose(units[:, 0], np.arange(4) / 100, atol=1e-7)
    np.testing.assert_allclose(target[:, 0], np.array([1, 2, 3, 0]) / 100, atol=1e-7)


@pytest.mark.parametrize(("at_most", "seen"), [(2, [0, 2]), (3, [0, 1, 2]), (9, [0, 1, 2, 3])])
def test_a_large_evaluation_is_of_faces_all_over_the_split(data, at_most, seen):
    directory, facts = data
    every = list(dataset.evaluation(directory, facts, batch_size=1))
    chosen = list(dataset.evaluation(directory, facts, batch_size=1, at_most=at_most))
    assert len(every) == 4 and len(chosen) == len(seen)
    for one, place in zip(chosen, seen, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], every[place][name])


@pytest.mark.parametrize(
    ("batch_size", "replicas", "sizes"), [(4, 2, [4]), (2, 2, [2, 2]), (9, 4, [4]), (9, 3, [3])]
)
def test_devices_that_share_an_evaluation_get_full_batches_only(data, batch_size, replicas, sizes):
    directory, facts = data
    batches = dataset.evaluation(directory, facts, batch_size=batch_size, replicas=replicas)
    assert [len(batch["image"]) for batch in batches] == sizes
    assert len(batches) == len(sizes)


def test_a_missing_shard_is_named(data):
    directory, facts = data
    (directory / "eval-00000-of-00001.tfrecord").unlink()
    with pytest.raises(UserError, match="eval-00000-of-00001.tfrecord is missing"):
        dataset.shard_paths(directory, facts, manifest.EVAL)


def test_an_empty_split_is_named(tmp_path):
    facts = tiny.write_dataset(tmp_path, evaluation=0)
    with pytest.raises(UserError, match="split 'eval' has no records"):
        dataset.shard_paths(tmp_path, facts, manifest.EVAL)
