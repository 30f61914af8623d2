"""Watches a run: stops it at the first number that is not finite, and says what goes wrong."""

import dataclasses
import json
import logging
import math
import pathlib

import keras
import tensorflow as tf

from ganimation_tf.errors import UserError
from ganimation_tf.training.callbacks import judged
from ganimation_tf.training.callbacks.windows import Window
from ganimation_tf.training.diagnostics.monitor import Diagnosis, Monitor
from ganimation_tf.training.runs import saved_step

FILE = "health.jsonl"

log = logging.getLogger(__name__)


class Health(keras.callbacks.Callback):
    """Diagnoses on the log, in `health.jsonl` and in TensorBoard; raises `UserError` on NaN.

    It must stand before every callback that saves: a step whose numbers are not finite then ends
    training before anything of it is kept. What is on when a run goes on is read from the file;
    a symptom that had not lasted long enough for an alarm begins anew.

    Args:
        monitor: judges the numbers.
        run: directory of the run.
        writer: TensorBoard's.
    """

    def __init__(self, monitor: Monitor, run: pathlib.Path, writer: tf.summary.SummaryWriter):
        super().__init__()
        self.monitor = monitor
        self.path = run / FILE
        self.writer = writer
        self.window = Window(monitor.window)
        if self.path.exists():
            monitor.resume(map(json.loads, self.path.read_text().splitlines()))

    def on_train_batch_end(self, batch, logs=None):
        step = self.model.step
        terms = self.model.step_terms()
        self._require_finite(step, terms)
        means = self.window.add(step, terms, self.model.steps_per_execution)
        if means:
            for diagnosis in self.monitor.observe(step, means):
                self._tell(diagnosis)

    def on_epoch_end(self, epoch, logs=None):
        logs, step = logs or {}, self.model.step
        self._require_finite(step, logs)
        if judged.ERROR in logs:
            means = {name.removeprefix("val_"): value for name, value in logs.items()}
            for diagnosis in self.monitor.observe_judgement(step, means):
                self._tell(diagnosis)

    def on_train_end(self, logs=None):
        if self.monitor.raised and self.model.step >= self.monitor.total_steps:
            log.warning("health: at the end of training: %s", ", ".join(self.monitor.raised))

    def _require_finite(self, step: int, logs) -> None:
        wrong = [f"{name} is {value}" for name, value in logs.items() if not math.isfinite(value)]
        if not wrong:
            return
        rate = self.monitor.config.learning_rate
        message = (
            f"step {step}: {', '.join(wrong)}: training has diverged and is stopped; "
            f"{self._last_good()}; begin a new run with a lower --learning-rate (now {rate:g})"
        )
        self._tell(Diagnosis(step, "not_finite", "raised", message))
        raise UserError(message)

    def _last_good(self) -> str:
        run = self.path.parent
        saved = saved_step(run)
        if not saved:
            return "no state had been saved yet"
        return f"the last good state, of step {saved}, is in {run / 'checkpoints'}"

    def _tell(self, diagnosis: Diagnosis) -> None:
        if diagnosis.alarm != "not_finite":  # that is said by the error
            level = logging.WARNING if diagnosis.state == "raised" else logging.INFO
            log.log(level, "health: step %d: %s", diagnosis.step, diagnosis.message)
        with self.path.open("a") as file:
            file.write(json.dumps(dataclasses.asdict(diagnosis)) + "\n")
        with self.writer.as_default(step=diagnosis.step):
            tf.summary.text("health", f"**{diagnosis.alarm}** {diagnosis.message}")
        self.writer.flush()


def require_finite_weights(model: keras.Model) -> None:
    """To be called before a state is saved.

    The numbers of the step tell of every gradient that was not finite; this also finds a weight
    or a slot of an optimizer that a finite gradient has carried over the edge.

    Raises:
        UserError: naming the first variable that is not finite.
    """
    optimizers = (model.optimizer, model.critic_optimizer)
    slots = [variable for optimizer in optimizers for variable in optimizer.variables]
    for variable in [*model.variables, *slots]:
        value = tf.convert_to_tensor(variable)
        if value.dtype.is_floating and not bool(tf.reduce_all(tf.math.is_finite(value))):
            raise UserError(
                f"step {model.step}: {variable.path} is not finite: training "
                "has diverged and is stopped; nothing of this step is saved; begin a new run with "
                "a lower --learning-rate"
            )
