"""Run by test_workers.py, a process for each worker, which `TF_CONFIG` tells who it is.

    python two_workers.py steps: five steps by `fit`; prints weights and logs
    python two_workers.py train DATA RUNS [stop|die]: a whole training; as the command line

With `stop` the process sends itself SIGTERM in the second step, with `die` SIGKILL in the third.
"""

import json
import os
import signal
import sys

from ganimation_tf import cli, quiet

quiet.import_tensorflow()

import keras  # noqa: E402, as the command imports it
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

import tiny  # noqa: E402
from ganimation_tf.training import devices, train, workers  # noqa: E402
from ganimation_tf.training.callbacks import checkpoints  # noqa: E402

BATCH = 4


def five_steps() -> dict:
    """All weights afterwards, and the logs of each step."""
    strategy = devices.choose_strategy()
    tf.config.experimental.enable_op_determinism()
    with strategy.scope():
        optimizers = (keras.optimizers.SGD(1e-3) for _ in range(2))
        model = tiny.build_model(*optimizers, average=0.5, relative=True)
    share = workers.share_of(strategy)
    faces = tf.data.Dataset.from_tensor_slices(tiny.batch(5 * BATCH)).enumerate()
    faces = faces.filter(lambda row, _: share.has_row(row, BATCH)).map(lambda _, face: face)
    steps: list = []
    each = keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: steps.append(logs))
    model.fit(
        workers.distributed(strategy, faces.batch(BATCH // share.replicas)),
        steps_per_epoch=5,
        epochs=1,
        verbose=0,
        shuffle=False,
        callbacks=[each],
    )
    return {
        "replicas": strategy.num_replicas_in_sync,
        "weights": np.concatenate([value.ravel() for value in model.get_weights()]).tolist(),
        "logs": [{name: float(value) for name, value in logs.items()} for logs in steps],
    }


class Ending(checkpoints.Checkpoints):
    """Ends the process after a step."""

    step, signal = 1, signal.SIGTERM

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.step == self.step:
            os.kill(os.getpid(), self.signal)


ENDINGS = {"stop": (1, signal.SIGTERM), "die": (2, signal.SIGKILL)}

OPTIONS = (
    *("--preset", "paper", "--steps", "3", "--filters", "4", "--residual-blocks", "1"),
    *("--critic-filters", "4", "--critic-layers", "3", "--batch-size", str(BATCH)),
    *("--critic-steps", "1", "--average", "0.5", "--checkpoint-minutes", "0"),
)


def whole(data: str, runs: str, ending: str = "") -> int:
    """The command `train`."""
    if ending:
        Ending.step, Ending.signal = ENDINGS[ending]
        train.Checkpoints = Ending
    return cli.main(["train", "--data", data, "--output", runs, *OPTIONS])


if __name__ == "__main__":
    if sys.argv[1] == "steps":
        print(json.dumps(five_steps()))
    else:
        sys.exit(whole(*sys.argv[2:]))
