"""The z-buffer against a loop over pixels and triangles."""

import numpy as np

from ganimation_tf.synthetic.reanimation.rasterizer import interpolate, rasterize

CORNERS = np.array([[0, 1, 2]])


def test_covers_the_pixels_whose_centres_lie_within():
    # y down: counter-clockwise with y up is (0, 0), (0, 4), (4, 0).
    points = np.array([[0.0, 0.0], [0.0, 4.0], [4.0, 0.0]])
    pixels, triangles, weights = rasterize(points, np.zeros(3), CORNERS, (6, 6))
    inside = {y * 6 + x for y in range(6) for x in range(6) if x + y <= 4}
    assert set(pixels.tolist()) == inside
    np.testing.assert_allclose(weights.sum(0), 1, atol=1e-6)
    assert not triangles.any()


def test_leaves_out_triangles_seen_from_behind():
    points = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    assert len(rasterize(points, np.zeros(3), CORNERS, (6, 6))[0]) == 0


def test_nearest_triangle_is_seen():
    square = np.array([[0.0, 0.0], [0.0, 9.0], [9.0, 0.0]])
    points = np.concatenate([square, square])
    corners = np.array([[0, 1, 2], [3, 4, 5]])
    for nearer in (0, 1):
        depth = np.repeat([1.0 - nearer, float(nearer)], 3)
        _, triangles, _ = rasterize(points, depth, corners, (10, 10))
        assert set(triangles.tolist()) == {nearer}


def test_equals_a_loop_over_all_pixels_and_triangles():
    rng = np.random.default_rng(0)
    points = rng.uniform(-4, 24, (40, 2))
    depth = rng.uniform(0, 1, 40)
    corners = rng.integers(0, 40, (60, 3))
    pixels, triangles, _ = rasterize(points, depth, corners, (20, 16))
    actual = dict(zip(pixels.tolist(), triangles.tolist(), strict=True))
    assert actual == _by_loop(points, depth, corners, (20, 16))


def test_interpolates_a_plane_exactly():
    points = np.array([[0.0, 0.0], [0.0, 9.0], [9.0, 0.0]])
    values = (points @ [2.0, -3.0] + 1)[:, None].astype(np.float32)
    pixels, triangles, weights = rasterize(points, np.zeros(3), CORNERS, (10, 10))
    actual = interpolate(values, CORNERS, triangles, weights)[:, 0]
    np.testing.assert_allclose(actual, 2.0 * (pixels % 10) - 3.0 * (pixels // 10) + 1, atol=1e-4)


def test_frame_without_the_mesh_is_empty():
    points = np.array([[50.0, 50.0], [50.0, 59.0], [59.0, 50.0]])
    pixels, triangles, weights = rasterize(points, np.zeros(3), CORNERS, (10, 10))
    assert pixels.shape == triangles.shape == (0,)
    assert weights.shape == (3, 0)


def _by_loop(points, depth, corners, shape):
    actual = {}
    for y in range(shape[0]):
        for x in range(shape[1]):
            best = -np.inf
            for row, corner in enumerate(corners):
                matrix = np.concatenate([points[corner].T, np.ones((1, 3))])
                if np.linalg.det(matrix) >= 0:  # from behind, with y down
                    continue
                weights = np.linalg.solve(matrix, [x, y, 1])
                if weights.min() >= 0 and weights @ depth[corner] > best:
                    best, actual[y * shape[1] + x] = weights @ depth[corner], row
    return actual
