"""Fixtures of the re-animation tests."""

import numpy as np
import pytest

from ganimation_tf.synthetic.reanimation.face_model import FaceModel
from ganimation_tf.synthetic.reanimation.fitting import Camera, turn
from tiny_head import tiny_head


@pytest.fixture(scope="session")
def model() -> FaceModel:
    return tiny_head()


@pytest.fixture(scope="session")
def camera() -> Camera:
    """256 pixels, head turned by 6 degrees to the viewer's right, 10 pixels a centimetre."""
    return Camera(turn(np.radians([0.0, 6.0, 0.0])), 10.0, np.array([128.0, 132.0]))


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """Noise without grey levels in common with flat skin, so that every moved pixel shows."""
    rng = np.random.default_rng(3)
    return rng.integers(90, 200, (256, 256, 3)).astype(np.uint8)
