"""What a judge that does not train says of a run's edits, where no truth is known."""

import logging
import time

import keras
import numpy as np

from ganimation_tf.evaluation.baselines import Network
from ganimation_tf.evaluation.edits import edited
from ganimation_tf.evaluation.intervals import mean
from ganimation_tf.evaluation.judged import Reader, judge_edits
from ganimation_tf.evaluation.judges import Judge
from ganimation_tf.evaluation.samples import Samples, requests

ERROR = "val_judge_error"
"""The judge's AU error of the edits beside that of the inputs: 1 is as good as doing nothing."""

FACES = 64
"""Eval faces that are edited, of as many people as there are."""

BATCH = 16

log = logging.getLogger(__name__)


class JudgedEdits(keras.callbacks.Callback):
    """Adds `val_judge_error` to the logs of epochs, every few minutes and at the run's end.

    Must stand before the callbacks that log and choose by it. Everything but the clock that says
    when it is due depends on the run alone.

    Args:
        judge: of AUs.
        samples: the faces, the same all the time.
        minutes: least time between two of its judgements; 0: at the end of each epoch.
        total_steps: generator updates of the whole run.
    """

    def __init__(self, judge: Judge, samples: Samples, minutes: float, total_steps: int):
        super().__init__()
        self.samples = samples
        self.minutes = minutes
        self.total_steps = total_steps
        self._reader = Reader(judge, samples)
        self._requests = requests(samples)
        self._judged_at = -np.inf

    def on_epoch_end(self, epoch, logs=None):
        due = time.monotonic() - self._judged_at >= 60 * self.minutes
        if not due and self.model.step < self.total_steps:
            return
        self._judged_at = time.monotonic()
        error = self.judge()
        if np.isfinite(error):
            logs[ERROR] = error
        else:
            log.warning("%s finds no face in the eval faces", self._reader.judge.name)

    def judge(self) -> float:
        """The error of the networks as they are now; NaN if no face can be read."""
        model = Network(
            self.samples.names,
            self.samples.crop,
            self.model.inference_generator,
            self.model.relative,
        )
        faces = self.samples.take(self._requests.sources)
        targets = self._requests.targets
        edits = edited(model, faces.images, faces.action_units, targets, BATCH)
        judgement = judge_edits(self._reader, self.samples, self._requests, edits)
        return mean(judgement.rows) / mean(judgement.copy_rows)
