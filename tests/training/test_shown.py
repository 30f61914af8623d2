"""The faces that the pictures of a run show."""

import numpy as np
import pytest

import tiny
from ganimation_tf.data.manifest import EVAL
from ganimation_tf.training import dataset, shown


@pytest.mark.parametrize("seed", range(5))
def test_each_is_another_person_while_there_are_any(seed):
    subjects = [b"a"] * 8 + [b"b", b"c"] * 3
    chosen = shown.choose(subjects, 3, seed)
    assert sorted(subjects[position] for position in chosen) == [b"a", b"b", b"c"]
    more = [subjects[position] for position in shown.choose(subjects, 5, seed)]
    assert len(more) == 5 and max(map(more.count, more)) == 2


def test_the_seed_decides():
    subjects = [bytes([person]) for person in range(50)]
    assert shown.choose(subjects, 8, 1) == shown.choose(subjects, 8, 1)
    assert shown.choose(subjects, 8, 1) != shown.choose(subjects, 8, 2)
    assert shown.choose(subjects[:3], 8, 1) == [0, 1, 2]


def test_the_batch_is_one_of_the_evaluation(tmp_path):
    facts = tiny.write_dataset(tmp_path, evaluation=4)
    batch = shown.faces(tmp_path, facts, EVAL, 4, seed=0)
    (expected,) = dataset.evaluation(tmp_path, facts, batch_size=4)
    assert batch.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(batch[name], values)
