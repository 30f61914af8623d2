"""Whatever a MODEL argument names, as one kind of object: crops and AUs in, edits out.

Shipped weights and LiteRT exports run in LiteRT, runs and SavedModels in TensorFlow, a served model
elsewhere. Nothing above this module can tell which.
"""

import pathlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np

from ganimation_tf import progress, quiet
from ganimation_tf.animation import pretrained
from ganimation_tf.animation.compose import Edit
from ganimation_tf.animation.litert_model import (
    EDITOR_FILE,
    ESTIMATOR_FILE,
    SOURCE_EDITOR_FILE,
    Arrays,
    LiteRtModel,
    edits_of,
)
from ganimation_tf.errors import UserError, as_user_error, require
from ganimation_tf.export import signature
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.export.model_directory import SAVED_MODEL_FILE, newest_version
from ganimation_tf.faces import images

ROWS = 8
"""Crops in one call."""

CONFIG_FILE = "config.json"

_SERVER = re.compile(r"[\w.\-]+:\d+|\[[0-9a-fA-F:]+\]:\d+")


class FaceModel(Protocol):
    """What an `Animator` needs of a model.

    Attributes:
        card: AU names, crop, name and version.
    """

    card: ModelCard

    def render(self, crops: np.ndarray, source: np.ndarray, target: np.ndarray) -> Iterator[Edit]:
        """An edit of each crop.

        Args:
            crops: float32 (B, S, S, 3) in [0, 1].
            source, target: float32 (B, N) in [0, 1].
        """

    def estimate(self, crops: np.ndarray) -> np.ndarray:
        """The AUs that crops (B, S, S, 3) show, float32 (B, N) in [0, 1]."""

    def close(self) -> None:
        """Ends what it holds open."""


class SignatureModel:
    """A model behind the signatures of `export.signature`.

    Args:
        call: name of a signature and arrays by name in, arrays by name out.
        signatures: the names that it has.
        close: ends what `call` needs.
    """

    def __init__(
        self,
        card: ModelCard,
        call: Callable[[str, Arrays], Arrays],
        signatures: Sequence[str],
        close: Callable[[], None] = lambda: None,
    ):
        self.card = card
        self.close = close
        self._call = call
        self._with_source = signature.FROM_SOURCE in signatures

    def render(self, crops, source, target) -> Iterator[Edit]:
        """As `FaceModel.render`; a model without the signature `edit` reads the source itself."""
        for rows in progress.batches(len(crops), ROWS):
            inputs = {signature.IMAGE: crops[rows], signature.ACTION_UNITS: target[rows]}
            if self._with_source:
                inputs[signature.SOURCE] = source[rows]
            name = signature.FROM_SOURCE if self._with_source else signature.RENDER
            yield from edits_of(self._call(name, inputs), signature.IMAGE)

    def estimate(self, crops) -> np.ndarray:
        """As `FaceModel.estimate`."""
        pixels = np.rint(crops * 255).astype(np.uint8)
        estimates = []
        for rows in progress.batches(len(crops), ROWS):
            encoded = np.array([images.encode_png(crop) for crop in pixels[rows]], object)
            answer = self._call(signature.ESTIMATE, {signature.IMAGE_BYTES: encoded})
            estimates.append(np.asarray(answer[signature.ACTION_UNITS]))
        return np.clip(np.concatenate(estimates), 0.0, 1.0)


def edits_over_time(
    model: FaceModel, crop: np.ndarray, source: np.ndarray, units: np.ndarray
) -> Iterator[Edit]:
    """An edit of one crop for each row of AUs; rows that return are computed once.

    Args:
        crop: float32 (S, S, 3) in [0, 1].
        source: float32 (N,).
        units: float32 (F, N).
    """
    distinct, places = np.unique(units, axis=0, return_inverse=True)
    places = places.reshape(-1)
    kept: dict[int, Edit] = {}
    left = np.bincount(places, minlength=len(distinct))
    for begin in range(0, len(units), ROWS):
        chunk = places[begin : begin + ROWS]
        fresh = [place for place in dict.fromkeys(chunk.tolist()) if place not in kept]
        crops = np.broadcast_to(crop, (len(fresh), *crop.shape)).astype(np.float32)
        sources = np.broadcast_to(source, (len(fresh), len(source))).astype(np.float32)
        targets = distinct[fresh].astype(np.float32)
        kept.update(zip(fresh, model.render(crops, sources, targets), strict=True))
        for place in chunk.tolist():
            yield kept[place]
            left[place] -= 1
            if not left[place]:
                del kept[place]


def names_server(name: str) -> bool:
    """Whether a MODEL is HOST:PORT."""
    return bool(_SERVER.fullmatch(name)) and not pathlib.Path(name).exists()


def open_model(path: pathlib.Path | str) -> FaceModel:
    """The model that a path names: a run, a `.keras` of a run, an export or a model directory.

    Raises:
        UserError: if it is none of them.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise UserError(f"{path}: no such run or export")
    for place in (path, *path.parents[:3]) if path.suffix == ".keras" else (path,):
        if (place / CONFIG_FILE).is_file():
            return open_run(place, path.parent if path != place else None)
    return open_export(path)


def open_run(run: pathlib.Path | str, networks: pathlib.Path | None = None) -> FaceModel:
    """The networks of a run, in this process.

    Args:
        networks: where in the run they are, `best/step-N` for one; None: the last ones.

    Raises:
        UserError: if it is no run or has no networks yet.
    """
    run = pathlib.Path(run)
    require("keras", "train")
    quiet.import_tensorflow()
    from ganimation_tf.export import versions
    from ganimation_tf.export.served_model import ServedModel

    generator, critic, card = versions.load_networks(run, networks or run)
    served = ServedModel(generator, critic, card, card.training["config"]["relative"])
    return _of_functions(card, served.signatures(), served)


def open_export(path: pathlib.Path | str) -> FaceModel:
    """An export: `<model_dir>/<version>`, a model directory, whose newest version is taken, or
    weights as `pretrained.save_weights` writes them.

    Raises:
        UserError: if it is none, or of a format that is not run here.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        path = newest_version(path) or path
    if (path / pretrained.CONFIG).is_file():
        return pretrained.load(path)
    editor = SOURCE_EDITOR_FILE if (path / SOURCE_EDITOR_FILE).is_file() else EDITOR_FILE
    if (path / editor).is_file():
        card = ModelCard.load(path / signature.MODEL_CARD)
        with as_user_error(f"{path}: the export is not whole"):
            networks = (path / editor).read_bytes(), (path / ESTIMATOR_FILE).read_bytes()
        return LiteRtModel(card, *networks, str(path))
    if not (path / SAVED_MODEL_FILE).is_file():
        raise UserError(
            f"{path} is neither a run ({CONFIG_FILE}) nor a SavedModel ({SAVED_MODEL_FILE}) nor a "
            f"LiteRT export ({EDITOR_FILE})"
        )
    require("tensorflow", "train")
    quiet.import_tensorflow()
    import tensorflow as tf

    with as_user_error(
        f"{path}: is not an export of this project",
        OSError,
        KeyError,
        ValueError,
        tf.errors.OpError,
    ):
        loaded = tf.saved_model.load(str(path))
        answer = loaded.signatures[signature.DESCRIBE](request=tf.constant([b"card"]))
    text = answer[signature.CARD].numpy()[0].decode()
    return _of_functions(ModelCard.from_json(text, str(path)), loaded.signatures, loaded)


def open_server(client) -> FaceModel:
    """The model that a `GanimationClient` reaches, pinned to the version that it serves now.

    The model closes the client; so does this, where it fails.
    """
    try:
        pinned = client.pinned()
        signatures = list(pinned.metadata())
        return SignatureModel(pinned.describe(), pinned.predict, signatures, pinned.close)
    except BaseException:
        client.close()
        raise


def _of_functions(card: ModelCard, functions, owner) -> SignatureModel:
    """Of TensorFlow's functions by signature; `owner` keeps their variables alive."""
    import tensorflow as tf

    def call(name: str, inputs: Arrays, owner=owner) -> Arrays:
        tensors = {key: tf.constant(value) for key, value in inputs.items()}
        return {key: value.numpy() for key, value in functions[name](**tensors).items()}

    return SignatureModel(card, call, list(functions))
