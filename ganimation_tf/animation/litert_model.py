"""A model as LiteRT files: shipped weights, and exports in that format."""

from collections.abc import Iterator, Mapping

import numpy as np

from ganimation_tf import litert
from ganimation_tf.animation.compose import Edit
from ganimation_tf.export import signature
from ganimation_tf.export.model_card import ModelCard

Arrays = Mapping[str, np.ndarray]

EDITED = "edited_image"
"""What `export.editor` calls the result; that module brings TensorFlow."""
SOURCE_EDITOR_FILE = "source_editor.tflite"
EDITOR_FILE, ESTIMATOR_FILE = "editor.tflite", "estimator.tflite"
"""Of a LiteRT export; an older one has no editor that takes the source's AUs."""


class LiteRtModel:
    """An export in LiteRT's format. Not to be shared between threads.

    Args:
        editor, estimator: the two files.
        where: their directory, for errors.
        threads: of each network; None lets LiteRT choose.
    """

    def __init__(
        self,
        card: ModelCard,
        editor: bytes,
        estimator: bytes,
        where: str,
        threads: int | None = None,
    ):
        self.card = card
        self._editor = _runner(editor, f"{where}: the editor", threads)
        self._estimator = _runner(estimator, f"{where}: the estimator", threads)
        self._with_source = signature.SOURCE in self._editor.get_input_details()

    def render(self, crops, source, target) -> Iterator[Edit]:
        """As `FaceModel.render`, one by one: two threads share one crop's convolutions."""
        for row in range(len(crops)):
            one = slice(row, row + 1)
            inputs = {signature.IMAGE: crops[one], signature.ACTION_UNITS: target[one]}
            if self._with_source:
                inputs[signature.SOURCE] = source[one]
            outputs = self._editor(**inputs)
            name = signature.IMAGE if signature.IMAGE in outputs else EDITED
            yield from edits_of(outputs, name)

    def estimate(self, crops) -> np.ndarray:
        """As `FaceModel.estimate`."""
        rows = [self._estimator(image=crop[None])[signature.ACTION_UNITS] for crop in crops]
        return np.clip(np.concatenate(rows), 0.0, 1.0)

    def close(self) -> None:
        """Nothing is open."""


def _runner(content: bytes, where: str, threads: int | None):
    return litert.load(content, where, threads).get_signature_runner()


def edits_of(outputs: Arrays, image: str) -> Iterator[Edit]:
    """The rows of a model's outputs; `image` is what the result is called."""
    flow = outputs.get(signature.FLOW)
    for row in range(len(outputs[image])):
        yield Edit(
            image=np.asarray(outputs[image][row]),
            attention=np.asarray(outputs[signature.ATTENTION][row]),
            color=np.asarray(outputs[signature.COLOR][row]),
            flow=None if flow is None else np.asarray(flow[row]),
        )
