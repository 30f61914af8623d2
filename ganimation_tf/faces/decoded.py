"""What decoding gives: a picture, perhaps smaller than in its file.

Coordinates are (x, y) in pixels with pixel centres at whole numbers; shapes are (height, width).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ganimation_tf.faces.orientation import AS_STORED


class Reduction(NamedTuple):
    """How the pixels of a smaller copy lie on those of their source.

    Attributes:
        factor: each covers factor x factor pixels of the source, the outermost perhaps fewer.
        left, top: where in the source the first one begins; below 0 where it covers fewer.
    """

    factor: int = 1
    left: int = 0
    top: int = 0

    def points(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 2) of the source as points of the copy."""
        return (points - np.array([self.left, self.top]) + 0.5) / self.factor - 0.5

    def onto(self, transform: np.ndarray) -> np.ndarray:
        """The transform (2, 3) to pixels of the source as one to pixels of the copy."""
        transform = transform / self.factor
        transform[:, 2] += (0.5 - np.array([self.left, self.top])) / self.factor - 0.5
        return transform

    def back(self, transform: np.ndarray) -> np.ndarray:
        """The inverse of `onto`."""
        transform = transform * self.factor
        transform[:, 2] += 0.5 * self.factor - 0.5 + np.array([self.left, self.top])
        return transform


WHOLE = Reduction()
"""No copy, but the source."""


class Decoded(NamedTuple):
    """A picture.

    Attributes:
        pixels: uint8 (height, width, 3) RGB, upright, perhaps smaller than in the file.
        shape: (height, width) of the upright picture in the file.
        orientation: what turned it upright, in EXIF's numbers 1 to 8; 1: nothing.
        reduction: how `pixels` lie on the upright picture in the file.
    """

    pixels: np.ndarray
    shape: tuple[int, int]
    orientation: int = AS_STORED
    reduction: Reduction = WHOLE


Photo = Callable[[float], Decoded]
"""Takes how much smaller the picture may be decoded. Raises FileError or ImageError."""
