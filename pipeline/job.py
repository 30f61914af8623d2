"""What each worker has to know about the job."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.annotations.geometry import Geometry, Limits
from ganimation_tf.annotations.reader import Reader
from ganimation_tf.faces import alignment, images
from pipeline.reanimation import Reanimation
from pipeline.sharding import Sharding


@dataclasses.dataclass(frozen=True)
class Job:
    """What each worker has to know; plain values, since it is sent to other machines.

    Attributes:
        output: directory of the dataset.
        reader: the source of the annotations.
        sharding: the assignment of keys to shards.
        crop: size and margin of the crops.
        policy: a key of `options.POLICIES`.
        min_confidence: faces below it are rejected.
        jpeg_quality: of the crops, in [1, 100].
        limits: which faces are refused.
        detector: `none` or `mtcnn`.
        max_pixels: width x height of the largest photo that is decoded.
        reanimation: what is made of each photo; None: its own face.
        notes: (code, message) of what was found to be said before the work.
        sources: of the dataset's description.
    """

    output: str
    reader: Reader
    sharding: Sharding
    crop: alignment.CropSpec
    policy: str
    min_confidence: float
    jpeg_quality: int
    limits: Limits = Limits()
    detector: str = "none"
    max_pixels: int = images.MAX_PIXELS
    reanimation: Reanimation | None = None
    notes: Sequence[tuple[str, str]] = ()
    sources: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def action_units(self) -> Sequence[str]:
        """The AUs of each record, in order."""
        return OPENFACE if self.reanimation else self.reader.action_units

    @property
    def action_units_maximum(self) -> float:
        """Top of the scale in which the AUs were told."""
        return 1.0 if self.reanimation else self.reader.maximum

    @property
    def blocks(self) -> range:
        """The parts of what is made of one image."""
        return self.reanimation.blocks if self.reanimation else range(1)

    @property
    def geometry(self) -> Geometry:
        """How faces become crops."""
        return Geometry(self.crop, self.limits, self.detector)
