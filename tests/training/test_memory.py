"""Faces in memory: who is whose partner, and batches of pairs."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

import tiny
from ganimation_tf.config import LossWeights
from ganimation_tf.training import dataset, memory

WEIGHTS = LossWeights(truth=1.0)
CONFIG = dataclasses.replace(
    tiny.CONFIG, critic_steps=1, batch_size=4, seed=3, loss_weights=WEIGHTS, target_noise=0.0
)


def faces(pairs=(b"a", b"a", b"b", b"", b"b", b"b", b"c", b"")):
    """Faces whose grey, 10 x index, and first AU, index / 100, tell which they are."""
    count = len(pairs)
    grey = 10 * np.arange(count, dtype=np.uint8)[:, None, None, None]
    images = np.broadcast_to(grey, (count, tiny.SIZE, tiny.SIZE, 3))
    units = np.zeros((count, 3), np.float32)
    units[:, 0] = np.arange(count) / 100
    return memory.Faces(tf.constant(images), units, memory.group_pairs(pairs), tiny.SIZE)


def take(count, start=0, **changes):
    config = dataclasses.replace(CONFIG, **changes)
    elements = dataset.of_faces(faces(), config, start).take(count)
    return [{name: value.numpy() for name, value in element.items()} for element in elements]


def test_a_pair_needs_two_pictures_and_a_name():
    groups = faces().groups
    assert groups[0] == groups[1] != groups[2]
    assert groups[2] == groups[4] == groups[5]
    assert (groups[[3, 6, 7]] == memory.UNPAIRED).all()
    assert faces().paired == 5


def test_each_other_picture_of_a_pair_is_a_partner():
    partners = memory.Partners(faces().groups)
    actual = {
        index: {int(partners(tf.constant(index), tf.constant(steps))[0]) for steps in range(6)}
        for index in range(8)
    }
    assert actual == {0: {1}, 1: {0}, 2: {4, 5}, 4: {2, 5}, 5: {2, 4}, 3: {3}, 6: {6}, 7: {7}}
    assert [bool(partners(tf.constant(i), tf.constant(0))[1]) for i in range(8)] == [
        True, True, True, False, True, True, False, False,
    ]  # fmt: skip


def test_the_target_is_the_partners_and_the_truth_its_picture():
    seen = 0
    for element in take(20):
        shown, wanted = element["action_units"][..., 0], element["target_action_units"][..., 0]
        image, truth = (element[name][..., 0, 0, 0] for name in ("image", "truth"))
        np.testing.assert_allclose(image, 1000 * shown, atol=1e-3)
        known = element["has_truth"] == 1
        np.testing.assert_allclose(truth[known], 1000 * wanted[known], atol=1e-3)
        np.testing.assert_array_equal(truth[~known], image[~known])
        assert (image != truth)[known].all()
        seen += known.sum()
    assert seen == 20 * 4 * 5 / 8  # 10 epochs, of which 5 of 8 faces have a partner


def test_both_pictures_of_a_pair_are_mirrored_or_neither():
    half = np.zeros((2, tiny.SIZE, tiny.SIZE, 3), np.uint8)
    half[:, :, : tiny.SIZE // 2] = 255
    pair = memory.Faces(
        tf.constant(half), np.zeros((2, 3), np.float32), np.zeros(2, np.int32), tiny.SIZE
    )
    left = []
    for element in dataset.of_faces(pair, CONFIG).take(20):
        np.testing.assert_array_equal(element["image"], element["truth"])
        left += list(element["image"].numpy()[:, 0, 0, 0, 0] == 255)
    assert 20 < sum(left) < 60  # of 80: 4.5 standard deviations


@pytest.mark.parametrize("start", [1, 2, 3, 5])
def test_a_run_goes_on_with_the_examples_that_it_would_have_seen(start):
    changes = {"augmentation": 1.0}
    whole, rest = take(7, **changes), take(7 - start, start, **changes)
    for a, b in zip(whole[start:], rest, strict=True):
        assert set(a) == set(b) >= {"augmentation", "truth", "has_truth"}
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])


def test_without_weights_of_truth_there_are_no_pairs():
    (element,) = take(1, loss_weights=LossWeights())
    assert set(element) == {"image", "action_units", "target_action_units", "epsilon"}


def test_encoded_faces_give_the_same_elements():
    decoded = faces()
    encoded = tf.stack([tf.io.encode_png(image) for image in decoded.images])
    other = dataclasses.replace(decoded, images=encoded)
    for a, b in zip(
        dataset.of_faces(decoded, CONFIG).take(3),
        dataset.of_faces(other, CONFIG).take(3),
        strict=True,
    ):
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])
