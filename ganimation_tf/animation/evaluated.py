"""Whatever a MODEL argument names, as what `evaluation` measures."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ganimation_tf import quiet
from ganimation_tf.animation import models, pretrained
from ganimation_tf.data import manifest
from ganimation_tf.errors import UserError, require
from ganimation_tf.evaluation import baselines, samples
from ganimation_tf.evaluation.edits import Editor

INPUT, MEAN_EDIT, UNTRAINED, PRETRAINED = "input", "mean-edit", "untrained", "pretrained"

NAMES: Mapping[str, str] = {
    INPUT: "the input itself",
    MEAN_EDIT: "the average change of each AU, from the pairs of the training split; "
    "mean-edit=DATASET: of another dataset's",
    UNTRAINED: "a generator with its initial weights",
    PRETRAINED: "the weights that ship",
}
"""Names that are no files."""

MEAN_FACES = 2000
"""Faces of the training split that the mean edit is learnt from."""


class EvaluatedModel:
    """An `edits.Editor` of an opened model."""

    def __init__(self, name: str, model: models.FaceModel):
        self.name = name
        self.action_units = tuple(model.card.action_units)
        self.crop = model.card.crop
        self.model = model

    def edit(
        self, images: np.ndarray, source_aus: np.ndarray, target_aus: np.ndarray
    ) -> Mapping[str, np.ndarray]:
        """`image` and `attention`, as `Editor.edit`."""
        made = list(self.model.render(images, source_aus, target_aus))
        return {
            "image": np.stack([edit.image for edit in made]),
            "attention": np.stack([edit.attention for edit in made]),
        }

    def estimate(self, images: np.ndarray) -> np.ndarray:
        """The AUs that the model sees, as `Editor.estimate`."""
        return self.model.estimate(images)


def is_name(name: str) -> bool:
    """Whether a MODEL is one of `NAMES`, or `mean-edit=DATASET`, and no path of its own."""
    return name in NAMES or name.startswith(f"{MEAN_EDIT}=")


def open_editor(
    name: str, dataset: pathlib.Path, connect: Callable[[str], Any] | None = None
) -> Editor:
    """What is to be evaluated.

    Args:
        name: a run, a `.keras` of a run, an export, HOST:PORT, one of `NAMES`, or
            `mean-edit=DATASET`.
        dataset: what baselines are built for.
        connect: HOST:PORT to a `GanimationClient`; None: one in the clear.

    Raises:
        UserError: if it is none of them.
    """
    if name == PRETRAINED:
        return EvaluatedModel("the weights that ship", pretrained.load())
    if name in NAMES:
        return _baseline(name, dataset)
    if name.startswith(f"{MEAN_EDIT}="):
        return _mean_edit(pathlib.Path(name.partition("=")[2]))
    if models.names_server(name):
        return EvaluatedModel(name, models.open_server((connect or _in_the_clear)(name)))
    if not pathlib.Path(name).exists():
        raise UserError(
            f"{name}: no such run or export; besides there is HOST:PORT, {', '.join(NAMES)}"
        )
    return EvaluatedModel(pathlib.Path(name).resolve().name, models.open_model(name))


def _in_the_clear(server: str):
    from serving.client.sync import GanimationClient

    return GanimationClient(server)


def _mean_edit(dataset: pathlib.Path) -> Editor:
    return baselines.MeanEdit.fit(samples.load(dataset, manifest.TRAIN, MEAN_FACES))


def _baseline(name: str, dataset: pathlib.Path) -> Editor:
    facts = manifest.Manifest.load(dataset)
    if name == INPUT:
        return baselines.Copy(facts.action_units, facts.crop)
    if name == MEAN_EDIT:
        return _mean_edit(dataset)
    require("keras", "train")
    quiet.import_tensorflow()
    from ganimation_tf.networks.generator import build_generator

    generator = build_generator(facts.crop.size, len(facts.action_units))
    return baselines.Network(facts.action_units, facts.crop, generator, relative=False)
