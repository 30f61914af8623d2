"""What BlazeFace's numbers mean (arXiv:1907.05047, the short-range model of 128 pixels).

Every cell of two grids answers for a number of anchors: how sure it is of a face there, and where
the face's box and six points lie from the cell's centre.
"""

import dataclasses

import cv2
import numpy as np

SIDE = 128
GRIDS = ((16, 2), (8, 6))
"""Cells on each side, anchors in each cell."""

POINTS = ("left_eye", "right_eye", "nose", "mouth", "left_ear", "right_ear")
"""Left is the picture's left."""

SAME_FACE = 0.3
"""Boxes that overlap by more show one face."""


@dataclasses.dataclass(frozen=True)
class Detection:
    """A face in a photo, in the photo's pixels.

    Attributes:
        box: float64 (4,) left, top, width, height; from the brows to the chin.
        points: float64 (6, 2), see `POINTS`.
        score: in [0, 1].
    """

    box: np.ndarray
    points: np.ndarray
    score: float

    @property
    def roll(self) -> float:
        """How far the face is turned in the picture plane, radians, clockwise positive."""
        across = self.points[1] - self.points[0]
        return float(np.arctan2(across[1], across[0]))


def letterbox(image: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """The photo in the middle of a square, as the network takes it.

    Args:
        image: uint8 (height, width, 3) RGB.

    Returns:
        float32 (128, 128, 3) in [-1, 1]; pixels of the photo for each pixel of the square; where
        the square's corner lies in the photo, (2,).
    """
    height, width = image.shape[:2]
    scale = max(height, width) / SIDE
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    interpolation = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    small = cv2.resize(image, size, interpolation=interpolation)
    left, top = (SIDE - size[0]) // 2, (SIDE - size[1]) // 2
    square = np.full((SIDE, SIDE, 3), -1, np.float32)
    square[top : top + size[1], left : left + size[0]] = small / np.float32(127.5) - 1
    return square, scale, -scale * np.array([left, top], np.float64)


def anchors() -> np.ndarray:
    """(896, 2): x and y of each anchor, in pixels of the network's square."""
    places = []
    for cells, count in GRIDS:
        centers = (np.arange(cells) + 0.5) * SIDE / cells
        y, x = np.meshgrid(centers, centers, indexing="ij")
        places.append(np.repeat(np.stack([x.ravel(), y.ravel()], 1), count, axis=0))
    return np.concatenate(places)


def decode(
    values: np.ndarray, logits: np.ndarray, scale: float, shift: np.ndarray, min_score: float
) -> list[Detection]:
    """The faces that the network's outputs speak of, the surest first.

    Args:
        values: (896, 16): box centre, box size, six points, x before y, in pixels of the square;
            all but the size from the anchor.
        logits: (896,).
        scale, shift: as `letterbox` returns them.
        min_score: in [0, 1].
    """
    scores = 1 / (1 + np.exp(-np.clip(logits, -80, 80).astype(np.float64)))
    kept = np.flatnonzero(scores >= min_score)
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    places = values[kept].reshape(-1, 8, 2).astype(np.float64)
    sizes = places[:, 1] * scale
    places = (places + anchors()[kept, None]) * scale + shift
    corners = places[:, 0] - sizes / 2
    rows = np.concatenate([corners, sizes, places[:, 2:].reshape(-1, 12)], axis=1)
    return [
        Detection(box=row[:4], points=row[4:].reshape(6, 2), score=float(score))
        for row, score in merge(rows, scores[kept])
    ]


def merge(rows: np.ndarray, scores: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """One row for each face: the mean, by score, of the rows whose boxes overlap its surest one.

    Args:
        rows: (n, 4 or more): left, top, width, height, and what else is to be averaged.
        scores: (n,), descending.
    """
    merged = []
    left = np.arange(len(rows))
    while left.size:
        boxes = rows[left]
        low = np.maximum(boxes[:, :2], boxes[0, :2])
        high = np.minimum(boxes[:, :2] + boxes[:, 2:4], boxes[0, :2] + boxes[0, 2:4])
        shared = np.prod(np.clip(high - low, 0, None), axis=1)
        areas = np.prod(boxes[:, 2:4], axis=1)
        same = shared / np.maximum(areas + areas[0] - shared, 1e-12) > SAME_FACE
        same[0] = True
        weights = scores[left][same]
        merged.append((np.average(boxes[same], axis=0, weights=weights), float(weights[0])))
        left = left[~same]
    return merged
