"""Whatever a MODEL argument names, as what `evaluation` measures."""

import pathlib
import re
from collections.abc import Mapping

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
    MEAN_EDIT: "the average change of each AU, from the pairs of the training split",
    UNTRAINED: "a generator with its initial weights",
    PRETRAINED: "the weights that ship",
}
"""Names that are no files."""

_SERVER = re.compile(r"[\w.\-]+:\d+|\[[0-9a-fA-F:]+\]:\d+")

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


def open_editor(name: str, dataset: pathlib.Path) -> Editor:
    """What is to be evaluated.

    Args:
        name: a run, a `.keras` of a run, an export, HOST:PORT, or one of `NAMES`.
        dataset: what baselines are built for.

    Raises:
        UserError: if it is none of them.
    """
    if name == PRETRAINED:
        return EvaluatedModel("the weights that ship", pretrained.load())
    if name in NAMES:
        return _baseline(name, dataset)
    if _SERVER.fullmatch(name) and not pathlib.Path(name).exists():
        from serving.client.sync import GanimationClient

        return EvaluatedModel(name, models.open_server(GanimationClient(name)))
    if not pathlib.Path(name).exists():
        raise UserError(
            f"{name}: no such run or export; besides there is HOST:PORT, {', '.join(NAMES)}"
        )
    return EvaluatedModel(pathlib.Path(name).resolve().name, models.open_model(name))


def _baseline(name: str, dataset: pathlib.Path) -> Editor:
    facts = manifest.Manifest.load(dataset)
    if name == INPUT:
        return baselines.Copy(facts.action_units, facts.crop)
    if name == MEAN_EDIT:
        return baselines.MeanEdit.fit(samples.load(dataset, manifest.TRAIN, MEAN_FACES))
    require("keras", "train")
    quiet.import_tensorflow()
    from ganimation_tf.config import TrainConfig
    from ganimation_tf.networks.generator import build_generator

    config = TrainConfig()
    generator = build_generator(
        facts.crop.size,
        len(facts.action_units),
        config.filters,
        config.residual_blocks,
        config.seed,
        config.conditioning,
        config.relative,
    )
    return baselines.Network(facts.action_units, facts.crop, generator, config.relative)
