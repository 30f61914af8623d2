"""How wide the bounds of a schema are: the options of `ganimation schema`; imports no numpy."""

import dataclasses

from ganimation_tf import options
from ganimation_tf.options import option


@dataclasses.dataclass(frozen=True)
class SchemaOptions:
    """How far a data set may be from the one that a schema is taken from.

    Raises:
        OptionError: naming the option, its rule and the value.
    """

    drift: float = option(
        0.1,
        "largest Jensen-Shannon divergence of a histogram of intensities or face sizes, base 2",
        0,
        1,
    )
    share_margin: float = option(
        0.1, "how far the share of faces on which an AU is active may move, beside chance", 0, 1
    )
    range_margin: float = option(
        0.1, "how far beyond the lowest and highest intensity the next ones may lie", 0, 1
    )
    least_faces: float = option(
        0.5, "share of the faces that the next data set must have at least", 0
    )
    rejected_margin: float = option(
        0.1, "how far the shares of rejected inputs and of enlarged faces may rise", 0, 1
    )

    def __post_init__(self):
        options.check(self)
