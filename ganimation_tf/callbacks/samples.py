"""Pictures of the same faces, over the whole run."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from ganimation_tf import contact_sheet, dataset, images


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
        source, target = self.faces[dataset.ACTION_UNITS], self.faces[dataset.TARGET]
        edited = self.model([original, source, target])
        cycled = self.model([edited["image"], target, source])["image"]
        attention = tf.repeat(edited["attention"], 3, axis=-1) * 2.0 - 1.0
        columns = (original, attention, edited["color"], edited["image"], cycled)
        cells = tf.stack(columns, axis=1).numpy()
        pictures = as_uint8(cells.reshape(-1, *cells.shape[2:]))
        return contact_sheet.grid(list(pictures), len(self.COLUMNS), titles=self.COLUMNS)


def as_uint8(values: np.ndarray) -> np.ndarray:
    """[-1, 1] as uint8, rounded."""
    return np.clip(np.round((np.asarray(values) + 1.0) * 127.5), 0, 255).astype(np.uint8)
