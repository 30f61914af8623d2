import numpy as np
import pytest

from ganimation_tf.errors import UserError
from ganimation_tf.evaluation.kid import kid, squared_mmd


def test_by_hand():
    """One feature: k(x, y) = (xy + 1)^3. x = (0, 1), y = (2, 2)."""
    # Within x: k(0, 1) = 1; within y: k(2, 2) = 125; between: (1 + 1 + 27 + 27) / 4 = 14.
    assert squared_mmd([[0.0], [1.0]], [[2.0], [2.0]]) == pytest.approx(1 + 125 - 2 * 14)


def test_against_sums_written_out():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 4)), rng.normal(size=(5, 4))

    def k(a, b):
        return (sum(p * q for p, q in zip(a, b, strict=True)) / 4 + 1) ** 3

    expected = (
        sum(k(x[i], x[j]) for i in range(6) for j in range(6) if i != j) / 30
        + sum(k(y[i], y[j]) for i in range(5) for j in range(5) if i != j) / 20
        - 2 * sum(k(a, b) for a in x for b in y) / 30
    )
    assert squared_mmd(x, y) == pytest.approx(expected)


def test_two_halves_of_one_set_are_at_no_distance():
    rng = np.random.default_rng(1)
    same, deviation = kid(rng.normal(size=(600, 8)), rng.normal(size=(600, 8)))
    moved, _ = kid(rng.normal(size=(600, 8)), rng.normal(size=(600, 8)) + 0.5)
    assert abs(same) < 2 * deviation
    assert moved > 5 * deviation


def test_few_pictures_are_refused_with_the_reason():
    with pytest.raises(UserError, match="at least 500 pictures, got 499 photographs.*scatters"):
        kid(np.zeros((500, 2)), np.zeros((499, 2)))
