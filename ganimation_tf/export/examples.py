"""Serialized records to what an edit needs, inside the TensorFlow graph."""

import tensorflow as tf

from ganimation_tf.data import records


def parse_examples(
    serialized: tf.Tensor, action_units: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Records (B,) to encoded pictures (B,), source AUs and wanted AUs float32 (B, N).

    Where a record says nothing of wanted AUs, they are those that it shows.

    Args:
        serialized: as `records.encode` or `records.with_target` makes them.
        action_units: N.

    Raises, when the graph runs:
        tf.errors.InvalidArgumentError: for what is no such record or has another number of AUs.
    """
    spec = {
        records.IMAGE: tf.io.FixedLenFeature((), tf.string),
        records.ACTION_UNITS: tf.io.FixedLenFeature((action_units,), tf.float32),
        records.TARGET: tf.io.RaggedFeature(tf.float32),
    }
    parsed = tf.io.parse_example(serialized, spec)
    source, given = parsed[records.ACTION_UNITS], parsed[records.TARGET]
    count = given.row_lengths()
    rule = f"{records.TARGET} must have {action_units} values or be left out; got, by row:"
    fits = tf.reduce_all((count == 0) | (count == action_units))
    with tf.control_dependencies([tf.debugging.Assert(fits, [rule, count])]):
        target = given.to_tensor(shape=(None, action_units))
    return parsed[records.IMAGE], source, tf.where(count[:, None] == 0, source, target)
