"""What goes wrong inside of TensorFlow while a run trains, in words that help."""

import contextlib
import importlib.util
from collections.abc import Iterator

import tensorflow as tf

from ganimation_tf.data.manifest import TRAIN
from ganimation_tf.errors import UserError, reason
from ganimation_tf.training import workers
from ganimation_tf.training.plan import Plan


@contextlib.contextmanager
def explained(plan: Plan) -> Iterator[None]:
    """What TensorFlow raises where the user can help, in words.

    Raises:
        UserError: if the memory does not suffice or the dataset cannot be read.
    """
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise UserError(
            f"the device's memory does not suffice: lower --batch-size (now "
            f"{plan.config.batch_size}) or the networks' filters; the same command goes on from "
            "the last saved state only with the same options"
        ) from error
    except workers.LOST as error:
        if workers.task_of_environment() is None:
            raise
        raise UserError(
            "another machine of the training is gone or out of reach; start the same command on "
            "all of them again: it goes on from the last saved state"
        ) from error
    except (tf.errors.DataLossError, tf.errors.NotFoundError) as error:
        damaged = _damaged_shard(plan) or reason(error)
        raise UserError(
            f"{plan.data} cannot be read to its end: {damaged}; see ganimation inspect"
        ) from error


def _damaged_shard(plan: Plan) -> str | None:
    """The first training file that cannot be read to its end, and why: TensorFlow names none.

    None where none is found, or the package that computes checksums is not here.
    """
    if importlib.util.find_spec("google_crc32c") is None:
        return None
    from ganimation_tf.data import tfrecord

    for shard in plan.manifest.splits[TRAIN]:
        try:
            with (plan.data / shard.file).open("rb") as file:
                for _ in tfrecord.read(file):
                    pass
        except (OSError, ValueError) as error:
            return f"{shard.file}: {reason(error)}"
    return None
