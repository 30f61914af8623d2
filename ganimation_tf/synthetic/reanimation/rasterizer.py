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
        weights: float32 (P, 3), barycentric coordinates in these triangles.
    """
    height, width = shape
    a, b, c = (points[corners[:, corner]].astype(np.float32) for corner in range(3))
    edge_b, edge_c = b - a, c - a
    area = edge_b[:, 0] * edge_c[:, 1] - edge_b[:, 1] * edge_c[:, 0]
    low = np.ceil(np.minimum(np.minimum(a, b), c)).astype(np.int32)
    high = np.floor(np.maximum(np.maximum(a, b), c)).astype(np.int32)
    low = np.maximum(low, 0)
    high = np.minimum(high, [width - 1, height - 1])
    extent = high - low + 1
    # With y down, counter-clockwise has a negative area.
    kept = np.flatnonzero((area < -1e-9) & (extent > 0).all(1))
    extent, low = extent[kept], low[kept]
    count = extent[:, 0] * extent[:, 1]
    owner = np.repeat(np.arange(len(kept)), count)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    row, column = np.divmod(within, extent[owner, 0])
    x = low[owner, 0] + column
    y = low[owner, 1] + row
    # Barycentric weights of b and c are linear in x and y: one plane for each triangle.
    edge_b, edge_c, origin = edge_b[kept], edge_c[kept], a[kept]
    scale = 1 / area[kept]
    plane = np.stack([edge_c[:, 1], -edge_c[:, 0], -edge_b[:, 1], edge_b[:, 0]], 1) * scale[:, None]
    plane = plane[owner]
    dx, dy = x - origin[owner, 0], y - origin[owner, 1]
    weight_b = plane[:, 0] * dx + plane[:, 1] * dy
    weight_c = plane[:, 2] * dx + plane[:, 3] * dy
    weight_a = 1 - weight_b - weight_c
    inside = np.flatnonzero(
        (weight_b >= -1e-5) & (weight_c >= -1e-5) & (weight_a >= -1e-5)
    )
    owner = kept[owner[inside]]
    weights = np.stack([weight_a[inside], weight_b[inside], weight_c[inside]], 1)
    pixel = y[inside] * width + x[inside]
    z = (depth[corners[owner]] * weights).sum(1)
    return _nearest(pixel, z, owner, weights, height * width)


def _nearest(pixel, z, owner, weights, size):
    """Of all candidates for a pixel the one with the largest z; ties go to the last."""
    buffer = np.full(size, -np.inf, z.dtype)
    np.maximum.at(buffer, pixel, z)
    best = np.flatnonzero(z >= buffer[pixel])
    winner = np.full(size, -1, np.int64)
    winner[pixel[best]] = best
    pixels = np.flatnonzero(winner >= 0)
    chosen = winner[pixels]
    return pixels, owner[chosen], weights[chosen]


def interpolate(
    values: np.ndarray, corners: np.ndarray, triangles: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """float32 (P, A): vertex values (V, A) at what `rasterize` returned."""
    at = corners[triangles]
    return (
        values[at[:, 0]] * weights[:, :1]
        + values[at[:, 1]] * weights[:, 1:2]
        + values[at[:, 2]] * weights[:, 2:]
    )
