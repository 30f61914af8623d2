"""Anti-aliased drawing of soft and hard shapes, given in face units, on a supersampled canvas."""

import contextlib
import functools
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

_SHIFT = 4  # fractional bits of the coordinates that OpenCV is given

# Depth of the face as two paraboloids, head and nose, in face units.
_MIDDLE = np.array([0.0, 0.42])
_CURVATURE = np.array([[0.59, 9.0], [0.25, 5.0]])
_HEIGHT = np.array([[0.75], [0.28]])


@functools.cache
def _spline_basis(count: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Two float64 (samples, count): times the points, the Catmull-Rom curve and its tangents."""
    position = np.linspace(0, count - 1, samples)
    segment = np.minimum(position.astype(int), count - 2)
    t = position - segment
    weights = np.stack(
        [
            -0.5 * t**3 + t**2 - 0.5 * t,
            1.5 * t**3 - 2.5 * t**2 + 1,
            -1.5 * t**3 + 2 * t**2 + 0.5 * t,
            0.5 * t**3 - 0.5 * t**2,
        ]
    )
    basis = np.zeros((samples, count + 2))
    for offset in range(4):
        np.add.at(basis, (np.arange(samples), segment + offset), weights[offset])
    # Beyond each end lies the reflection of the neighbour: p[-1] = 2 p[0] - p[1].
    basis[:, 1] += 2 * basis[:, 0]
    basis[:, 2] -= basis[:, 0]
    basis[:, -2] += 2 * basis[:, -1]
    basis[:, -3] -= basis[:, -1]
    basis = basis[:, 1:-1]
    tangents = np.asarray(np.gradient(basis, axis=0))
    return basis, tangents


def curve(points, samples: int = 16) -> np.ndarray:
    """A smooth curve through `points` (n, 2), n >= 2, as float64 (samples, 2)."""
    points = np.asarray(points, np.float64)
    return _spline_basis(len(points), samples)[0] @ points


@functools.cache
def _circle(samples: int) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, samples, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def ellipse(center, radii, samples: int = 24) -> np.ndarray:
    """float64 (samples, 2) round `center` (2,) with half axes `radii` (2,)."""
    return np.asarray(center) + _circle(samples) * radii


@functools.cache
def _taper(samples: int) -> np.ndarray:
    return np.sin(np.linspace(0, np.pi, samples)) ** 0.6


def stroke(points, width, samples: int = 14) -> np.ndarray:
    """A brush stroke along the curve through `points`, as an outline (2 * samples, 2).

    Args:
        points: (n, 2).
        width: full width at its widest, tapering to both ends; or one width for each point.
    """
    points = np.asarray(points, np.float64)
    basis, slope = _spline_basis(len(points), samples)
    if np.ndim(width):
        half = basis @ np.asarray(width) / 2
    else:
        half = _taper(samples) * (width / 2)
    spine, along = basis @ points, slope @ points
    across = along[:, ::-1] * (half / (np.hypot(*along.T) + 1e-9))[:, None] * (-1, 1)
    return np.concatenate([spine + across, (spine - across)[::-1]])


def darker(color, factor: float) -> tuple[float, ...]:
    """The colour times `factor`, kept in [0, 255]."""
    return tuple(min(255.0, c * factor) for c in color)


class Canvas:
    """A square picture that is drawn on in face units.

    Attributes:
        pixels: uint8 (side, side, 3) RGB, `factor` times finer than the result.
        light: float32 (side, side), what the skin is multiplied by; 1 leaves it as it is.
    """

    def __init__(self, size: int, similarity: np.ndarray, yaw: float):
        """
        Args:
            size: side of the result in pixels.
            similarity: (2, 3), face units -> pixels of the result.
            yaw: turn of the head to the picture's right, in radians.
        """
        self.size = size
        self.factor = max(2, -(-192 // size))  # small results are drawn no coarser than 192
        self.side = size * self.factor
        self.pixels = np.zeros((self.side, self.side, 3), np.uint8)
        self.light = np.ones((self.side, self.side), np.float32)
        self.similarity = np.asarray(similarity, np.float64)
        linear = self.similarity[:, :2].T
        self._of_points = linear * [[np.cos(yaw)], [1]]
        self._of_depth = np.sin(yaw) * linear[:1]
        # One face unit on the canvas, in its pixels.
        self.unit = float(np.hypot(*self.similarity[:, 0])) * self.factor

    def to_result(self, points: np.ndarray) -> np.ndarray:
        """Face units (n, 2) -> pixels (n, 2) of the result, pixel centres at whole numbers.

        A turned head shifts what is near to the viewer, the tip of the nose most.
        """
        squares = np.square(points - _MIDDLE)
        depth = np.maximum(1 - squares @ _CURVATURE, 0) @ _HEIGHT
        return points @ self._of_points + depth @ self._of_depth + self.similarity[:, 2]

    def _to_fixed(self, points: np.ndarray) -> np.ndarray:
        fine = (self.to_result(points) + 0.5) * self.factor - 0.5
        return np.round(fine * (1 << _SHIFT)).astype(np.int32)

    def fill(self, points: np.ndarray, color) -> None:
        """A hard-edged polygon (n, 2) in one RGB colour."""
        cv2.fillPoly(self.pixels, [self._to_fixed(points)], color, cv2.LINE_AA, _SHIFT)

    def mask(self, points: np.ndarray, blur: float = 0.0):
        """The polygon as (rows, columns, uint8 mask of that window), or None if out of sight.

        Args:
            points: (n, 2) in face units.
            blur: how far the edge fades to either side, in face units.
        """
        fixed = self._to_fixed(points)
        reach = round(blur * self.unit / 2)
        low = (fixed.min(axis=0) >> _SHIFT) - 2 * reach - 1
        high = (fixed.max(axis=0) >> _SHIFT) + 2 * reach + 3
        (left, top), (right, bottom) = np.maximum(low, 0), np.minimum(high, self.side)
        if left >= right or top >= bottom:
            return None
        window = np.zeros((bottom - top, right - left), np.uint8)
        fixed -= np.array([left, top], np.int32) << _SHIFT
        cv2.fillPoly(window, [fixed], 255, cv2.LINE_AA, _SHIFT)
        if reach:
            kernel = (2 * reach + 1, 2 * reach + 1)
            for _ in range(2):  # two box filters: a tent, close to a Gaussian and much cheaper
                window = cv2.blur(window, kernel, borderType=cv2.BORDER_REPLICATE)
        return slice(top, bottom), slice(left, right), window

    def shade(self, points: np.ndarray, strength: float, blur: float) -> None:
        """Makes the skin inside the polygon lighter (positive) or darker (negative strength)."""
        if strength == 0:
            return
        covered = self.mask(points, blur)
        if covered is not None:
            rows, columns, mask = covered
            self.light[rows, columns] += mask * np.float32(strength / 255)

    def tint(self, points: np.ndarray, color, opacity: float, blur: float = 0.0) -> None:
        """Lays a colour with soft edges over what is there."""
        covered = self.mask(points, blur) if opacity > 0 else None
        if covered is not None:
            rows, columns, mask = covered
            self.blend(rows, columns, np.asarray(color, np.float32), mask * (opacity / 255))

    def blend(self, rows: slice, columns: slice, over: np.ndarray, opacity: np.ndarray) -> None:
        """`over` (broadcast to (h, w, 3)) on the window, with opacity (h, w) in [0, 1]."""
        window = self.pixels[rows, columns].astype(np.float32)
        window += (over - window) * opacity.astype(np.float32)[..., None]
        self.pixels[rows, columns] = np.rint(window)

    @contextlib.contextmanager
    def inside(self, points: np.ndarray) -> Iterator[None]:
        """What is drawn in this context shows inside the polygon only, as through an opening."""
        behind = self.pixels.copy()
        yield
        drawn, self.pixels = self.pixels, behind
        covered = self.mask(points)
        if covered is not None:
            rows, columns, mask = covered
            self.blend(rows, columns, drawn[rows, columns], mask * np.float32(1 / 255))

    def apply_light(self, parts: Sequence[np.ndarray]) -> None:
        """Multiplies by `light` inside the polygons `parts`, shadows being warmer than lights."""
        fixed = [self._to_fixed(part) for part in parts]
        mask = np.zeros((self.side, self.side), np.uint8)
        for part in fixed:
            cv2.fillPoly(mask, [part], 255, cv2.LINE_AA, _SHIFT)
        left, top, width, height = cv2.boundingRect(mask)
        window = slice(top, top + height), slice(left, left + width)
        change = (np.maximum(self.light[window], 0.4) - 1) * (mask[window] * np.float32(1 / 255))
        gains = cv2.merge([1 + np.float32(gain) * change for gain in (0.85, 1.0, 1.08)])
        self.pixels[window] = cv2.multiply(self.pixels[window], gains, dtype=cv2.CV_8U)

    def result(self) -> np.ndarray:
        """uint8 (size, size, 3)."""
        return cv2.resize(self.pixels, (self.size, self.size), interpolation=cv2.INTER_AREA)
