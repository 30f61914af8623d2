"""Light on skin: nine spherical harmonics fitted to the photo, and folds as a ratio of them."""

import numpy as np

LEAST_RATIO, MOST_RATIO = 0.6, 1.35
"""What is neutral darkens and lightens the skin within these."""
DARKEST, LIGHTEST = 0.4, 0.1
"""The same for an expression, as logarithms that are approached and never reached: a patch that
grows much lighter than the photo looks like a stain, not like skin."""


def vertex_normals(vertices: np.ndarray, corners: np.ndarray, count: int) -> np.ndarray:
    """float32 (count, 3), unit length: the mean over each vertex's triangles, by their area.

    Args:
        vertices: float (V, 3).
        corners: int (T, 3), counter-clockwise seen from outside; vertices below `count`.
    """
    x, y, z = np.ascontiguousarray(vertices.T)
    first, second, third = corners.T
    (ux, vx), (uy, vy), (uz, vz) = (
        (np.take(axis, second) - start, np.take(axis, third) - start)
        for axis in (x, y, z)
        for start in [np.take(axis, first)]
    )
    flat = corners.T.ravel()
    total = np.stack(
        [
            np.bincount(flat, np.tile(part, 3), count)
            for part in (uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx)
        ],
        1,
    ).astype(np.float32)
    length = np.sqrt(np.einsum("ij,ij->i", total, total))
    return total / np.maximum(length, 1e-12)[:, None]


def harmonics(normals: np.ndarray) -> np.ndarray:
    """float (N, 9): real spherical harmonics up to degree 2 without their constant factors."""
    x, y, z = normals.T
    one = np.ones_like(x)
    return np.stack([one, x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], 1)


def fit_light(normals: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    """float64 (9,): the light under which skin of one albedo looks as bright as it does.

    Brows, lips, shadows and hair are not skin: what fits badly counts little (Cauchy weights).

    Args:
        normals: float (N, 3) of the vertices that the photo shows.
        brightness: float (N,) in [0, 1] at these.
    """
    design = harmonics(normals.astype(np.float64))
    # Higher terms only as far as the data ask for them: a light that is nearly even stays so.
    ridge = np.diag([1e-3, 1, 1, 1, 3, 3, 3, 3, 3]) * (0.004 * len(design))
    weight = np.ones(len(design))
    for _ in range(8):
        scaled = design * weight[:, None]
        light = np.linalg.solve(scaled.T @ design + ridge, scaled.T @ brightness)
        error = np.abs(design @ light - brightness)
        weight = 1 / (1 + (error / (1.5 * np.median(error) + 1e-3)) ** 2)
    return light


def shade(light: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """float32 (N,): brightness of skin with these normals, never quite dark."""
    bright = harmonics(normals) @ light.astype(np.float32)
    return np.maximum(bright, 0.2 * abs(float(light[0]))).astype(np.float32)


def softened(ratio: np.ndarray) -> np.ndarray:
    """float32 (N,): the ratio of two shades, 1 where it is 1, within `DARKEST` and `LIGHTEST`."""
    level = np.log(ratio)
    limit = np.where(level < 0, np.float32(DARKEST), np.float32(LIGHTEST))
    return np.exp(limit * np.tanh(level / limit))
