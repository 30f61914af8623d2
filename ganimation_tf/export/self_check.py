"""An export against the Keras networks that it came from.

The export is loaded by a fresh process, without Keras, into a session: what only works beside the
code that made it, or only outside a session, is nothing for TensorFlow Serving. That process is
this file, run by its name.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from ganimation_tf import processes
from ganimation_tf.export import signature
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.export.request_samples import sample_inputs
from ganimation_tf.faces import images

TOLERANCE = 1e-5
"""Largest difference of any value in [0, 1]."""

BATCH_SIZES = (1, 3)
SEED = 1  # other requests than those of the warm-up
TIMEOUT_SECONDS = 900


class SelfCheckError(RuntimeError):
    """An export does not compute what its networks compute."""


def check_export(directory: pathlib.Path, served, card: ModelCard) -> None:
    """Compares every signature of the SavedModel in `directory` with `served`'s Keras models.

    Both sides compute on the CPU: a GPU may choose another algorithm each time.

    Args:
        served: the `ServedModel` that was saved.

    Raises:
        SelfCheckError: naming the signature, the output and the difference.
    """
    answers = _answers_of_a_fresh_process(directory)
    for rows in BATCH_SIZES:
        expected = _expected(served, card, rows)
        for key, wanted in expected.items():
            _compare(f"{directory.name}: {key}", answers[key], wanted)
        card_key = f"{signature.DESCRIBE}/{rows}/{signature.CARD}"
        if answers[card_key].tolist() != [card.to_json()] * rows:
            raise SelfCheckError(f"{card_key} is not the model card")


def _compare(key: str, answered: np.ndarray, wanted: np.ndarray) -> None:
    # A PNG rounds to whole gray levels.
    limit = TOLERANCE + (0.5 / 255 if key.endswith(signature.IMAGE_BYTES) else 0.0)
    if answered.shape != wanted.shape:
        raise SelfCheckError(f"{key} must have shape {wanted.shape}, got {answered.shape}")
    difference = float(np.abs(answered - wanted).max())
    if not difference <= limit:  # written so that NaN is refused
        raise SelfCheckError(
            f"{key} must equal Keras's to {limit:.1e}, differs by {difference:.1e}"
        )


def _expected(served, card: ModelCard, rows: int) -> dict[str, np.ndarray]:
    import tensorflow as tf

    from ganimation_tf.export.editor import EDITED

    inputs = sample_inputs(card, rows, SEED)
    wanted = inputs[signature.RENDER][signature.ACTION_UNITS]
    encoded = inputs[signature.EDIT][signature.IMAGE_BYTES]
    # TensorFlow's JPEG decoder may differ from Pillow's by a gray level; the export has the former.
    decoded = [tf.io.decode_image(picture, channels=3).numpy() for picture in encoded]
    pictures = (np.stack(decoded) / 255).astype(np.float32)
    models = served.keras_models
    from_source = inputs[signature.FROM_SOURCE]
    with tf.device("CPU"):
        edited = models.editor([pictures, wanted])
        of_records = models.source_editor([pictures, from_source[signature.SOURCE], wanted])
        expected = {
            signature.RENDER: models.editor([from_source[signature.IMAGE], wanted]),
            signature.FROM_SOURCE: models.source_editor(
                [from_source[signature.IMAGE], from_source[signature.SOURCE], wanted]
            ),
            signature.ESTIMATE: models.estimator(pictures),
            signature.FROM_EXAMPLES: models.estimator(pictures),
        }
    names = {
        f"{name}/{rows}/{signature.IMAGE if output == EDITED else output}": values.numpy()
        for name, outputs in expected.items()
        for output, values in outputs.items()
    }
    return names | {
        f"{name}/{rows}/{signature.IMAGE_BYTES}": outputs[EDITED].numpy()
        for name, outputs in ((signature.EDIT, edited), (signature.FROM_EXAMPLES, of_records))
    }


def _answers_of_a_fresh_process(directory: pathlib.Path) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "answers.npz"
        no_gpu = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        try:
            done = subprocess.run(
                processes.command(__name__, str(directory), str(path)),
                env=processes.environment() | no_gpu,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise SelfCheckError(
                f"{directory} gave no answers within {TIMEOUT_SECONDS} seconds"
            ) from error
        if done.returncode:
            raise SelfCheckError(
                f"{directory} cannot be loaded again: {done.stderr.strip()[-2000:]}"
            )
        with np.load(path, allow_pickle=False) as answers:
            return dict(answers)


def _answer(directory: pathlib.Path, path: pathlib.Path) -> None:
    """The fresh process: runs every signature and writes what it answers."""
    import tensorflow as tf

    text = (directory / "assets.extra" / signature.MODEL_CARD).read_text()
    card = ModelCard.from_json(text)
    answers = {}
    # A session, as TensorFlow Serving has: a model can work without one and fail in it.
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(directory))
        for rows in BATCH_SIZES:
            for name, inputs in sample_inputs(card, rows, SEED).items():
                declared = loaded.signature_def[name]
                feed = {declared.inputs[alias].name: array for alias, array in inputs.items()}
                wanted = {alias: info.name for alias, info in declared.outputs.items()}
                for alias, array in session.run(wanted, feed).items():
                    answers[f"{name}/{rows}/{alias}"] = _plain(alias, array)
    np.savez(path, allow_pickle=False, **answers)


def _plain(alias: str, array: np.ndarray) -> np.ndarray:
    """Numbers or text: nothing that NumPy could only store as pickled objects."""
    if alias == signature.IMAGE_BYTES:
        return np.stack([images.decode(png) for png in array.ravel()]) / 255
    if alias == signature.CARD:
        return np.array([text.decode() for text in array])
    return array


if __name__ == "__main__":
    _answer(*map(pathlib.Path, sys.argv[1:]))
