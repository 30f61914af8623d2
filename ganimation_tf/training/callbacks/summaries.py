"""What TensorBoard shows of a run in numbers: curves and histograms."""

import pathlib
from collections.abc import Iterable, Mapping

import keras
import numpy as np
import tensorflow as tf
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.histogram.summary_v2 import histogram_pb
from tensorboard.plugins.image.metadata import create_summary_metadata
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.util.tensor_util import make_tensor_proto

from ganimation_tf.training.callbacks.shown_edits import ShownEdits
from ganimation_tf.training.callbacks.windows import Window, passed

CURVE_POINTS = 1000
HISTOGRAMS = 20
SHOWN_WEIGHTS = 10_000
"""Weights of a variable that its histogram counts, evenly spread over it."""


class Summaries(keras.callbacks.Callback):
    """Train and eval curves under the same names, the learning rate, and histograms.

    Masks and weights are drawn about `HISTOGRAMS` times in a run, at steps that an interruption
    does not move. The first curve point after one is the mean of the steps since it.

    Args:
        train, evaluation: TensorBoard's writers of the two splits.
        edits: whose masks are counted.
        total_steps: generator updates of the whole run.
    """

    def __init__(self, train, evaluation, edits: ShownEdits, total_steps: int):
        super().__init__()
        self.train = train
        self.evaluation = evaluation
        self.edits = edits
        self.total_steps = total_steps
        self.histogram_steps = max(1, total_steps // HISTOGRAMS)
        self.window = Window(max(1, total_steps // CURVE_POINTS))

    def on_train_batch_end(self, batch, logs=None):
        step, together = self.model.step, self.model.steps_per_execution
        means = self.window.add(step, self.model.step_terms(), together)
        if means:
            rate = {"learning_rate": float(self.model.optimizer.learning_rate)}
            _scalars(self.train, step, means | rate)
        if passed(step, self.histogram_steps, together) or step == self.total_steps:
            self._histograms(step)

    def on_epoch_end(self, epoch, logs=None):
        step = self.model.step
        validation = {
            name.removeprefix("val_"): v for name, v in logs.items() if name[:4] == "val_"
        }
        _scalars(self.evaluation, step, validation)

    def _histograms(self, step: int) -> None:
        masks = self.edits.now(self.model)["attention"]
        shown = {"mask": np.ravel(masks)}
        for network in (self.model.generator, self.model.critic):
            for variable in network.trainable_variables:
                if len(variable.shape) > 1:  # kernels; scales and biases say little
                    shown[f"{network.name}/{variable.path}"] = spread(variable)
        # Counted by numpy: tf.summary.histogram takes some thirty operations for each.
        _write(self.train, step, (histogram_pb(name, values) for name, values in shown.items()))


def writer(directory: pathlib.Path) -> tf.summary.SummaryWriter:
    """A writer of TensorBoard's files."""
    return tf.summary.create_file_writer(str(directory))


def write_image(writer: tf.summary.SummaryWriter, step: int, tag: str, picture, png: bytes) -> None:
    """Shows a picture (height, width, 3), encoded already: tf.summary.image would do it again."""
    height, width, _ = picture.shape
    summary, texts = Summary(), [str(width).encode(), str(height).encode(), png]
    summary.value.add(
        tag=tag,
        metadata=create_summary_metadata(display_name=None, description=None),
        tensor=make_tensor_proto(np.array(texts, object)),
    )
    _write(writer, step, [summary])


def _scalars(writer: tf.summary.SummaryWriter, step: int, values: Mapping[str, float]) -> None:
    _write(writer, step, (scalar_pb(name, value) for name, value in values.items()))


def _write(writer: tf.summary.SummaryWriter, step: int, summaries: Iterable[Summary]) -> None:
    """All in one operation."""
    whole = Summary()
    for summary in summaries:
        whole.MergeFrom(summary)
    with writer.as_default(step=step):
        tf.summary.experimental.write_raw_pb(whole.SerializeToString())
    writer.flush()


def spread(variable) -> np.ndarray:
    """At most `SHOWN_WEIGHTS` of a variable's entries, evenly spread."""
    flat = np.ravel(keras.ops.convert_to_numpy(variable))
    return flat[:: -(-flat.size // SHOWN_WEIGHTS)]
