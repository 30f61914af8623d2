"""`model_card.json`: what a client and a reader must know of an exported model."""

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np

from ganimation_tf.errors import MALFORMED, as_user_error
from ganimation_tf.export import signature
from ganimation_tf.faces import alignment

INTENDED_USE = (
    "Research on and illustration of facial expression. What it makes is synthetic media and must "
    "be labelled so. Not for depicting a person without consent, nor for judging emotion."
)

LIMITS = (
    "It edits upright crops of one face as the training data had them; elsewhere it guesses.",
    "Its AUs are an annotator's estimates, and those that were rare in training are learned badly.",
    "The AUs that it reads are the critic's, which is no independent judge of what it made.",
)


@dataclasses.dataclass(frozen=True)
class ModelCard:
    """The facts of an export.

    Attributes:
        action_units: AU names, the order of the model's AU vector.
        crop: size and margin of the face crops that the model was trained on.
        model_name: the name to serve it under.
        version: number of the export.
        outputs: what `render` and `edit` answer with; `flow` among them of a model that warps.
        package: `origin.package_origin()` of the code that exported it.
        training: preset, config, dataset digest and the last metrics of the run.
        lineage: what it was made from, as `training.lineage` has it, and `exported_with`, an
            `origin.made_with()`; empty where it is not known.
        intensity_ranges: lowest and highest intensity of each AU that training saw often enough
            to learn from, by name; empty where it is not known.
        intended_use, limits: sentences for its reader.
    """

    action_units: tuple[str, ...]
    crop: alignment.CropSpec
    model_name: str = signature.MODEL_NAME
    version: int = 0
    outputs: tuple[str, ...] = (signature.IMAGE, signature.ATTENTION, signature.COLOR)
    package: dict[str, Any] = dataclasses.field(default_factory=dict)
    training: dict[str, Any] = dataclasses.field(default_factory=dict)
    lineage: dict[str, Any] = dataclasses.field(default_factory=dict)
    intensity_ranges: dict[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    intended_use: str = INTENDED_USE
    limits: tuple[str, ...] = LIMITS

    def beyond(self, wanted: np.ndarray) -> dict[str, str]:
        """What training hardly saw of wanted AUs: in words, by name.

            >>> card.beyond(np.array([0.95]))
            {'AU12': 'AU12=0.95 (training saw 0.00 to 0.60)'}

        Args:
            wanted: float (N,), intensities in the order of `action_units`.

        Returns:
            Empty where nothing is beyond, or where the ranges are not known.
        """
        return {
            name: f"{name}={value:.2f} (training saw {low:.2f} to {high:.2f})"
            for name, value in zip(self.action_units, wanted.tolist(), strict=True)
            if name in self.intensity_ranges
            for low, high in [self.intensity_ranges[name]]
            if not low - 1e-6 <= value <= high + 1e-6
        }

    def to_json(self) -> str:
        """The text of `model_card.json`."""
        facts = dataclasses.asdict(self) | {"image_size": self.crop.size}
        return json.dumps(facts, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = signature.MODEL_CARD) -> "ModelCard":
        """The inverse of `to_json`; facts that this version does not know are left out.

        Raises:
            UserError: naming `where` and what is wrong with it.
        """
        with as_user_error(f"{where} is not a model card", *MALFORMED):
            facts = json.loads(text)
            known = {field.name for field in dataclasses.fields(cls)}
            facts = {name: value for name, value in facts.items() if name in known}
            for name in {"action_units", "outputs", "limits"} & facts.keys():
                facts[name] = tuple(facts[name])
            facts["crop"] = alignment.CropSpec(**facts["crop"])
            return cls(**facts)

    @classmethod
    def load(cls, path: pathlib.Path) -> "ModelCard":
        """Reads a file that `to_json` was written to.

        Raises:
            UserError: if it cannot be read as one.
        """
        with as_user_error(f"{path}: cannot be read", OSError, UnicodeDecodeError):
            text = path.read_text(encoding="utf-8")
        return cls.from_json(text, str(path))
