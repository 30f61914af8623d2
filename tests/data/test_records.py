import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.data import records
from ganimation_tf.faces import images


@pytest.fixture
def record() -> records.FaceRecord:
    pixels = np.zeros((16, 16, 3), np.uint8)
    return records.FaceRecord(
        image=images.encode_jpeg(pixels),
        format="jpeg",
        size=16,
        key="clips/ä b/0001#2",
        action_units=np.linspace(0, 1, len(OPENFACE), dtype=np.float32),
        confidence=0.975,
        subject="clips/ä b",
        transform=np.array([[1.5, -0.25, 10], [0.25, 1.5, 20]], np.float32),
    )


def tensorflow_example(record: records.FaceRecord) -> tf.train.Example:
    def texts(value):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    def floats(values):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))

    def whole(value):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    features = {
        "image/encoded": texts(record.image),
        "image/format": texts(record.format.encode()),
        "image/height": whole(record.size),
        "image/width": whole(record.size),
        "image/key": texts(record.key.encode()),
        "face/action_units": floats(record.action_units),
        "face/confidence": floats([record.confidence]),
        "face/subject": texts(record.subject.encode()),
        "face/transform": floats(record.transform.ravel()),
    }
    return tf.train.Example(features=tf.train.Features(feature=features))


def test_bytes_are_those_of_tensorflow(record):
    expected = tensorflow_example(record).SerializeToString(deterministic=True)
    assert records.encode(record) == expected


def test_tensorflow_parses_each_feature(record):
    parsed = tf.io.parse_single_example(
        records.encode(record),
        {
            records.IMAGE: tf.io.FixedLenFeature([], tf.string),
            records.FORMAT: tf.io.FixedLenFeature([], tf.string),
            records.HEIGHT: tf.io.FixedLenFeature([], tf.int64),
            records.WIDTH: tf.io.FixedLenFeature([], tf.int64),
            records.KEY: tf.io.FixedLenFeature([], tf.string),
            records.ACTION_UNITS: tf.io.FixedLenFeature([17], tf.float32),
            records.CONFIDENCE: tf.io.FixedLenFeature([], tf.float32),
            records.SUBJECT: tf.io.FixedLenFeature([], tf.string),
            records.TRANSFORM: tf.io.FixedLenFeature([2, 3], tf.float32),
        },
    )
    assert parsed[records.IMAGE].numpy() == record.image
    assert parsed[records.FORMAT].numpy() == b"jpeg"
    assert parsed[records.HEIGHT].numpy() == parsed[records.WIDTH].numpy() == 16
    assert parsed[records.KEY].numpy().decode() == record.key
    assert parsed[records.SUBJECT].numpy().decode() == record.subject
    assert parsed[records.CONFIDENCE].numpy() == np.float32(0.975)
    np.testing.assert_array_equal(parsed[records.ACTION_UNITS], record.action_units)
    np.testing.assert_array_equal(parsed[records.TRANSFORM], record.transform)


def test_decode_is_the_inverse_of_encode(record):
    decoded = records.decode(records.encode(record))
    for field in dataclasses.fields(records.FaceRecord):
        expected, actual = getattr(record, field.name), getattr(decoded, field.name)
        np.testing.assert_allclose(actual, expected) if field.name == "confidence" else (
            np.testing.assert_array_equal(actual, expected)
        )
    assert decoded.action_units.dtype == decoded.transform.dtype == np.float32


def test_decode_reads_what_tensorflow_wrote(record):
    assert records.decode(tensorflow_example(record).SerializeToString()).key == record.key


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        (records.IMAGE, r"image/encoded must have 1 value\(s\), found 0"),
        (records.TRANSFORM, r"face/transform must have 6 value\(s\), found 0"),
    ],
)
def test_decode_names_a_missing_feature(record, feature, message):
    example = tensorflow_example(record)
    del example.features.feature[feature]
    with pytest.raises(ValueError, match=message):
        records.decode(example.SerializeToString())
