"""Formats beside the SavedModel, by Keras's own export, each checked in its own runtime.

`editor`, `source_editor` and `estimator` become files (see `editor` for what goes in and out).
They take and give arrays; decoding pictures, the checks of the values and the model card's
signature exist in the SavedModel only.
"""

import logging
import pathlib
import sys
import warnings
from collections.abc import Callable, Mapping

import keras
import numpy as np

from ganimation_tf.errors import UserError, require
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.export.signature import ACTION_UNITS, IMAGE, SOURCE

SAVED_MODEL = "saved_model"

CONVERTED = {"litert": ".tflite", "onnx": ".onnx", "openvino": ".xml"}
"""Format, as `keras.Model.export` names it, and the ending of its file."""

_PACKAGES = {
    "onnx": ("onnx", "tf2onnx", "onnxruntime"),
    "openvino": ("openvino", "scipy"),  # Keras's converter imports SciPy
}

TOLERANCE = 1e-4
"""Largest difference of any value in [0, 1] from Keras: other runtimes sum in another order."""

BATCH_SIZES = (1, 3)

Arrays = Mapping[str, np.ndarray]


def require_packages(format: str) -> None:
    """Raises `UserError` naming what must be installed for `format`."""
    for package in _PACKAGES.get(format, ()):
        require(package, "formats")


def convert(served, card: ModelCard, directory: pathlib.Path, format: str) -> None:
    """Writes the models in `format` and compares each with Keras.

    Args:
        served: the `ServedModel` with the Keras models.

    Raises:
        UserError: if a model cannot be converted or computes something else afterwards.
    """
    for model in vars(served.keras_models).values():
        path = directory / f"{model.name}{CONVERTED[format]}"
        samples = [_sample(model, card, rows) for rows in BATCH_SIZES]
        expected = [_by_keras(model, inputs) for inputs in samples]
        try:
            _export(model, path, format)
            run = _RUNTIMES[format](path)
            answers = [run(inputs) for inputs in samples]
        # Three converters and three runtimes: each has exceptions of its own.
        except Exception as error:
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise UserError(f"{format} cannot hold this {model.name}: {reason}") from error
        for wanted, got in zip(expected, answers, strict=True):
            _compare(f"{format} changes the {model.name}", wanted, got)


def _compare(complaint: str, wanted: Arrays, got: Arrays) -> None:
    if set(wanted) != set(got):
        raise UserError(f"{complaint}: outputs must be {sorted(wanted)}, got {sorted(got)}")
    for name, array in wanted.items():
        if got[name].shape != array.shape:
            raise UserError(
                f"{complaint}: {name} must have shape {array.shape}, got {got[name].shape}"
            )
        difference = float(np.abs(got[name] - array).max())
        if not difference <= TOLERANCE:  # written so that NaN is refused
            raise UserError(
                f"{complaint}: {name} must equal Keras's to {TOLERANCE:.0e}, "
                f"differs by {difference:.1e}"
            )


def _sample(model: keras.Model, card: ModelCard, rows: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(rows)
    shapes = {
        IMAGE: (rows, card.crop.size, card.crop.size, 3),
        ACTION_UNITS: (rows, len(card.action_units)),
        SOURCE: (rows, len(card.action_units)),
    }
    return {
        tensor.name: rng.uniform(0, 1, shapes[tensor.name]).astype(np.float32)
        for tensor in model.inputs
    }


def _by_keras(model: keras.Model, inputs: Arrays) -> dict[str, np.ndarray]:
    import tensorflow as tf

    arrays = [inputs[tensor.name] for tensor in model.inputs]
    with tf.device("CPU"):  # as the other runtimes compute here
        outputs = model(arrays if len(arrays) > 1 else arrays[0])
    return {name: tensor.numpy() for name, tensor in outputs.items()}


def _export(model: keras.Model, path: pathlib.Path, format: str) -> None:
    # OpenVINO's converter reports its use over the network where this package is found.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the converters, on NumPy and on themselves
        model.export(str(path), format=format, verbose=False)


def _litert(path: pathlib.Path) -> Callable[[Arrays], Arrays]:
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it points to a package that takes its place one day
        interpreter = tf.lite.Interpreter(model_path=str(path))
    runner = interpreter.get_signature_runner()
    return lambda inputs: runner(**inputs)


def _onnx(path: pathlib.Path) -> Callable[[Arrays], Arrays]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, dict(inputs)), strict=True))


def _openvino(path: pathlib.Path) -> Callable[[Arrays], Arrays]:
    import openvino

    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(inputs: Arrays) -> Arrays:
        results = compiled(dict(inputs))
        return {output.any_name: results[output] for output in compiled.outputs}

    return run


_RUNTIMES = {"litert": _litert, "onnx": _onnx, "openvino": _openvino}
