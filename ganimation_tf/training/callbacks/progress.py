"""How far training is: a line every few seconds."""

import pathlib
import resource
import sys
import time

import keras
import tensorflow as tf

from ganimation_tf.training import truth


class Progress(keras.callbacks.Callback):
    """A line every few seconds: step, rate, time to go, memory, and the terms that tell most.

    The rate is that since the first step of this process and includes evaluations and
    checkpoints; the terms are means over the steps since the last line.

    Args:
        total_steps: generator updates of the whole run.
        images_per_step: images that one of them takes, over all critic updates.
        write: takes a line.
    """

    SECONDS = 10.0
    EARLY = 2
    """Executions after which there is a line in any case: it says how long it all will take."""

    SHOWN = (
        "critic_action_units",
        "generator_action_units",
        "critic_realism",
        "cycle",
        truth.ERROR,
        "mask_mean",
    )

    def __init__(self, total_steps: int, images_per_step: int, write=print):
        super().__init__()
        self.total_steps = total_steps
        self.images_per_step = images_per_step
        self.write = write
        self._first: int | None = None

    def on_train_begin(self, logs=None):
        if self._first is not None:  # `fit` goes on
            return
        self._first = self.model.step
        self._times = 0
        self._clear()
        self.write(f"step {self._first}/{self.total_steps}: the first takes longer, it is compiled")

    def on_train_batch_end(self, batch, logs=None):
        now, step = time.monotonic(), self.model.step
        self._times += 1
        self._seen += 1
        terms = self.model.step_terms()
        for name in self.SHOWN:
            self._sums[name] += terms.get(name, 0.0)  # none of the truth without pairs
        if self._times == 1:
            self._began = self._last = now  # the rate leaves compilation out
            self._counted = step
        elif (
            self._times == 1 + self.EARLY
            or now - self._last >= self.SECONDS
            or step == self.total_steps
        ):
            self._last = now
            means = {name: total / self._seen for name, total in self._sums.items()}
            self.write(self._line(step, (step - self._counted) / (now - self._began), means))
            self._clear()

    def _clear(self):
        self._sums, self._seen = dict.fromkeys(self.SHOWN, 0.0), 0

    def _line(self, step: int, steps_per_second: float, means) -> str:
        weights = self.model.loss_weights
        told = [f"AU error: critic {means['critic_action_units']:.4f}"]
        if weights.uses_critic:
            told[0] += f", generator {means['generator_action_units']:.4f}"
        if weights.realism:
            told.append(f"realism gap {-means['critic_realism']:.3f}")
        if weights.cycle:
            told.append(f"cycle {means['cycle']:.3f}")
        if weights.of_truth:
            told.append(f"error to the truth {means[truth.ERROR]:.3f}")
        return (
            f"step {step}/{self.total_steps}  "
            f"{steps_per_second * self.images_per_step:.1f} images/s  "
            f"{clock((self.total_steps - step) / steps_per_second)} to go  "
            f"{memory()}  {'  '.join(told)}  attention {means['mask_mean']:.2f}"
        )


def clock(seconds: float) -> str:
    """`3:07`, or `1:02:03` from an hour on."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def memory() -> str:
    """What this process holds now and, where there are GPUs, the most that one has held."""
    text = f"{resident_bytes() / 2**30:.1f} GiB"
    gpus = tf.config.list_logical_devices("GPU")
    if gpus:
        info = tf.config.experimental.get_memory_info
        peaks = [info(f"GPU:{number}")["peak"] for number in range(len(gpus))]
        text += f", GPU at most {max(peaks) / 2**30:.1f} GiB"
    return text


def resident_bytes() -> int:
    """Resident memory; its highest value so far on systems that do not tell the present one."""
    try:
        pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize()
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
