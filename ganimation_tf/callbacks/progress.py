"""How far training is: a line every few seconds."""

import time

import keras


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
