"""`model_card.json`: what a client and a reader must know of an exported model."""

import dataclasses
import json
from typing import Any

from ganimation_tf import faces, signature
from ganimation_tf.errors import UserError

INTENDED_USE = (
    "Research on and illustration of facial expression. What it makes is synthetic media and must "
    "be labelled so. Not for depicting a person without consent, nor for judging emotion."
)


@dataclasses.dataclass(frozen=True)
class ModelCard:
    """The facts of an export.

    Attributes:
        action_units: AU names, the order of the model's AU vector.
        crop: size and margin of the face crops that the model was trained on.
        model_name: the name to serve it under.
        version: number of the export.
        training: preset, config, dataset digest and the last metrics of the run.
    """

    action_units: tuple[str, ...]
    crop: faces.CropSpec
    model_name: str = signature.MODEL_NAME
    version: int = 0
    training: dict[str, Any] = dataclasses.field(default_factory=dict)
    intended_use: str = INTENDED_USE

    def to_json(self) -> str:
        """The text of `model_card.json`."""
        facts = dataclasses.asdict(self) | {"image_size": self.crop.size}
        return json.dumps(facts, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = signature.MODEL_CARD) -> "ModelCard":
        """The inverse of `to_json`.

        Raises:
            UserError: naming `where` and what is wrong with it.
        """
        try:
            facts = json.loads(text)
            facts.pop("image_size")
            facts["action_units"] = tuple(facts["action_units"])
            facts["crop"] = faces.CropSpec(**facts["crop"])
            return cls(**facts)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{where} is not a model card: {error}") from error
