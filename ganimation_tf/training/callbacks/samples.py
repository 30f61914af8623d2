"""Pictures of the same faces, over the whole run."""

import pathlib
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from ganimation_tf.faces import images
from ganimation_tf.files import write_whole
from ganimation_tf.media import contact_sheet, timelapse
from ganimation_tf.training.callbacks.shown_edits import ShownEdits
from ganimation_tf.training.callbacks.summaries import write_image
from ganimation_tf.training.callbacks.windows import passed
from ganimation_tf.training.inputs import ACTION_UNITS, IMAGE, TARGET, TRUTH

GRIDS, SWEEPS = 40, 5
"""How often in a run each kind is drawn, after the one before training (see `is_early`)."""

LEAST_STEPS = 25
"""Between two of them: a short run must not spend its time on pictures."""

INTENSITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
SHOWN_SIDE = 96
"""Smaller crops are shown larger, each pixel as a square."""

NAMED_CHANGES = 3
"""AUs that a row names: those that change most."""


class SampleGrid(keras.callbacks.Callback):
    """The same faces again and again: PNG files, TensorBoard's images, and a GIF at the end.

    `step-0000120.png`: a row for each face: input, result, attention (white keeps the pixel),
    color, and the truth, or, where none is known, the way back to the input's own AUs.
    `sweep-0000120.png`: one face, a row for each AU, which goes from 0 to 1 while the others stay.
    Which steps are drawn depends on the length of the run only, so that a run that was interrupted
    draws the same.

    Args:
        edits: of the faces that are shown, all of them.
        action_units: the N names.
        run: the run's directory.
        writer: TensorBoard's.
        total_steps: generator updates of the whole run.
    """

    COLUMNS = ("input", "result", "attention", "color")

    def __init__(
        self, edits: ShownEdits, action_units: Sequence[str], run, writer, total_steps: int
    ):
        super().__init__()
        self.edits = edits
        self.action_units = tuple(action_units)
        self.run: pathlib.Path = run
        self.writer = writer
        self.total_steps = total_steps

    def on_train_begin(self, logs=None):
        if self.model.step == 0:
            self._write(0, "step", self.render())

    def on_train_batch_end(self, batch, logs=None):
        step, total, together = self.model.step, self.total_steps, self.model.steps_per_execution
        if due(step, total, GRIDS, together) or is_early(step, total, together):
            self._write(step, "step", self.render())
        if due(step, total, SWEEPS, together):
            self._write(step, "sweep", self.render_sweep())

    def on_epoch_end(self, epoch, logs=None):
        # Before the last state is saved: after it the run is finished, and nobody comes back.
        if self.model.step >= self.total_steps:
            timelapse.write(self.run / "samples", self.run / "samples.gif")

    def _write(self, step: int, kind: str, grid: np.ndarray) -> None:
        png = images.encode_png(grid, level=3)
        write_whole(self.run / "samples" / f"{kind}-{step:07d}.png", png)
        write_image(self.writer, step, "samples" if kind == "step" else "sweep", grid, png)

    def render(self) -> np.ndarray:
        """The grid of faces as uint8 (height, width, 3)."""
        faces, edited = self.edits.faces, self.edits.now(self.model)
        original, own, target = faces[IMAGE], faces[ACTION_UNITS], faces[TARGET]
        if TRUTH in faces:
            last, beside = "truth", faces[TRUTH]
        else:
            back = self.edits.of(self.model, edited["image"], target, own)
            last, beside = "cycle", back["image"]
        attention = tf.repeat(edited["attention"], 3, axis=-1) * 2.0 - 1.0
        columns = (original, edited["image"], attention, edited["color"], beside)
        cells = tf.stack(columns, axis=1).numpy()
        _frame(cells[:, self.COLUMNS.index("attention")])
        rows = [
            changes(before, after, self.action_units)
            for before, after in zip(own.numpy(), target.numpy(), strict=True)
        ]
        return _sheet(cells.reshape(-1, *cells.shape[2:]), (*self.COLUMNS, last), rows)

    def render_sweep(self) -> np.ndarray:
        """The grid of the first face's AUs as uint8 (height, width, 3)."""
        faces = self.edits.faces
        image, own = faces[IMAGE][:1], faces[ACTION_UNITS][0].numpy()
        cells = []
        for unit in range(len(own)):  # row by row, to need no more memory than a batch
            wanted = np.tile(own, (len(INTENSITIES), 1))
            wanted[:, unit] = INTENSITIES
            images_of_row = tf.repeat(image, len(wanted), axis=0)
            source = tf.constant(np.tile(own, (len(wanted), 1)))
            edited = self.edits.of(self.model, images_of_row, source, tf.constant(wanted))
            cells += [image[0].numpy(), *edited["image"].numpy()]
        rows = [
            f"{name}\n{value:.2f} now" for name, value in zip(self.action_units, own, strict=True)
        ]
        titles = ("input", *(f"{intensity:.2f}" for intensity in INTENSITIES))
        return _sheet(np.stack(cells), titles, rows)


def due(step: int, total_steps: int, times: int, together: int = 1) -> bool:
    """Whether a picture that is drawn `times` in a run is drawn at a step; the last is one.

    Args:
        together: steps since the last one that was asked of.
    """
    every = max(LEAST_STEPS, total_steps // times)
    return passed(step, every, together) or step == total_steps


def is_early(step: int, total_steps: int, together: int = 1) -> bool:
    """Whether a grid is drawn before the first that is due: after 25 steps, 50, 100, 200, ...

    Hours of a slow machine need not pass before there is something to see.
    """
    doubles = step // LEAST_STEPS
    grows = doubles.bit_length() > ((step - together) // LEAST_STEPS).bit_length()
    return grows and step < total_steps // GRIDS


def changes(before: np.ndarray, after: np.ndarray, names: Sequence[str]) -> str:
    """The AUs that change most, one a line: `AU12 0.10 > 0.85`."""
    order = np.argsort(-np.abs(after - before), kind="stable")[:NAMED_CHANGES]
    return "\n".join(f"{names[i]} {before[i]:.2f} > {after[i]:.2f}" for i in order)


def _frame(masks: np.ndarray) -> None:
    """Draws a dark rim into pictures (B, S, S, 3): a white mask is lost on white paper."""
    for edge in (0, -1):
        masks[:, edge] = masks[:, :, edge] = -0.5


def _sheet(cells: np.ndarray, titles: Sequence[str], rows: Sequence[str]) -> np.ndarray:
    times = -(-SHOWN_SIDE // cells.shape[1])
    pictures = as_uint8(cells).repeat(times, axis=1).repeat(times, axis=2)
    return contact_sheet.grid(list(pictures), len(titles), titles=titles, row_titles=rows)


def as_uint8(values: np.ndarray) -> np.ndarray:
    """[-1, 1] as uint8, rounded."""
    return np.clip(np.round((np.asarray(values) + 1.0) * 127.5), 0, 255).astype(np.uint8)
