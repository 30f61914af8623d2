"""Light inside an open mouth, from arithmetic on a disc-shaped opening."""

import math

import numpy as np
import pytest

from ganimation_tf.synthetic.reanimation import mouth
from ganimation_tf.synthetic.reanimation.face_model import GUMS, SOCKET, TEETH, TONGUE

RADIUS = 1.5
WHITE = np.array([240.0, 220.0, 200.0], np.float32)


def _lit(*squares: tuple[float, float, float, tuple[float, float, float]]) -> np.ndarray:
    """`light_inside` at the middle of small squares (x, y, z, normal) behind a round opening."""
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    ring = np.stack([RADIUS * np.cos(angle), RADIUS * np.sin(angle), np.zeros(60)], 1)
    vertices, corners = [ring], []
    for x, y, z, normal in squares:
        first = np.cross(normal, (0.3, 1.0, 0.2))
        first /= np.linalg.norm(first)
        second = np.cross(normal, first)
        start = 60 + 5 * len(corners) // 4
        around = [np.zeros(3), first, second, -first, -second]
        vertices.append(np.array([x, y, z]) + 1e-3 * np.array(around))
        corners += [(start, start + 1 + k, start + 1 + (k + 1) % 4) for k in range(4)]
    turned = np.concatenate(vertices).astype(np.float32)
    light = mouth.light_inside(turned, np.array(corners, np.int32), np.arange(60))
    return light[60::5]


def test_on_the_axis_light_is_that_of_a_disc():
    front = (0.0, 0.0, 1.0)
    depths = (0.0, 1.0, 3.0)
    light = _lit(*((0.0, 0.0, -depth, front) for depth in depths))[:, 0]
    area = 60 / 2 * math.sin(2 * math.pi / 60) * RADIUS**2  # of a polygon with 60 sides
    radius2 = mouth.OPENING * area / math.pi
    for depth, found in zip(depths, light, strict=True):
        seen = (radius2 / (radius2 + depth**2)) ** mouth.FALL
        assert found == pytest.approx(mouth.LEAST_LIGHT + (1 - mouth.LEAST_LIGHT) * seen, abs=1e-3)


def test_what_turns_away_or_lies_beside_is_darker():
    facing, sideways, beside = _lit(
        (0.0, 0.0, -1.0, (0.0, 0.0, 1.0)),
        (0.0, 0.0, -1.0, (1.0, 0.0, 0.0)),
        (3.0, 0.0, -1.0, (0.0, 0.0, 1.0)),
    )
    assert facing[0] > sideways[0] > mouth.LEAST_LIGHT
    assert facing[0] > beside[0] > mouth.LEAST_LIGHT
    # Only what faces the viewer mirrors the light to the viewer.
    assert facing[1] > 0.3 and sideways[1] == pytest.approx(0, abs=1e-6)


def test_teeth_are_the_brightest_and_the_throat_the_darkest():
    parts = np.array([SOCKET, GUMS, TONGUE, TEETH], np.uint8)
    for light in (0.1, 0.5, 1.0):
        color = mouth.colors(parts, np.full((4, 2), (light, 0.0), np.float32), WHITE)
        assert (np.diff(color.sum(1)) > 0).all()
        assert (color >= 0).all() and (color <= 250).all()
    # Flesh is redder than it is green or blue, in any light.
    assert (color[:3, 0] > color[:3, 1:].max(1)).all()
