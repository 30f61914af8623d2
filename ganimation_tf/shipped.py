"""Weights as they ship: float16 arrays by the names of variables, and how they are built again.

`ganimation_tf/weights/` holds `default.npz` and `default.json`, from which training goes on, beside
what `animation.pretrained` runs. Nothing here needs TensorFlow.
"""

import importlib.resources
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganimation_tf import files
from ganimation_tf.errors import UserError, as_user_error

ARRAYS, CONFIG = "default.npz", "default.json"
GENERATOR, ESTIMATOR = "generator", "estimator"


def directory() -> pathlib.Path:
    """Where the shipped weights lie."""
    return pathlib.Path(str(importlib.resources.files("ganimation_tf") / "weights"))


def read_config(path: pathlib.Path) -> dict[str, Any]:
    """What `save_weights` was given, and the card.

    Raises:
        UserError: if it cannot be read.
    """
    try:
        return json.loads((path / CONFIG).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{path} has no weights ({CONFIG}): name a model, with --model or --server"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path / CONFIG}: cannot be read: {error}") from error


def read_weights(path: pathlib.Path | str | None = None) -> dict[str, dict[str, np.ndarray]]:
    """`generator` and `estimator`, each with float32 arrays by the path of the variable.

    Raises:
        UserError: if the file cannot be read.
    """
    path = (directory() if path is None else pathlib.Path(path)) / ARRAYS
    weights: dict[str, dict[str, np.ndarray]] = {GENERATOR: {}, ESTIMATOR: {}}
    arrays = files.read_arrays(path, "weights")
    with as_user_error(f"{path}: cannot be read as weights", KeyError):
        for key, array in arrays.items():
            network, _, name = key.partition("/")
            weights[network][name] = array.astype(np.float32)
    return weights


def assign(network, arrays: Mapping[str, np.ndarray], where: str) -> None:
    """Gives a Keras model these weights.

    Raises:
        UserError: if names or shapes differ.
    """
    shapes = {variable.path: tuple(variable.shape) for variable in network.variables}
    given = {name: array.shape for name, array in arrays.items()}
    if shapes != given:
        odd = sorted(set(shapes.items()) ^ set(given.items()), key=str)[0]
        raise UserError(f"{where}: the weights are of another network: {odd[0]} {odd[1]}")
    for variable in network.variables:
        variable.assign(arrays[variable.path])
