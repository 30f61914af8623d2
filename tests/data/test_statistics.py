"""Statistics against numpy on all values at once, and their independence of order."""

import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.data.statistics.binning import SIDE_EDGES, UNIT
from ganimation_tf.data.statistics.dataset import (
    DatasetStatistics,
    intensity_ranges,
    to_dict,
    to_json,
)
from ganimation_tf.data.statistics.moments import correlation, mean, std
from ganimation_tf.data.statistics.ranking import Best, Ranked
from ganimation_tf.data.statistics.split import Face, SplitStatistics
from pipeline.statistics import MergeStatistics
from statistics_data import gather, natural_labels, record


def test_by_hand():
    """Three faces, two AUs: everything can be counted on fingers."""
    statistics = gather([[0.0, 0.5], [0.2, 0.5], [1.0, 0.1]])
    assert statistics.records == 3
    np.testing.assert_allclose(mean(statistics), [0.4, 1.1 / 3])
    np.testing.assert_allclose(std(statistics)[0], math.sqrt((0.16 + 0.04 + 0.36) / 3))
    assert np.flatnonzero(statistics.histogram[0]).tolist() == [0, 4, 19]
    assert statistics.histogram[1, [2, 10]].tolist() == [1, 2]
    # 0.2 counts as active: faces 2 and 3 have AU 0, faces 1 and 2 have AU 1, face 2 has both.
    assert statistics.together.tolist() == [[2, 1], [1, 2]]
    assert (statistics.lowest / UNIT).tolist() == [0, 0.1]
    assert (statistics.highest / UNIT).tolist() == [1, 0.5]
    # A crop of 101 pixels at 2 source pixels each is 200 pixels wide in the photo.
    assert statistics.side[SIDE_EDGES.index(192)] == 3 and statistics.enlarged == 0
    assert statistics.confidence[19] == 3 and statistics.roll[9] == 3  # roll 0 is in [0, 10)
    assert [ranked.item[0].key for ranked in statistics.strongest[0].items] == ["face2", "face1"]


@pytest.mark.parametrize("count, ranges", [(9, {}), (10, {"AU01": (0.5, 0.5)})])
def test_too_few_faces_have_no_range(count, ranges):
    statistics = DatasetStatistics(1, {"train": gather([[0.5]] * count)})
    facts = to_dict(statistics, ("AU01",), ())
    assert intensity_ranges(facts, "train") == ranges
    assert intensity_ranges(facts, "eval") == {}


def test_against_numpy():
    labels = natural_labels(800)
    statistics = gather(labels)
    exact = np.round(labels.astype(np.float64), 5)
    np.testing.assert_allclose(mean(statistics), exact.mean(0), rtol=1e-12)
    np.testing.assert_allclose(std(statistics), exact.std(0), rtol=1e-9)
    np.testing.assert_allclose(correlation(statistics), np.corrcoef(exact.T), rtol=1e-9)
    edges = np.arange(21) / 20
    expected = [np.histogram(column, edges)[0] for column in exact.T]
    np.testing.assert_array_equal(statistics.histogram, expected)
    active = (exact >= 0.2).astype(int)
    np.testing.assert_array_equal(statistics.together, active.T @ active)
    for unit, best in enumerate(statistics.strongest):
        intensities = [ranked.item[1] / UNIT for ranked in best.items]
        np.testing.assert_allclose(intensities, np.sort(exact[:, unit])[::-1][:6])


def test_openface_values_are_exact():
    """OpenFace writes two decimals of 5; each is a whole number of units after float32."""
    values = np.arange(501) / 500
    statistics = gather(values.astype(np.float32)[:, None])
    assert statistics.total.tolist() == [sum(range(0, 100_001, 200))]


@pytest.fixture(scope="module")
def parts():
    """60 statistics of one face and one rejection each."""
    parts = []
    for number, values in enumerate(natural_labels(60)):
        part = DatasetStatistics(17)
        split = "eval" if number % 5 == 0 else "train"
        key = f"key {number}"
        one = record(key, values, subject=f"person {number % 7}", confidence=number / 60)
        part.split(split).add([(one, Face(key, f"{split}.tfrecord", number, 1))], 0.15)
        part.add_rejection(f"reason {number % 2}", key, "a.csv", "why")
        parts.append(part)
    return parts


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_any_order_and_grouping_gives_the_same_bytes(parts, data):
    expected = _flat(_merge(parts))
    shuffled = data.draw(st.permutations(parts))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(parts)), max_size=5)))
    groups = np.split(np.arange(len(parts)), cuts)
    merge = MergeStatistics(17)
    accumulators = [_merge([shuffled[i] for i in group]) for group in groups]
    whole = merge.extract_output(merge.merge_accumulators(accumulators))
    assert _flat(whole) == expected


def _merge(parts):
    merge = MergeStatistics(17)
    accumulator = merge.create_accumulator()
    for part in parts:
        accumulator = merge.add_input(accumulator, part)
    return accumulator


def _flat(statistics):
    return to_json(to_dict(statistics, OPENFACE, []))


def test_equal_intensities_are_chosen_alike_in_batches_and_one_by_one():
    labels = np.round(natural_labels(700), 1)
    whole, singles = gather(labels), SplitStatistics.empty(17)
    for number in reversed(range(700)):
        key = f"face{number}"
        singles.add([(record(key, labels[number]), Face(key, "train.tfrecord", number, 1))], 0.15)
    assert whole.strongest == singles.strongest and whole.sample == singles.sample
    np.testing.assert_array_equal(whole.products, singles.products)


def test_merging_leaves_the_other_as_it_was():
    other = gather([[0.5], [0.3]])
    before = pickle.dumps(other)
    mine = SplitStatistics.empty(1)
    mine.merge(other)
    mine.merge(other)
    assert mine.records == 4 and pickle.dumps(other) == before


def test_best_keeps_the_lowest():
    best = Best(3)
    for rank in (5, 1, 4, 1, 3):
        best.offer(Ranked(rank, rank, ()))
    assert [one.rank for one in best.items] == [1, 1, 3]


def test_subjects_are_counted_then_estimated():
    few, many = SplitStatistics.empty(1), SplitStatistics.empty(1)
    actual = [
        (record(f"k{number}", [0.0], subject=f"person {number}"), Face("k", "f", 0, 1))
        for number in range(12_000)
    ]
    few.add(actual[:300], 0.15)
    few.add(actual[:300], 0.15)
    many.add(actual, 0.15)
    assert few.subject_count() == (300, True)
    count, exact = many.subject_count()
    assert not exact and abs(count - 12_000) < 600


def test_size_does_not_depend_on_the_number_of_faces():
    def size(count):
        return len(pickle.dumps(gather(natural_labels(count), subject="one")))

    assert size(3000) < 1.1 * size(300) < 20_000


def test_angles_and_sides_beyond_the_edges():
    actual = SplitStatistics.empty(1)
    turned = np.array([[-50, 0.1, 0], [-0.1, -50, 0]], np.float32)
    actual.add([(record("a", [0.0], transform=turned), Face("a", "f", 0, 1))], 0.15)
    actual.add_pose(-200, 95)
    assert actual.roll[0] == 1 and actual.side[-1] == 1
    assert actual.pitch[0] == 1 and actual.yaw[-1] == 1


def test_a_record_with_other_aus_is_refused():
    with pytest.raises(ValueError, match=r"record 'a' must have 2 AUs, got \(3,\)"):
        SplitStatistics.empty(2).add([(record("a", [0, 0, 0]), Face("a", "f", 0, 1))], 0.15)


def test_json_survives_names_that_look_like_rows():
    actual = DatasetStatistics(1)
    key = "a[\n 1,\n 2\n] \u2028 ü"
    actual.split("train").add([(record(key, [0.0]), Face(key, "f", 0, 1))], 0.15)
    facts = to_dict(actual, ["AU01"], [])
    assert json.loads(to_json(facts)) == json.loads(json.dumps(facts))
    assert facts["splits"]["train"]["correlation"] == [[None]]
    assert '"histogram": [1, 0, 0, 0,' in to_json(facts)
