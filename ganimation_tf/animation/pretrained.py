"""The weights that come with the package.

`save_weights` writes them (`examples/ship_weights.py` those of a run), `load` reads them in a
fraction of a second.
The package's directory holds `source_editor.tflite` and `estimator.tflite`, which is what runs
(LiteRT starts in 0.4 s, TensorFlow in 7), `default.npz`, the same weights by the names of their
variables, from which training goes on, and `default.json`. They are float16 everywhere, and nothing
is pickled.
"""

import json
import pathlib
import tempfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganimation_tf import files
from ganimation_tf.animation.litert_model import (
    ESTIMATOR_FILE,
    SOURCE_EDITOR_FILE,
    LiteRtModel,
)
from ganimation_tf.errors import UserError, as_user_error
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.shipped import (
    ARRAYS,
    CONFIG,
    ESTIMATOR,
    GENERATOR,
    directory,
    read_config,
)


def load(path: pathlib.Path | str | None = None, threads: int | None = None) -> LiteRtModel:
    """The model of a directory that `save_weights` wrote.

    Args:
        path: None for the one in the package.

    Raises:
        UserError: if it is not there or not whole.
    """
    path = directory() if path is None else pathlib.Path(path)
    card = read_card(path)
    with as_user_error(f"{path}: the weights are not whole"):
        editor = (path / SOURCE_EDITOR_FILE).read_bytes()
        estimator = (path / ESTIMATOR_FILE).read_bytes()
    return LiteRtModel(card, editor, estimator, str(path), threads)


def read_card(path: pathlib.Path) -> ModelCard:
    """The model card of a directory of weights."""
    config = read_config(path)
    if "card" not in config:
        raise UserError(f"{path / CONFIG} has no `card`, got {sorted(config)}")
    return ModelCard.from_json(json.dumps(config["card"]), str(path / CONFIG))


def save_weights(
    path: pathlib.Path | str,
    generator,
    estimator,
    config: Mapping[str, Any],
    card: ModelCard,
    relative: bool = True,
) -> None:
    """Writes a directory of weights, to be shipped as `ganimation_tf/weights`.

    Args:
        generator: as `networks.build_generator` builds it.
        estimator: Keras model of (B, S, S, 3) in [-1, 1] to a dict with `action_units` (B, N).
        config: how both networks are built again; plain JSON.
        card: AU names, crop, data, licences, evaluation.
        relative: whether the generator takes changes of the AUs.

    Raises:
        UserError: if it cannot be written.
    """
    path = pathlib.Path(path)
    path.mkdir(parents=True, exist_ok=True)
    arrays = {
        f"{name}/{variable.path}": np.asarray(variable.numpy(), np.float16)
        for name, network in ((GENERATOR, generator), (ESTIMATOR, estimator))
        for variable in network.variables
    }
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
        file.flush()
        files.write_whole(path / ARRAYS, pathlib.Path(file.name).read_bytes())
    files.write_json(path / CONFIG, {**config, "card": json.loads(card.to_json())})
    from ganimation_tf.animation import lite_export

    files.write_whole(path / SOURCE_EDITOR_FILE, lite_export.editor(generator, relative))
    files.write_whole(path / ESTIMATOR_FILE, lite_export.estimator(estimator))
