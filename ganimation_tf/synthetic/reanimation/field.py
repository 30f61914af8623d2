"""Where in the photo each sample of a frame comes from, on the mesh and around it."""

import dataclasses

import cv2
import numpy as np

SHADE_TINT = np.array([0.8, 1.05, 1.15], np.float32)
"""How much of a shade red, green and blue take: what light is left in a fold has passed through
skin, which lets red through. Their luma is that of the shade."""


@dataclasses.dataclass(frozen=True, eq=False)
class Field:
    """For each sample of a frame of height h and width w.

    Attributes:
        place: float32 (h, w, 2), x and y in pixels of the photo.
        ratio: float32 (h, w), what its colour there is multiplied by.
        moved: uint8 (h, w), 255 where either may differ from the field that this one changed.
        covered: bool (h, w), where the mesh lies.
    """

    place: np.ndarray
    ratio: np.ndarray
    moved: np.ndarray
    covered: np.ndarray


def still(to_photo: np.ndarray, shape: tuple[int, int]) -> Field:
    """The photo as it is.

    Args:
        to_photo: float (2, 3), sample -> pixel of the photo.
    """
    x, y = np.meshgrid(np.arange(shape[1], dtype=np.float32), np.arange(shape[0], dtype=np.float32))
    rows = to_photo.astype(np.float32)
    place = np.stack([row[0] * x + row[1] * y + row[2] for row in rows], 2)
    nothing = np.zeros(shape, np.uint8)
    return Field(place, np.ones(shape, np.float32), nothing, nothing > 0)


def changed(base: Field, pixels: np.ndarray, values: np.ndarray, reach: float) -> Field:
    """The field with the mesh in it.

    Around the mesh the change of its edge goes on and fades: what lies beside a jaw that moves is
    drawn along, and no second outline is left behind. Beyond `reach` all is `base` to the bit.

    Args:
        pixels: int (P,), the samples that the mesh covers.
        values: float32 (P, 3), place and ratio there.
        reach: in samples.
    """
    shape = base.ratio.shape
    outside = np.ones(base.ratio.size, np.uint8)
    outside[pixels] = 0
    change = np.zeros((base.ratio.size, 3), np.float32)
    change[pixels, :2] = values[:, :2] - np.take(base.place.reshape(-1, 2), pixels, axis=0)
    change[pixels, 2] = values[:, 2] - np.take(base.ratio.ravel(), pixels)
    moved = (1 - outside) * np.uint8(255)
    if len(pixels):
        near = _continue(change, pixels, outside.reshape(shape), reach)
        moved[near] = 255
    change = change.reshape(*shape, 3)
    return Field(
        base.place + change[..., :2],
        base.ratio + change[..., 2],
        moved.reshape(shape),
        outside.reshape(shape) == 0,
    )


def sample(levels: list[np.ndarray], field: Field, step: float) -> np.ndarray:
    """The photo's pixels at the field's places times its ratio: float32 (h, w, 3).

    Args:
        levels: the photo uint8 (height, width, 3) and its halves.
        step: pixels of the photo from one sample to the next.
    """
    level = int(np.clip(np.log2(max(step, 1.0)), 0, len(levels) - 1))
    place = field.place
    if level:
        scale = np.array(levels[level].shape[1::-1]) / levels[0].shape[1::-1]
        place = ((place + 0.5) * scale.astype(np.float32) - 0.5).astype(np.float32)
    pixels = cv2.remap(
        levels[level], place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return pixels * (1 + (field.ratio - 1)[..., None] * SHADE_TINT)


def _continue(change: np.ndarray, pixels: np.ndarray, outside: np.ndarray, reach: float):
    """Carries the change on from the nearest covered sample, in place; returns which it set."""
    height, width = outside.shape
    distance, labels = cv2.distanceTransformWithLabels(
        outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    distance, labels = distance.ravel(), labels.ravel()
    owner = np.zeros(labels.max() + 1, np.int64)
    owner[np.take(labels, pixels)] = pixels
    near = np.flatnonzero((distance < reach) & (distance > 0))
    away = np.take(distance, near)[:, None]
    own = np.take(change, np.take(owner, np.take(labels, near)), axis=0)
    change[near] = own
    # Nearest samples leave streaks behind corners: further out their mean counts.
    smooth = cv2.blur(change.reshape(height, width, 3), (9, 9)).reshape(-1, 3)
    own += (np.take(smooth, near, axis=0) - own) * np.minimum(away / 6, 1)
    fade = 1 - away / reach
    change[near] = own * (fade * fade * (3 - 2 * fade))
    return near
