"""The states of a run, from which it goes on after any interruption as if there had been none.

A state is a directory, `checkpoints/step-0000120/`, made under another name and renamed when it
is whole. Whatever moment a process is killed at, the newest such directory is a good one. It holds
the networks, the optimizers, the averages of the epoch's metrics so far, and how long each log was
when it was taken: what was logged after it is cut off, to be logged again.
"""

import contextlib
import json
import logging
import pathlib
import shutil
import time
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf

from ganimation_tf.errors import UserError, reason
from ganimation_tf.files import PARTIAL, whole
from ganimation_tf.training import runs, workers
from ganimation_tf.training.best import is_best
from ganimation_tf.training.callbacks import health
from ganimation_tf.training.callbacks.health import require_finite_weights
from ganimation_tf.training.model import GANimation
from ganimation_tf.training.runs import saved_states, saved_step

KEPT = 3
"""States that are kept, the newest."""

APPENDED = (runs.METRICS, health.FILE)
"""Files of a run that only grow."""

STATE, PROGRESS = "state", "progress.json"

DAMAGE = (
    tf.errors.DataLossError,
    tf.errors.OutOfRangeError,
    tf.errors.NotFoundError,
    FileNotFoundError,
    IndexError,  # TensorFlow's reader, at the end of a file
    ValueError,  # of JSON
    KeyError,
)
"""What reading a torn or incomplete state raises. Anything else is no fault of the state."""

log = logging.getLogger(__name__)


class Interrupted(Exception):
    """Training was asked to stop, and has saved its state."""


class Checkpoints(keras.callbacks.Callback):
    """Saves a run's state every few minutes and at the end of each epoch.

    Must be the last of the callbacks: what the others do at the end of an epoch belongs to it.

    Args:
        run: its directory.
        minutes: time between two states within an epoch; 0: after every step.
        score: takes an epoch's logs; the networks with the lowest are kept in `best/`. None from
            it: this epoch has no score. The first of another kind is the best so far.

    Attributes:
        stop_requested: set from a signal handler: save at the end of this step and stop.
    """

    def __init__(self, run: pathlib.Path, minutes: float, score):
        super().__init__()
        self.run = run
        self.minutes = minutes
        self.score = score
        self.stop_requested = False
        self._directory = run / "checkpoints"
        self._best: dict = {}
        self._metrics: list | None = None
        self._saved_at = time.monotonic()

    def restore(self, model: GANimation, source: pathlib.Path | None = None) -> int:
        """Puts the newest good state into `model`; returns its step, 0 if there is none.

        Args:
            source: another run to read the states of, and to leave as it is.

        Raises:
            UserError: if there are states and none can be read, or one is of another model.
        """
        self.set_model(model)
        with writing(self.run):
            for place in (self.run, self.run / runs.BEST, self._directory):
                for path in place.glob(PARTIAL):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        run = source or self.run
        states, damaged = saved_states(run), []
        for path in reversed(states):
            try:
                progress = json.loads((path / PROGRESS).read_text())
                _read_state(model, str(path / STATE))
            except DAMAGE as error:
                log.warning("%s is damaged and left out: %s", path, reason(error))
                damaged.append(path)
                continue
            except AssertionError as error:
                message = f"{path} is not a state of these networks: {reason(error)}"
                raise UserError(message) from error
            self._best = progress["best"]
            self._metrics = [variable.numpy() for variable in model.metrics_variables]
            if source is not None:
                return progress["step"]
            self._cut_logs(progress["lengths"])
            with writing(self.run):
                for other in damaged:  # out of the way of the state that will have its name
                    other.rename(other.with_name(f"damaged-{other.name}"))
            return progress["step"]
        if states:
            raise UserError(f"{run}: none of its {len(states)} saved states can be read")
        self._cut_logs(dict.fromkeys(APPENDED, 0))
        return 0

    def _cut_logs(self, lengths: Mapping[str, int]) -> None:
        """Cuts off what was logged after the state was taken."""
        with writing(self.run):
            for name, length in lengths.items():
                if (self.run / name).exists():
                    with (self.run / name).open("r+b") as file:
                        file.truncate(min(length, (self.run / name).stat().st_size))

    def on_epoch_begin(self, epoch, logs=None):
        if self._metrics is not None:  # an epoch's averages go on where they were
            for variable, value in zip(self.model.metrics_variables, self._metrics, strict=True):
                variable.assign(value)
            self._metrics = None

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 == self.params["steps"]:
            return  # the epoch's end saves, when what belongs to it is done
        due = time.monotonic() - self._saved_at >= 60 * self.minutes
        # Together: saving asks every machine for its part.
        due, stop = workers.any_of(self.model.distribute_strategy, due, self.stop_requested)
        if due or stop:
            self.save()
        if stop:
            raise Interrupted

    def on_epoch_end(self, epoch, logs=None):
        require_finite_weights(self.model)
        with writing(self.run):
            self._save_networks(self.run)
            score = self.score(logs or {})
            if score is not None and is_best(score, self._best):
                step = self.model.step
                self._best = {"kind": score.kind, "score": score.value, "step": step}
                self._save_best(self.run / runs.BEST / f"step-{step:07d}")
        # The averages are reset where an epoch begins: a state at its end is one at that beginning.
        self.model.reset_metrics()
        self.save()
        if workers.any_of(self.model.distribute_strategy, self.stop_requested)[0]:
            raise Interrupted

    def save(self) -> None:
        """Writes a state whole or not at all, then deletes what is no longer needed.

        Raises:
            UserError: if it cannot be written; the states before are as they were.
        """
        require_finite_weights(self.model)
        step = self.model.step
        final = self._directory / f"step-{step:07d}"
        with writing(self.run), whole(final) as partial:
            partial.mkdir()
            state = tf.train.Checkpoint(**_state_of(self.model), **_metrics_of(self.model))
            state.write(str(partial / STATE))
            files = {name: self.run / name for name in APPENDED}
            lengths = {n: path.stat().st_size if path.exists() else 0 for n, path in files.items()}
            progress = {"step": step, "best": self._best, "lengths": lengths}
            (partial / PROGRESS).write_text(json.dumps(progress) + "\n")
        self._saved_at = time.monotonic()
        with writing(self.run):
            for path in saved_states(self.run)[:-KEPT]:
                shutil.rmtree(path)
            for path in (self.run / runs.BEST).glob("step-*"):
                if path.name != f"step-{self._best.get('step', -1):07d}":
                    shutil.rmtree(path)

    def _save_best(self, final: pathlib.Path) -> None:
        final.parent.mkdir(exist_ok=True)
        with whole(final) as partial:
            partial.mkdir()
            self._save_networks(partial)
            shutil.rmtree(final, ignore_errors=True)  # of a time before an interruption

    def _save_networks(self, directory: pathlib.Path) -> None:
        for network in (self.model.inference_generator, self.model.critic):
            with whole(directory / f"{network.name}.keras") as partial:
                network.save(partial)


def _state_of(model: GANimation) -> dict[str, Any]:
    """All that the rest of a training depends on, besides its config and data."""
    parts = {
        "generator": model.generator,
        "critic": model.critic,
        "generator_optimizer": model.optimizer,
        "critic_optimizer": model.critic_optimizer,
    }
    if model.average:
        parts["average"] = model.inference_generator
    return parts


def _metrics_of(model: GANimation) -> dict[str, Any]:
    # Keras's metrics are no trackable objects; their variables are.
    values = {m.name: [v.value for v in m.variables] for m in model.metrics}
    return {"metrics": values}


def _read_state(model: GANimation, path: str) -> None:
    """Reads what `save` wrote.

    A run that was begun when other metrics were tracked goes on; of those that are not in its
    state the epoch's averages begin anew.

    Raises:
        AssertionError: if the state lacks a variable of the networks or optimizers.
    """
    status = tf.train.Checkpoint(**_state_of(model)).read(path)
    status.assert_existing_objects_matched().expect_partial()
    tf.train.Checkpoint(**_metrics_of(model)).read(path).expect_partial()


@contextlib.contextmanager
def writing(run: pathlib.Path) -> Iterator[None]:
    """What goes wrong with a run's files becomes an error that says so.

    Raises:
        UserError: with the reason, and where the run stands.
    """
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        if isinstance(error, tf.errors.OpError) and str(run) not in str(error):
            raise  # not of a file of this run
        step = saved_step(run)
        kept = "no state is saved yet"
        if step:
            kept = f"its state of step {step} is kept, and the same command goes on from there"
        raise UserError(f"{run}: cannot be written: {reason(error)}; {kept}") from error
