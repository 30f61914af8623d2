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
    boxes, planes = _facing(points, depth, corners, shape)
    kept, corner, columns, count = boxes
    # One candidate for each pixel of a triangle's box.
    owner = np.repeat(np.arange(len(kept)), count)
    within = np.arange(len(owner)) - np.take(np.cumsum(count) - count, owner)
    of_owner = np.take(columns, owner)
    down = within // of_owner
    across = within - down * of_owner
    pixel = np.take(corner, owner) + down * width + across
    x, y = across.astype(np.float32), down.astype(np.float32)
    second, third, z = (
        np.take(by_x, owner) * x + np.take(by_y, owner) * y + np.take(at_corner, owner)
        for by_x, by_y, at_corner in planes
    )
    first = 1 - second - third
    inside = np.flatnonzero(np.minimum(np.minimum(first, second), third) >= -1e-5)
    pixel = np.take(pixel, inside)
    chosen = _nearest(pixel, np.take(z, inside), height * width)
    inside = np.take(inside, chosen)
    weights = np.stack([np.take(part, inside) for part in (first, second, third)])
    return np.take(pixel, chosen), np.take(kept, np.take(owner, inside)), weights


def interpolate(
    values: np.ndarray, corners: np.ndarray, triangles: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """float32 (P, A): vertex values (V, A) at what `rasterize` returned."""
    total = np.take(values, np.take(corners[:, 0], triangles), axis=0) * weights[0][:, None]
    for corner in (1, 2):
        part = np.take(values, np.take(corners[:, corner], triangles), axis=0)
        total += part * weights[corner][:, None]
    return total


def _facing(points, depth, corners, shape):
    """The triangles that face the viewer within the frame: their boxes, and planes over these.

    A box: row of `corners`, its first pixel, its columns, its pixels. Planes of the weights of the
    second and third corner and of the depth: the change by x, that by y, the value at the box's
    first pixel.
    """
    x, y = np.ascontiguousarray(points.T, np.float32)
    indices = np.ascontiguousarray(corners.T, np.intp)
    ax, bx, cx = (np.take(x, index) for index in indices)
    ay, by, cy = (np.take(y, index) for index in indices)
    left = np.maximum(np.ceil(np.minimum(np.minimum(ax, bx), cx)), 0)
    right = np.minimum(np.floor(np.maximum(np.maximum(ax, bx), cx)), shape[1] - 1)
    top = np.maximum(np.ceil(np.minimum(np.minimum(ay, by), cy)), 0)
    bottom = np.minimum(np.floor(np.maximum(np.maximum(ay, by), cy)), shape[0] - 1)
    bx, by, cx, cy = bx - ax, by - ay, cx - ax, cy - ay
    area = bx * cy - by * cx
    # With y down, counter-clockwise has a negative area.
    kept = np.flatnonzero((area < -1e-9) & (right >= left) & (bottom >= top))
    ax, ay, bx, by, cx, cy, area, left, right, top, bottom = (
        np.take(part, kept) for part in (ax, ay, bx, by, cx, cy, area, left, right, top, bottom)
    )
    depth = depth.astype(np.float32)
    az, bz, cz = (np.take(depth, np.take(index, kept)) for index in indices)
    slopes = [(cy / area, -cx / area), (-by / area, bx / area)]
    slopes.append(tuple((bz - az) * b + (cz - az) * c for b, c in zip(*slopes, strict=True)))
    from_x, from_y = left - ax, top - ay
    planes = [
        (by_x, by_y, by_x * from_x + by_y * from_y + at_first)
        for (by_x, by_y), at_first in zip(slopes, (np.float32(0), np.float32(0), az), strict=True)
    ]
    left, right, top, bottom = (side.astype(np.intp) for side in (left, right, top, bottom))
    columns = right - left + 1
    return (kept, top * shape[1] + left, columns, columns * (bottom - top + 1)), planes


def _nearest(pixel: np.ndarray, z: np.ndarray, size: int) -> np.ndarray:
    """Of all candidates for a pixel the index of that with the largest z; ties: the last."""
    buffer = np.full(size, -np.inf, z.dtype)
    np.maximum.at(buffer, pixel, z)
    best = np.flatnonzero(z >= np.take(buffer, pixel))
    winner = np.full(size, -1, np.intp)
    winner[np.take(pixel, best)] = best
    return winner[winner >= 0]
