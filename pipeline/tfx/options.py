"""The options of the TFX line. Imports no TFX: the command line builds its help here."""

import dataclasses
import pathlib
from typing import Any

from ganimation_tf import options
from ganimation_tf.evaluation.gate import Gate
from ganimation_tf.options import OptionError
from ganimation_tf.options import option as _option
from ganimation_tf.presets import PRESETS

NAME = "ganimation"


@dataclasses.dataclass(frozen=True)
class LineOptions:
    """What `ganimation tfx` takes; each field but the last three is a flag.

    Attributes:
        preprocess: further fields of `PreprocessOptions`, such as `{"margin": 0.2}`.
        train: further fields of `TrainConfig` in place of the preset's, such as `{"seed": 1}`.
        gates: conditions for a blessing, as `ganimation evaluate --gate` takes them.

    Raises:
        OptionError: naming the option, its rule and the value.
        UserError: for a gate that is none.
    """

    images: str = _option(
        dataclasses.MISSING, "Photos or videos, as of `preprocess`.", metavar="DIR_OR_GLOB"
    )
    annotations: str = _option(
        dataclasses.MISSING, "Their annotations, as of `preprocess`.", metavar="DIR_OR_GLOB"
    )
    output: str = _option(
        dataclasses.MISSING,
        "The pipeline's root: artifacts, runs of training, and metadata.sqlite.",
        metavar="DIR",
    )
    model_dir: str = _option(
        dataclasses.MISSING,
        "Where blessed models are pushed to, numbered: what `ganimation serve` watches.",
        metavar="DIR",
    )
    image_size: int = _option(128, "Side of the face crops in pixels.", low=8, multiple=4)
    eval_fraction: float = _option(
        0.1,
        "Share of the subjects that training never sees, and by whom models are judged.",
        above=0,
        below=1,
    )
    preset: str = _option("default", "The recipe of training.", choices=tuple(sorted(PRESETS)))
    steps: int | None = _option(None, "Generator updates. Without it: the preset's.", low=1)
    best: bool = _option(False, "Export the networks that did best in evaluation, not the last.")
    faces: int = _option(600, "At most so many faces of the split `eval` are judged.", low=1)
    pixels_only: bool = _option(False, "Judge by truth alone, without blendshapes and identity.")
    schema: str | None = _option(
        None,
        "schema.pbtxt that data are checked against, such as an earlier FaceSchema. Without it: "
        "what this data's training split looks like.",
        metavar="FILE",
    )
    infer: bool = _option(
        False, "Also let TFX's BulkInferrer run a blessed model over the split `eval`."
    )
    preprocess: dict[str, Any] = dataclasses.field(default_factory=dict)
    train: dict[str, Any] = dataclasses.field(default_factory=dict)
    gates: tuple[str, ...] = ()

    def __post_init__(self):
        for name in ("images", "annotations", "output", "model_dir"):
            if not getattr(self, name).strip():
                raise OptionError(name, "must not be empty", "")
        options.check(self)
        for text in self.gates:
            Gate.parse(text)

    @property
    def metadata(self) -> pathlib.Path:
        """The database of ML Metadata."""
        return pathlib.Path(self.output) / "metadata.sqlite"

    @property
    def runs(self) -> pathlib.Path:
        """Where training keeps its runs, and finds an interrupted one again."""
        return pathlib.Path(self.output) / "runs"
