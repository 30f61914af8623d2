"""A small network that reads AUs, trained on faces that no generator of ours has seen.

A judge is a directory: `network.keras`, and `judge.json` with what it was trained on and how far it
is off on people that it was not trained on. Its error stands beside every figure that it gives.
"""

import dataclasses
import json
import pathlib
from collections.abc import Collection, Sequence
from typing import Any

import cv2
import numpy as np

from ganimation_tf import quiet
from ganimation_tf.errors import MALFORMED, UserError, as_user_error, require
from ganimation_tf.faces.alignment import CropSpec
from ganimation_tf.files import whole

NETWORK, FACTS = "network.keras", "judge.json"
BATCH = 64


@dataclasses.dataclass(frozen=True)
class JudgeFacts:
    """What is known of a trained judge: `judge.json`.

    Attributes:
        action_units: what it reads, in its network's order.
        crop: what the crops show that it was trained on, and their size for the network.
        dataset, split: digest of the dataset, and which split.
        people: whom it was trained on.
        held_out_people: how many people its own figures are of.
        mae, pearson: its own, on held-out people, for each AU; mae on 0 to 5. None: unknown.
    """

    action_units: tuple[str, ...]
    crop: CropSpec
    dataset: str
    split: str
    people: tuple[str, ...]
    held_out_people: int
    mae: tuple[float | None, ...]
    pearson: tuple[float | None, ...]

    def to_json(self) -> str:
        """The text of `judge.json`."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True) + "\n"

    @classmethod
    def load(cls, path: pathlib.Path) -> "JudgeFacts":
        """Reads `judge.json`.

        Raises:
            UserError: if it cannot be read as such.
        """
        with as_user_error(f"{path} cannot be read as a judge's facts", OSError, *MALFORMED):
            facts = json.loads(path.read_text(encoding="utf-8"))
            facts["crop"] = CropSpec(**facts["crop"])
            for name in ("action_units", "people", "mae", "pearson"):
                facts[name] = tuple(facts[name])
            return cls(**facts)


class RegressorJudge:
    """A `Judge` by a trained network."""

    name = "regressor"
    on_scale = True

    def __init__(self, network: Any, facts: JudgeFacts):
        self._network = network
        self.facts = facts
        self.action_units: Sequence[str] = facts.action_units
        known = [value for value in facts.mae if value is not None]
        own = f"{np.mean(known):.2f} of 5" if known else "not known"
        self.provenance = (
            f"a network trained on {len(facts.people)} people of split {facts.split!r} of dataset "
            f"{facts.dataset[:12]}; mean absolute error on {facts.held_out_people} others: {own}"
        )

    @classmethod
    def load(cls, directory: pathlib.Path) -> "RegressorJudge":
        """The judge that `train_judge` has written.

        Raises:
            UserError: if it is none.
        """
        facts = JudgeFacts.load(directory / FACTS)
        require("keras", "train")
        quiet.import_tensorflow()
        import keras

        with as_user_error(f"{directory / NETWORK} cannot be read", OSError, ValueError):
            network = keras.models.load_model(directory / NETWORK, compile=False)
        return cls(network, facts)

    def save(self, directory: pathlib.Path) -> None:
        """Writes the judge as a directory, whole or not at all.

        Args:
            directory: new or empty.
        """
        directory = directory.resolve()
        directory.parent.mkdir(parents=True, exist_ok=True)
        with whole(directory) as partial:
            partial.mkdir()
            self._network.save(partial / NETWORK)
            (partial / FACTS).write_text(self.facts.to_json(), encoding="utf-8")

    def read(self, images: np.ndarray, crop: CropSpec) -> np.ndarray:
        """See `Judge.read`; in [0, 1]. It reads whatever it is shown.

        Raises:
            UserError: if the crops show more or less than those that it was trained on.
        """
        if crop.margin != self.facts.crop.margin:
            raise UserError(
                f"the judge was trained on crops with margin {self.facts.crop.margin:g}, "
                f"these have {crop.margin:g}"
            )
        if not len(images):
            return np.zeros((0, len(self.action_units)))
        inputs = to_network(images, self.facts.crop.size)
        rows = [
            np.asarray(self._network(inputs[at : at + BATCH], training=False), np.float64)
            for at in range(0, len(inputs), BATCH)
        ]
        return np.clip(np.concatenate(rows), 0, 1)

    def trained_on(self, dataset: str) -> Collection[str]:
        """See `Judge.trained_on`."""
        return self.facts.people if dataset == self.facts.dataset else ()


def to_network(images: np.ndarray, size: int) -> np.ndarray:
    """uint8 crops of any size as float32 (n, size, size, 3) in [-1, 1]."""
    if images.shape[1] != size:
        how = cv2.INTER_AREA if images.shape[1] > size else cv2.INTER_LINEAR
        images = np.stack([cv2.resize(image, (size, size), interpolation=how) for image in images])
    return images.astype(np.float32) / 127.5 - 1
