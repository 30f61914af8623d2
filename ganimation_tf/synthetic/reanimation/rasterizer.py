"""A z-buffer in numpy: all triangles at once, for meshes whose triangles cover a few pixels."""

import numpy as np


def rasterize(
    points: np.ndarray, depth: np.ndarray, corners: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which triangle is seen at each pixel, and where in it.

    A pixel is covered if its centre lies in a triangle; of several, the one nearest to the viewer
    counts. Triangles that turn their back to the viewer are left out.

    Args:
        points: float (V, 2), x to the right and y down, pixel centres at whole numbers.
        depth: float (V,), larger is nearer.
        corners: int (T, 3), counter-clockwise seen from outside with y up.
        shape: height and width in pixels.

    Returns:
        pixels: int (P,), covered pixels as `y * width + x`, each once, ascending.
        triangles: int (P,), rows of `corners`.
        weights: float32 (3, P), barycentric coordinates in these triangles.
    """
    height, width = shape
    kept, x, y, owner, local = _candidates(points, corners, shape)
    # Weights of the second and third corner are linear in x and y: two planes a triangle.
    ax, ay, bx, by, cx, cy = local
    scale = 1 / (bx * cy - by * cx)
    dx = x - np.take(ax, owner)
    dy = y - np.take(ay, owner)
    second = np.take(cy * scale, owner) * dx - np.take(cx * scale, owner) * dy
    third = np.take(bx * scale, owner) * dy - np.take(by * scale, owner) * dx
    first = 1 - second - third
    lowest = np.minimum(np.minimum(first, second), third)
    inside = np.flatnonzero(lowest >= -1e-5)
    weights = np.stack([np.take(part, inside) for part in (first, second, third)])
    pixel = np.take(y, inside) * width + np.take(x, inside)
    owner = np.take(kept, np.take(owner, inside))
    z = interpolate(depth[:, None], corners, owner, weights)[:, 0]
    chosen = _nearest(pixel, z, height * width)
    return np.take(pixel, chosen), np.take(owner, chosen), np.take(weights, chosen, axis=1)


def interpolate(
    values: np.ndarray, corners: np.ndarray, triangles: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """float32 (P, A): vertex values (V, A) at what `rasterize` returned."""
    total = np.take(values, np.take(corners[:, 0], triangles), axis=0) * weights[0][:, None]
    for corner in (1, 2):
        part = np.take(values, np.take(corners[:, corner], triangles), axis=0)
        total += part * weights[corner][:, None]
    return total


def _candidates(points, corners, shape):
    """All pixels of the triangles' bounding boxes: triangles, x, y, rows of these, and geometry."""
    x, y = np.ascontiguousarray(points.T, np.float32)
    ax, bx, cx = (np.take(x, corners[:, corner]) for corner in range(3))
    ay, by, cy = (np.take(y, corners[:, corner]) for corner in range(3))
    left = np.maximum(np.ceil(np.minimum(np.minimum(ax, bx), cx)), 0)
    right = np.minimum(np.floor(np.maximum(np.maximum(ax, bx), cx)), shape[1] - 1)
    top = np.maximum(np.ceil(np.minimum(np.minimum(ay, by), cy)), 0)
    bottom = np.minimum(np.floor(np.maximum(np.maximum(ay, by), cy)), shape[0] - 1)
    bx, by, cx, cy = bx - ax, by - ay, cx - ax, cy - ay
    # With y down, counter-clockwise has a negative area.
    front = bx * cy - by * cx < -1e-9
    kept = np.flatnonzero(front & (right >= left) & (bottom >= top))
    left, right, top, bottom = (
        np.take(side, kept).astype(np.int32) for side in (left, right, top, bottom)
    )
    columns = right - left + 1
    count = columns * (bottom - top + 1)
    owner = np.repeat(np.arange(len(kept), dtype=np.int32), count)
    start = (np.cumsum(count) - count).astype(np.int32)
    within = np.arange(len(owner), dtype=np.int32) - np.take(start, owner)
    of_owner = np.take(columns, owner)
    row = within // of_owner
    x = np.take(left, owner) + within - row * of_owner
    y = np.take(top, owner) + row
    return kept, x, y, owner, [np.take(part, kept) for part in (ax, ay, bx, by, cx, cy)]


def _nearest(pixel: np.ndarray, z: np.ndarray, size: int) -> np.ndarray:
    """Of all candidates for a pixel the index of that with the largest z; ties: the last."""
    buffer = np.full(size, -np.inf, z.dtype)
    np.maximum.at(buffer, pixel, z)
    best = np.flatnonzero(z >= np.take(buffer, pixel))
    winner = np.full(size, -1, np.int64)
    winner[np.take(pixel, best)] = best
    return winner[winner >= 0]
