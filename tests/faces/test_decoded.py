"""Where the pixels of a reduced picture lie."""

import numpy as np

from ganimation_tf.faces.decoded import WHOLE, Reduction

# Pixel 0 covers -3 to 4 along x, so 0 to 4 of the source, and 0 to 7 along y.
REDUCTION = Reduction(8, left=-3)


def test_points_by_hand():
    """The centre of source pixels -3 to 4 is 0.5, of 5 to 12 it is 8.5; of 0 to 7 it is 3.5."""
    points = REDUCTION.points(np.array([[0.5, 3.5], [8.5, 11.5]]))
    np.testing.assert_array_equal(points, [[0, 0], [1, 1]])


def test_transforms_go_as_the_points_do():
    transform = np.array([[8.0, 1.0, 20.5], [-1.0, 8.0, 7.5]])
    place = np.array([5.0, 9.0, 1.0])
    onto = REDUCTION.onto(transform)
    np.testing.assert_allclose(onto @ place, REDUCTION.points(transform @ place))
    np.testing.assert_allclose(REDUCTION.back(onto), transform)


def test_the_whole_picture_is_as_it_is():
    transform = np.array([[0.3, 0.1, 20.7], [-0.1, 0.3, 7.1]])
    np.testing.assert_array_equal(WHOLE.onto(transform), transform)
    np.testing.assert_array_equal(WHOLE.back(transform), transform)
