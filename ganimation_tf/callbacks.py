"""What happens at the end of an epoch: pictures, metrics and checkpoints."""

import json
import pathlib
import time

import keras
import numpy as np
import tensorflow as tf

from ganimation_tf import contact_sheet, dataset, images
from ganimation_tf.model import GANimation


class StopAtStep(keras.callbacks.Callback):
    """Ends training after `steps` generator updates, within an epoch if need be."""

    def __init__(self, steps: int):
        super().__init__()
        self.steps = steps

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.optimizer.iterations) >= self.steps:
            self.model.stop_training = True


class Progress(keras.callbacks.Callback):
    """A line every few seconds: step, rate, time to go, and the terms that tell most.

    Args:
        total_steps: generator updates of the whole run.
        images_per_step: images that one of them takes, over all critic updates.
        write: takes a line.
    """

    SECONDS = 10.0

    def __init__(self, total_steps: int, images_per_step: int, write=print):
        super().__init__()
        self.total_steps = total_steps
        self.images_per_step = images_per_step
        self.write = write

    def on_train_begin(self, logs=None):
        self._step = self._first = int(self.model.optimizer.iterations)
        self.write(f"step {self._step}/{self.total_steps}: the first takes longer, it is compiled")

    def on_train_batch_end(self, batch, logs=None):
        now = time.monotonic()
        self._step += 1
        if self._step == self._first + 1:
            self._began = self._last = now  # the rate leaves compilation out
        elif now - self._last >= self.SECONDS or self._step == self.total_steps:
            self._last = now
            self.write(self._line((self._step - self._first - 1) / (now - self._began), logs))

    def _line(self, steps_per_second: float, logs) -> str:
        left = (self.total_steps - self._step) / steps_per_second
        minutes, seconds = divmod(round(left), 60)
        return (
            f"step {self._step}/{self.total_steps}  "
            f"{steps_per_second * self.images_per_step:.1f} images/s  "
            f"{minutes}:{seconds:02d} to go  "
            f"AU error: critic {logs['critic_action_units']:.4f}, "
            f"generator {logs['generator_action_units']:.4f}  "
            f"realism gap {-logs['critic_realism']:.3f}  cycle {logs['cycle']:.3f}  "
            f"attention {logs['attention'] / 2:.2f}"
        )


class MetricsLog(keras.callbacks.Callback):
    """Appends a line of JSON per epoch to `path`: step, epoch, rates and all metrics."""

    def __init__(self, path: pathlib.Path, images_per_step: int):
        super().__init__()
        self.path = path
        self.images_per_step = images_per_step

    def on_epoch_begin(self, epoch, logs=None):
        self._began = time.monotonic()
        self._step = int(self.model.optimizer.iterations)

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self._began
        step = int(self.model.optimizer.iterations)
        facts = {
            "step": step,
            "epoch": epoch + 1,
            "seconds": round(seconds, 3),
            "images_per_second": round((step - self._step) * self.images_per_step / seconds, 2),
            "learning_rate": float(self.model.optimizer.learning_rate),
        }
        facts |= {name: float(value) for name, value in (logs or {}).items()}
        with self.path.open("a") as file:
            file.write(json.dumps(facts) + "\n")


class Checkpoints(keras.callbacks.Callback):
    """Keeps the last three states of the run, and both networks as `.keras` files."""

    def __init__(self, run: pathlib.Path):
        super().__init__()
        self.run = run

    def set_model(self, model: GANimation):
        super().set_model(model)
        self.manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(
                generator=model.generator,
                critic=model.critic,
                generator_optimizer=model.optimizer,
                critic_optimizer=model.critic_optimizer,
            ),
            str(self.run / "checkpoints"),
            max_to_keep=3,
        )

    def restore(self, model: GANimation) -> int:
        """Puts the last state into `model`; returns its step, 0 if there is none yet."""
        self.set_model(model)
        latest = self.manager.latest_checkpoint
        if latest is None:
            return 0
        self.manager.checkpoint.restore(latest).assert_consumed()
        return int(model.optimizer.iterations)

    def on_epoch_end(self, epoch, logs=None):
        self.manager.save(checkpoint_number=int(self.model.optimizer.iterations))
        for network in (self.model.generator, self.model.critic):
            path = self.run / f"{network.name}.keras"
            partial = path.with_suffix(".partial.keras")
            network.save(partial)
            partial.replace(path)


class SampleGrid(keras.callbacks.Callback):
    """The same faces after every epoch, as PNG and in TensorBoard.

    A row for each face: input, attention (white keeps the pixel), color, result, and the way back
    to the input's own AUs.

    Args:
        faces: a batch of `dataset.evaluation`; all of its faces are shown.
        directory: where `step-0000123.png` goes.
        logs: TensorBoard's log directory.
    """

    COLUMNS = ("input", "attention", "color", "result", "cycle")

    def __init__(self, faces, directory: pathlib.Path, logs: pathlib.Path):
        super().__init__()
        self.faces = faces
        self.directory = directory
        self.writer = tf.summary.create_file_writer(str(logs / "samples"))

    def on_train_begin(self, logs=None):
        self._write()

    def on_epoch_end(self, epoch, logs=None):
        self._write()

    def _write(self):
        step = int(self.model.optimizer.iterations)
        grid = self.render()
        path = self.directory / f"step-{step:07d}.png"
        path.write_bytes(images.encode_png(grid))
        with self.writer.as_default(step=step):
            tf.summary.image("samples", grid[None])

    def render(self) -> np.ndarray:
        """The grid as uint8 (height, width, 3)."""
        original = self.faces[dataset.IMAGE]
        edited = self.model([original, self.faces[dataset.TARGET]])
        cycled = self.model([edited["image"], self.faces[dataset.ACTION_UNITS]])["image"]
        attention = tf.repeat(edited["attention"], 3, axis=-1) * 2.0 - 1.0
        columns = (original, attention, edited["color"], edited["image"], cycled)
        cells = tf.stack(columns, axis=1).numpy()
        pictures = as_uint8(cells.reshape(-1, *cells.shape[2:]))
        return contact_sheet.grid(list(pictures), len(self.COLUMNS), titles=self.COLUMNS)


def as_uint8(values: np.ndarray) -> np.ndarray:
    """[-1, 1] as uint8, rounded."""
    return np.clip(np.round((np.asarray(values) + 1.0) * 127.5), 0, 255).astype(np.uint8)
