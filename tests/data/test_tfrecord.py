import io

import pytest
import tensorflow as tf

from ganimation_tf.data import tfrecord

PAYLOADS = [b"", b"one", bytes(range(256)) * 40]


def framed(*payloads: bytes) -> bytes:
    file = io.BytesIO()
    for payload in payloads:
        tfrecord.write(file, payload)
    return file.getvalue()


def test_tensorflow_reads_what_is_written(tmp_path):
    (tmp_path / "a.tfrecord").write_bytes(framed(*PAYLOADS))
    dataset = tf.data.TFRecordDataset(str(tmp_path / "a.tfrecord"))
    assert list(dataset.as_numpy_iterator()) == PAYLOADS


def test_bytes_are_those_of_tensorflow(tmp_path):
    path = str(tmp_path / "a.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for payload in PAYLOADS:
            writer.write(payload)
    assert (tmp_path / "a.tfrecord").read_bytes() == framed(*PAYLOADS)


def test_read_is_the_inverse_of_write():
    assert list(tfrecord.read(io.BytesIO(framed(*PAYLOADS)))) == PAYLOADS
    assert list(tfrecord.read(io.BytesIO(b""))) == []


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-1], "TFRecord 1: file ends inside its 6 bytes"),
        (lambda data: data[: 16 + 3 + 5], "TFRecord 1: file ends inside the length"),
        (lambda data: data[: 16 + 3 + 12], "TFRecord 1: file ends inside its 6 bytes"),
        (lambda data: b"\x04" + data[1:], "TFRecord 0: checksum of the length"),
        (lambda data: data.replace(b"second", b"Second"), "TFRecord 1: checksum of the data"),
    ],
)
def test_damage_is_named(damage, message):
    data = damage(framed(b"abc", b"second"))
    with pytest.raises(ValueError, match=message):
        list(tfrecord.read(io.BytesIO(data)))
