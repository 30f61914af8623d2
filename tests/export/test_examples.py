"""`edit_examples`: records as batch inference feeds them, against the other signatures."""

import numpy as np
import pytest
import tensorflow as tf

import tiny
from ganimation_tf.data import records
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.export.served_model import ServedModel
from ganimation_tf.faces import images
from ganimation_tf.faces.alignment import CropSpec

COUNT = len(tiny.UNITS)


@pytest.fixture(scope="module")
def signatures():
    networks = tiny.build_networks(relative=True)
    return ServedModel(*networks, ModelCard(tiny.UNITS, CropSpec(tiny.SIZE)), True).signatures()


def record(seed: int, units: int = COUNT) -> records.FaceRecord:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (tiny.SIZE, tiny.SIZE, 3), np.uint8)
    return records.FaceRecord(
        image=images.encode_png(pixels),
        format="png",
        size=tiny.SIZE,
        key=f"face/{seed}",
        action_units=rng.uniform(0, 1, units).astype(np.float32),
        confidence=1.0,
        subject=f"face/{seed}",
        transform=np.eye(2, 3, dtype=np.float32),
    )


def pixels_of(served: dict[str, tf.Tensor]) -> list[np.ndarray]:
    column = served["image_bytes"].numpy()
    assert column.shape == (len(served["action_units"]), 1)
    return [images.decode(data) for data in column[:, 0]]


def test_a_wanted_expression_is_what_edit_makes_of_it(signatures):
    faces = [record(seed) for seed in range(2)]
    wanted = np.random.default_rng(5).uniform(0, 1, (2, COUNT)).astype(np.float32)
    asked = [
        records.with_target(records.encode(face), target)
        for face, target in zip(faces, wanted, strict=True)
    ]
    served = signatures["edit_examples"](examples=tf.constant(asked))
    shown = np.stack([images.decode(face.image) for face in faces]).astype(np.float32) / 255
    expected = signatures["edit"](
        image=tf.constant(shown),
        source_action_units=tf.constant(np.stack([face.action_units for face in faces])),
        action_units=tf.constant(wanted),
    )["image"].numpy()
    for one, edited in zip(pixels_of(served), expected, strict=True):
        assert np.abs(one - edited * 255.0).max() <= 0.501  # a PNG has whole gray levels


def test_the_action_units_are_those_of_estimate(signatures):
    faces = [record(seed) for seed in range(3)]
    served = signatures["edit_examples"](examples=tf.constant([*map(records.encode, faces)]))
    seen = signatures["estimate"](image_bytes=tf.constant([face.image for face in faces]))
    np.testing.assert_allclose(served["action_units"], seen["action_units"], atol=1e-6)


def test_a_record_without_a_wish_keeps_its_pixels_beside_one_with(signatures):
    quiet, asking = record(0), record(1)
    wanted = 1 - asking.action_units
    rows = [records.encode(quiet), records.with_target(records.encode(asking), wanted)]
    first, second = pixels_of(signatures["edit_examples"](examples=tf.constant(rows)))
    np.testing.assert_array_equal(first, images.decode(quiet.image))
    assert np.any(second != images.decode(asking.image))


def test_a_record_of_this_dataset_can_ask_and_still_be_read():
    face, wanted = record(0), np.array([0.25, 0.5, 1.0], np.float32)
    asked = records.with_target(records.encode(face), wanted)
    assert records.decode(asked).key == face.key
    theirs = tf.train.Example.FromString(asked).features.feature["face/target_action_units"]
    assert list(theirs.float_list.value) == [0.25, 0.5, 1.0]


def wishing(values: list[float]) -> bytes:
    return records.with_target(records.encode(record(0)), np.array(values, np.float32))


@pytest.mark.parametrize(
    ("serialized", "message"),
    [
        (b"no record", "Could not parse example input"),
        (records.encode(record(0, COUNT - 1)), "face/action_units"),
        (wishing([0.5, 0.5]), f"face/target_action_units must have {COUNT} values or be left out"),
        (wishing([0.5] * (COUNT + 1)), "face/target_action_units must have"),
        (wishing([0.5, 0.5, 1.5]), r"face/target_action_units must be in \[0, 1\]"),
        (wishing([0.5, 0.5, float("nan")]), r"face/target_action_units must be in \[0, 1\]"),
    ],
)
def test_bad_records_are_invalid_arguments(signatures, serialized, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        signatures["edit_examples"](examples=tf.constant([serialized]))
