"""What a face is to show, in people's words: AUs absolute or relative, named expressions, neutral.

The AU combinations of the named expressions are the ones of the Facial Action Coding System
(Ekman and Friesen 1978; EMFACS), as far as the 17 AUs of this project reach. Laughter is Ruch and
Ekman's (2001); pain is what Prkachin and Solomon's index of it counts (2008), eyes that close among
it.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from ganimation_tf.errors import UserError

EXPRESSIONS: Mapping[str, Mapping[str, float]] = {
    "neutral": {},
    "happiness": {"AU06": 0.8, "AU12": 1.0},
    "sadness": {"AU01": 1.0, "AU04": 0.6, "AU15": 1.0},
    "surprise": {"AU01": 1.0, "AU02": 1.0, "AU05": 0.8, "AU26": 1.0},
    "fear": {
        **{"AU01": 1.0, "AU02": 0.6, "AU04": 0.7, "AU05": 1.0, "AU07": 0.5},
        **{"AU20": 1.0, "AU26": 0.6},
    },
    "anger": {"AU04": 1.0, "AU05": 0.5, "AU07": 0.8, "AU23": 1.0},
    "disgust": {"AU09": 1.0, "AU15": 0.6, "AU17": 0.6},
    "contempt": {"AU12": 0.3, "AU14": 1.0},
    "laughter": {"AU06": 0.7, "AU12": 1.0, "AU25": 0.9, "AU26": 0.5},
    "pain": {"AU04": 1.0, "AU06": 0.6, "AU07": 0.6, "AU09": 0.5, "AU10": 0.6, "AU45": 0.7},
}
"""Name to AUs with their intensities at full strength. AUs that an expression does not name stay as
the face has them; `neutral` names none and takes all away."""

EMOTIONS = (
    *("neutral", "happiness", "sadness", "surprise", "fear", "anger", "disgust", "contempt"),
)
"""Those of `EXPRESSIONS` by which a face can be labelled, as in the Radboud Faces Database (Langner
et al. 2010). A trained network knows them by their places."""


def prototypes(names: Sequence[str]) -> np.ndarray:
    """Each of the `EMOTIONS` at full strength, float32 (8, N), in their order.

    Args:
        names: the N AUs; those that an emotion has beside them are left out.
    """
    shown = [EXPRESSIONS[emotion] for emotion in EMOTIONS]
    return np.array([[units.get(name, 0.0) for name in names] for units in shown], np.float32)


SET, ADD = "=", "+="


@dataclasses.dataclass(frozen=True)
class Change:
    """One AU of an expression.

    Attributes:
        name: in canonical form.
        operator: `SET` makes `value` the intensity, `ADD` adds it to what the face shows.
        value: in [0, 1] for `SET`, [-1, 1] for `ADD`.
    """

    name: str
    operator: str
    value: float

    def __str__(self) -> str:
        if self.operator == ADD:
            return f"{self.name}{'-=' if self.value < 0 else '+='}{abs(self.value):g}"
        return f"{self.name}={self.value:g}"


@dataclasses.dataclass(frozen=True)
class Expression:
    """What a face is to show.

    Attributes:
        changes: later ones act on what earlier ones leave.
        neutral: whether every AU goes to 0 first.
    """

    changes: tuple[Change, ...] = ()
    neutral: bool = False

    def __bool__(self) -> bool:
        return bool(self.changes) or self.neutral

    def __str__(self) -> str:
        return " ".join(["neutral"] * self.neutral + [str(change) for change in self.changes])

    def then(self, other: "Expression") -> "Expression":
        """This one, and the changes of `other` on what it leaves; neutral comes before both."""
        return Expression((*self.changes, *other.changes), self.neutral or other.neutral)

    def named(self) -> list[str]:
        """The AUs that it names, each once, in its order."""
        return list(dict.fromkeys(change.name for change in self.changes))

    def target(self, source: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """The AUs that are wanted of a face.

        Args:
            source: float (N,) in [0, 1], those that it shows.
            names: the N names.

        Returns:
            float32 (N,), clipped to [0, 1]; what is not said stays as it is.

        Raises:
            UserError: if it names an AU that is not among `names`.
        """
        wanted = np.zeros(len(names)) if self.neutral else np.array(source, np.float64)
        for change in self.changes:
            if change.name not in names:
                raise UserError(
                    f"{change.name} is not an AU of this model; it knows {' '.join(names)}"
                )
            place = list(names).index(change.name)
            start = wanted[place] if change.operator == ADD else 0.0
            wanted[place] = start + change.value
        return np.clip(wanted, 0.0, 1.0).astype(np.float32)
