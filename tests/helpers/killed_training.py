"""Run by test_checkpoints.py in a process of its own: a training that kills itself.

    python killed_training.py DATA RUNS WHERE STEP

WHERE says at what moment of step STEP the process ends by SIGKILL: `step` (when it is done and,
within an epoch, saved), `log` (when the epoch's line is in metrics.jsonl and its state is not yet
saved), `write` (in the middle of writing the state), `rename` (when it is written and has not its
name yet) or `never`.
"""

import dataclasses
import os
import pathlib
import signal
import sys

import tensorflow as tf

import tiny
from ganimation_tf.training import train
from ganimation_tf.training.callbacks import checkpoints, metrics_log
from ganimation_tf.training.plan import make_plan

CONFIG = dataclasses.replace(
    tiny.CONFIG, average=0.9, jitter=0.1, target_sampling="balanced", conditioning="film"
)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(where: str, step: int) -> None:
    """Has the process die there."""

    def at_step(model) -> bool:
        return model.step == step

    def dying_after(method):
        def call(self, *args, **kwargs):
            result = method(self, *args, **kwargs)
            if at_step(self.model):
                die()
            return result

        return call

    cls = checkpoints.Checkpoints
    if where == "step":
        cls.on_train_batch_end = dying_after(cls.on_train_batch_end)
    elif where == "log":
        log = metrics_log.MetricsLog
        log.on_epoch_end = dying_after(log.on_epoch_end)
    elif where in ("write", "rename"):
        save, write = cls.save, tf.train.Checkpoint.write

        def armed_save(self):
            if at_step(self.model):
                if where == "rename":
                    pathlib.Path.replace = lambda *_: die()
                else:
                    tf.train.Checkpoint.write = torn_write
            save(self)

        def torn_write(self, prefix):
            write(self, prefix)
            data = pathlib.Path(f"{prefix}.data-00000-of-00001")
            data.write_bytes(data.read_bytes()[:1000])
            die()

        cls.save = armed_save


def main() -> None:
    data, runs, where, step = sys.argv[1:]
    arm(where, int(step))
    plan = make_plan(pathlib.Path(data), CONFIG, "tiny")
    print(train.train(plan, pathlib.Path(runs), checkpoint_minutes=0))


if __name__ == "__main__":
    main()
