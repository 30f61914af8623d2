"""What a view varies, and what it returns."""

import dataclasses

import cv2
import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Variation:
    """What makes another person or picture of a portrait; the same for all its expressions.

    Attributes:
        yaw, pitch: degrees by which the head is turned to the viewer's right and raised.
        identity: float (K,), added to the person's coefficients, or None.
        light: float (9,), added to the light's terms relative to the first, or None.
        gain, gamma: float (3,) each, for red, green and blue of the finished picture.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    identity: np.ndarray | None = None
    light: np.ndarray | None = None
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gamma: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def graded(self, image: np.ndarray) -> np.ndarray:
        """uint8 of its shape: an image float (height, width, 3) in [0, 255] with gain and gamma."""
        image = np.clip(np.round(image), 0, 255).astype(np.uint8)
        if self.gain == self.gamma == (1.0, 1.0, 1.0):
            return image
        level = np.arange(256)[:, None] / 255
        table = np.clip(np.power(level, self.gamma) * self.gain, 0, 1) * 255
        return cv2.LUT(image, np.round(table).astype(np.uint8)[None])


@dataclasses.dataclass(frozen=True, eq=False)
class Rendering:
    """A face shown again.

    Attributes:
        image: uint8 (height, width, 3) RGB.
        landmarks: float32 (68, 2) of the moved face in its pixels.
        moved: bool (height, width), False where the picture is the photo's own for every
            expression of the view.
    """

    image: np.ndarray
    landmarks: np.ndarray
    moved: np.ndarray
