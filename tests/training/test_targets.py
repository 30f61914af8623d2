"""Target AUs: whole vectors, drawn as often as each way of drawing says."""

import numpy as np
import pytest
import tensorflow as tf

from ganimation_tf.config import BALANCED, FROM_DATA, SINGLE
from ganimation_tf.training import targets

# AU 0 is active on one face of four, AU 1 on three, AU 2 on none.
POOL = np.array([[0.9, 0.0, 0.1], [0.0, 0.5, 0.0], [0.0, 0.6, 0.1], [0.1, 0.7, 0.0]], np.float32)
DRAWS = 2000


def draw(kind, pool=POOL, source=(0.3, 0.4, 0.5), noise=0.0):
    sample = targets.make_sampler(kind, pool, noise)
    seeds = tf.stack([tf.zeros(DRAWS, tf.int64), tf.range(DRAWS, dtype=tf.int64)], axis=1)
    source = tf.constant(source, tf.float32)
    return tf.map_fn(lambda s: sample(source, s), seeds, fn_output_signature=tf.float32).numpy()


def shares(drawn):
    """How often each row of the pool was drawn; every draw must be one of them."""
    equal = (drawn[:, None, :] == POOL[None]).all(-1)
    assert equal.any(1).all()
    return equal.mean(0)


def near(expected):
    return pytest.approx(expected, abs=4 * 0.5 / DRAWS**0.5)  # 4 standard deviations at most


def test_from_data_draws_each_face_as_often():
    assert shares(draw(FROM_DATA)) == near([0.25] * 4)


def test_balanced_draws_each_active_au_as_often():
    # Half of the draws for AU 0: one face; half for AU 1: three faces. Nobody shows AU 2.
    assert shares(draw(BALANCED)) == near([1 / 2, 1 / 6, 1 / 6, 1 / 6])


def test_balanced_without_an_active_au_draws_each_face_as_often():
    drawn = draw(BALANCED, pool=POOL / 10)
    assert np.unique(drawn[:, 1]).tolist() == np.unique(POOL[:, 1] / 10).tolist()


def test_single_changes_one_au_of_the_source_to_any_value():
    source = np.array([0.3, 0.4, 0.5], np.float32)
    drawn = draw(SINGLE, source=source, noise=0.1)
    changed = drawn != source
    assert (changed.sum(1) == 1).all()
    assert changed.mean(0) == near([1 / 3] * 3)
    values = drawn[changed]
    assert values.min() >= 0 and values.max() < 1
    assert np.histogram(values, 4, (0, 1))[0] / DRAWS == near([0.25] * 4)


@pytest.mark.parametrize("kind", [FROM_DATA, BALANCED])
def test_noise_is_uniform_for_each_au_and_not_clipped(kind):
    pool = np.array([[0.5, 0.0, 1.0]], np.float32)
    noise = draw(kind, pool=pool, noise=0.1) - pool
    assert -0.1 <= noise.min() < -0.099 and 0.099 < noise.max() <= 0.1
    for column in noise.T:
        assert np.histogram(column, 4, (-0.1001, 0.1001))[0] / DRAWS == near([0.25] * 4)
    assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() < 4 / DRAWS**0.5
