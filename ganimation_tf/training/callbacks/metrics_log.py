"""`metrics.jsonl`: a line of numbers per epoch."""

import json
import pathlib
import time

import keras


class MetricsLog(keras.callbacks.Callback):
    """Appends a line of JSON per epoch to `path`: step, epoch, rates and all metrics."""

    def __init__(self, path: pathlib.Path, images_per_step: int):
        super().__init__()
        self.path = path
        self.images_per_step = images_per_step

    def on_epoch_begin(self, epoch, logs=None):
        self._began = time.monotonic()
        self._step = self.model.step

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self._began
        step = self.model.step
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
