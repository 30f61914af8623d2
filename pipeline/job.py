"""What each worker has to know about the job."""

import dataclasses
from collections.abc import Sequence

from ganimation_tf.annotations.geometry import Geometry, Limits
from ganimation_tf.annotations.reader import Reader
from ganimation_tf.faces import alignment, images
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
        detector: one of `geometry.DETECTORS`.
        max_pixels: width x height of the largest photo that is decoded.
        notes: (code, message) of what was found to be said before the work.
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
    notes: Sequence[tuple[str, str]] = ()

    @property
    def geometry(self) -> Geometry:
        """How faces become crops."""
        return Geometry(self.crop, self.limits, self.detector)
