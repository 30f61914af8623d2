"""Bicubic sampling against its definition, pixel by pixel."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ganimation_tf.networks.warp import Warp, pixel_grid, sample


def keys(distance):
    """R. Keys' cubic convolution kernel with a = -1/2 (IEEE ASSP 29, 1981)."""
    d = abs(distance)
    if d < 1:
        return 1.5 * d**3 - 2.5 * d**2 + 1
    return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d < 2 else 0.0


def by_definition(image, places):
    """What `sample` says, for one image (H, W, C) and places (H', W', 2)."""
    height, width, _ = image.shape
    actual = np.zeros((*places.shape[:2], image.shape[2]))
    for row, column in np.ndindex(places.shape[:2]):
        x = min(max(float(places[row, column, 0]), 0), width - 1)
        y = min(max(float(places[row, column, 1]), 0), height - 1)
        for j in range(math.floor(y) - 2, math.floor(y) + 4):
            for i in range(math.floor(x) - 2, math.floor(x) + 4):
                pixel = image[min(max(j, 0), height - 1), min(max(i, 0), width - 1)]
                actual[row, column] += keys(y - j) * keys(x - i) * pixel
    return actual


@pytest.mark.parametrize("compiled", [False, True])
def test_samples_between_pixels_and_beyond_the_border(compiled):
    rng = np.random.default_rng(0)
    image = rng.uniform(-1, 1, (3, 5, 7, 2)).astype(np.float32)
    places = rng.uniform(-3, 9, (3, 4, 6, 2)).astype(np.float32)
    actual = tf.function(sample, jit_compile=compiled)(tf.constant(image), tf.constant(places))
    for got, picture, where in zip(actual, image, places, strict=True):
        np.testing.assert_allclose(got, by_definition(picture, where), atol=1e-5)


def test_whole_places_give_the_pixels_bit_for_bit():
    image = np.random.default_rng(1).normal(size=(2, 6, 4, 3)).astype(np.float32)
    grid = np.broadcast_to(pixel_grid(6, 4), (2, 6, 4, 2))
    np.testing.assert_array_equal(sample(tf.constant(image), tf.constant(grid)), image)
    turned = sample(tf.constant(image), tf.constant(grid[:, ::-1, ::-1].copy()))
    np.testing.assert_array_equal(turned, image[:, ::-1, ::-1])


def test_the_gradient_of_the_places_is_the_slope_between_pixels():
    """On a plane 2 x - 3 y the slope is (2, -3) but at the border, and beyond it 0."""
    grid = pixel_grid(8, 8)
    plane = (2 * grid[..., 0] - 3 * grid[..., 1])[None, :, :, None]
    places = tf.constant([[[[2.3, 1.6], [1.2, 5.9], [-1.0, 2.5], [2.5, 9.0]]]])
    with tf.GradientTape() as tape:
        tape.watch(places)
        total = tf.reduce_sum(sample(tf.constant(plane), places))
    expected = [[2, -3], [2, -3], [0, -3], [2, 0]]
    np.testing.assert_allclose(tape.gradient(total, places)[0, 0], expected, atol=1e-5)


def test_a_parabola_moved_by_half_a_pixel_is_that_parabola():
    """Cubic convolution is exact for polynomials of degree 2; bilinear would be 1/4 too high."""
    grid = pixel_grid(8, 8)
    image = (grid[..., 0] ** 2)[None, :, :, None]
    moved = sample(tf.constant(image), tf.constant(grid[None, 2:6, 2:5] + 0.5)).numpy()
    np.testing.assert_allclose(moved[0, :, :, 0], (grid[2:6, 2:5, 0] + 0.5) ** 2, rtol=1e-6)


def test_the_layer_takes_pixels_from_where_the_flow_points():
    image = np.linspace(-1, 1, 16, dtype=np.float32).reshape(1, 4, 4, 1)
    flow = np.zeros((1, 4, 4, 2), np.float32)
    flow[0, 1, 2] = (1, 2)  # x, y
    moved = Warp()([image, flow]).numpy()[0, ..., 0]
    assert moved[1, 2] == image[0, 3, 3, 0]
    moved[1, 2] = image[0, 1, 2, 0]
    np.testing.assert_array_equal(moved, image[0, ..., 0])


def test_an_edge_that_is_moved_stays_within_what_an_image_holds():
    """Half-way beside a step from -1 to 1 the cubic is 1 + 2/16, beyond white."""
    image = np.where(pixel_grid(8, 8)[..., :1] < 4, -1, 1).astype(np.float32)[None]
    half = np.full((1, 8, 8, 2), (0.5, 0.0), np.float32)
    beyond = sample(tf.constant(image), tf.constant(half + pixel_grid(8, 8)))
    assert beyond[0, 0, 4, 0] == 1.125
    assert Warp()([image, half])[0, 0, 4, 0] == 1.0
