"""Requests that a server runs before it lets a new version take over from the old one.

TensorFlow builds and tunes a graph when it first runs; without these the first callers of a
version would pay for that. The file is TensorFlow Serving's: a TFRecord of `PredictionLog` in
`assets.extra/tf_serving_warmup_requests` (tensorflow/serving, g3doc/saved_model_warmup.md).
"""

import pathlib
from collections.abc import Iterator

import tensorflow as tf

from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.export.request_samples import sample_inputs
from ganimation_tf.protos import serving_pb2, wire

FILE = "tf_serving_warmup_requests"
BATCH_SIZES = (1, 2, 8)
"""Rows of the requests; TensorFlow Serving takes at most 1000 requests in all."""


def requests(card: ModelCard) -> Iterator[serving_pb2.PredictionLog]:
    """One request for each signature and batch size."""
    for rows in BATCH_SIZES:
        for name, inputs in sample_inputs(card, rows).items():
            log = serving_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name = card.model_name
            request.model_spec.signature_name = name
            for alias, array in inputs.items():
                request.inputs[alias].CopyFrom(wire.to_tensor(array))
            yield log


def write(card: ModelCard, extra: pathlib.Path) -> None:
    """Writes the requests into the export's `assets.extra` directory."""
    with tf.io.TFRecordWriter(str(extra / FILE)) as writer:
        for log in requests(card):
            writer.write(log.SerializeToString(deterministic=True))
