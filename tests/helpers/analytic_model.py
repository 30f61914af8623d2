"""A stand-in for a model with a flow, whose every edit is known by arithmetic.

It knows AU06, AU12 and AU45 in crops of 32 px. With d = target - source:

- AU12 moves everything by d * 2 crop pixels: what lies to the right is shown;
- AU06 paints white over |d| of every pixel;
- it reads the mean red, green and blue of the crop.
"""

import numpy as np

from ganimation_tf.animation.compose import Edit
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.faces.alignment import CropSpec

SIZE = 32
UNITS = ("AU06", "AU12", "AU45")
REACH = 2.0


class AnalyticModel:
    """See above.

    Attributes:
        rendered: the pairs of source and target that were asked for, in order.
        closed: whether `close` was called.
    """

    def __init__(self, **card):
        self.card = ModelCard(UNITS, CropSpec(SIZE), model_name="analytic", version=7, **card)
        self.rendered: list[tuple[np.ndarray, np.ndarray]] = []
        self.closed = False

    def render(self, crops, source, target):
        """As `FaceModel.render`."""
        assert crops.shape[1:] == (SIZE, SIZE, 3) and crops.dtype == np.float32
        assert len(crops) == len(source) == len(target)
        for crop, before, after in zip(crops, source, target, strict=True):
            self.rendered.append((before, after))
            change = after - before
            flow = np.zeros((SIZE, SIZE, 2), np.float32)
            flow[..., 0] = REACH * change[1]
            attention = np.full((SIZE, SIZE, 1), 1 - abs(change[0]), np.float32)
            color = np.ones((SIZE, SIZE, 3), np.float32)
            places = np.clip(np.arange(SIZE) + np.rint(REACH * change[1]).astype(int), 0, SIZE - 1)
            image = attention * crop[:, places] + (1 - attention) * color
            yield Edit(image, attention, color, flow)

    def estimate(self, crops):
        """As `FaceModel.estimate`."""
        return crops.mean((1, 2)).astype(np.float32)

    def close(self):
        """As `FaceModel.close`."""
        self.closed = True
