"""Which pixels of a photo a crop looks at.

Coordinates are (x, y) in pixels with pixel centres at whole numbers; shapes are (height, width).
"""

import numpy as np

MAX_REACH = 100
"""A crop this many times as wide as its image shows nothing."""


def corners(transform: np.ndarray, size: int) -> np.ndarray:
    """float64 (4, 2): the centres of the crop's corner pixels, in source pixels."""
    end = size - 1.0
    return np.array([(0, 0, 1), (end, 0, 1), (end, end, 1), (0, end, 1)]) @ transform.T


def require_overlap(corner_points: np.ndarray, shape: tuple[int, int]) -> None:
    """Refuses a crop from which nothing of the image is to be seen.

    Args:
        corner_points: the crop's `corners`.
        shape: of the image.

    Raises:
        ValueError: if the crop lies wholly outside the image or is very much larger than it.
    """
    height, width = shape
    low, high = corner_points.min(0), corner_points.max(0)
    if not ((high > -0.5).all() and (low < (width - 0.5, height - 0.5)).all()):  # or NaN
        raise ValueError(f"the crop lies outside the {width} x {height} image")
    if (high - low).max() > MAX_REACH * (width + height):
        raise ValueError(
            f"the crop is {(high - low).max():.0f} pixels wide, the image {width} x {height}"
        )


def rescaled(transform: np.ndarray, shape: tuple[int, int], reduced: tuple[int, int]) -> np.ndarray:
    """The transform for a copy of the source that has the shape `reduced` instead of `shape`."""
    # Pixel centres: reduced = (source + 0.5) * ratio - 0.5, for each axis by itself.
    ratio = np.array([reduced[1] / shape[1], reduced[0] / shape[0]])
    transform = transform * ratio[:, None]
    transform[:, 2] += 0.5 * ratio - 0.5
    return transform


def region(
    corner_points: np.ndarray, shape: tuple[int, int], reduce: int
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of the image that a crop is sampled from.

    It holds what is reflected into the crop too, and begins at a multiple of `reduce`, so that
    reducing the part averages the same pixels as reducing the whole.

    Args:
        corner_points: the crop's `corners`.
        shape: of the image.
        reduce: how many pixels are averaged to one, along each axis.
    """
    bounds = []
    for axis, length in ((0, shape[1]), (1, shape[0])):
        margin = 2 * reduce + 2  # for the neighbours that sampling looks at
        low, high = corner_points[:, axis].min() - margin, corner_points[:, axis].max() + margin
        low, high = min(low, 2 * (length - 1) - high), max(high, -low)
        begin = int(max(0.0, low)) // reduce * reduce
        end = min(length, (int(high) // reduce + 1) * reduce)
        bounds.append((begin, end))
    return bounds[0][0], bounds[1][0], bounds[0][1], bounds[1][1]


def outside_fraction(transform: np.ndarray, size: int, shape: tuple[int, int]) -> float:
    """Share of the crop's pixels that lie outside the image, where reflection fills them.

    Args:
        transform: (2, 3), crop pixel -> source pixel.
        size: side of the crop in pixels.
        shape: of the image.
    """
    limits = np.array([shape[1], shape[0]]) - 0.5
    corner_points = corners(transform, size)
    if ((corner_points >= -0.5) & (corner_points <= limits)).all():  # most photos
        return 0.0
    along = np.arange(size)
    outside = np.zeros((size, size), bool)
    for (a, b, shift), limit in zip(transform, limits, strict=True):
        source = a * along[None, :] + b * along[:, None] + shift
        outside |= (source < -0.5) | (source > limit)
    return float(outside.mean())
