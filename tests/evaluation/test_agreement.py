import numpy as np
import pytest
from scipy import stats

from ganimation_tf.evaluation.agreement import agreement, drift, icc31, monotonicity, pearson, rise

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)
"""Table 2 of Shrout and Fleiss 1979, whose ICC(3,1) over the four judges is .71."""


def anova_icc31(ratings):
    """ICC(3,1) of any number of raters from the sums of squares of a two-way table."""
    faces, raters = ratings.shape
    total = ratings.var() * ratings.size
    rows = ratings.mean(1).var() * ratings.size
    columns = ratings.mean(0).var() * ratings.size
    between = rows / (faces - 1)
    rest = (total - rows - columns) / ((faces - 1) * (raters - 1))
    return (between - rest) / (between + (raters - 1) * rest)


def test_the_reference_of_icc_gives_the_papers_figure():
    assert anova_icc31(SHROUT_FLEISS) == pytest.approx(0.71, abs=0.005)


@pytest.mark.parametrize("first, second", [(0, 1), (0, 3), (1, 2), (2, 3)])
def test_icc_of_two_of_the_papers_judges(first, second):
    expected = anova_icc31(SHROUT_FLEISS[:, [first, second]])
    assert icc31(SHROUT_FLEISS[:, first], SHROUT_FLEISS[:, second]) == pytest.approx(expected)


def test_icc_by_hand():
    """(1, 2, 3) and (1, 1, 1): BMS 0.5, EMS 0.5, no consistency; and (1, 2, 3) with itself."""
    one, flat = np.array([1.0, 2, 3]), np.ones(3)
    assert icc31(one, flat) == pytest.approx(0)
    assert icc31(one, one + 7) == pytest.approx(1)  # an offset is no inconsistency
    assert icc31(one, -one) == pytest.approx(-1)
    assert np.isnan(icc31(flat, flat))


def test_a_reading_that_moves_by_half_has_a_lower_icc_and_the_same_correlation():
    wanted = np.random.default_rng(0).uniform(0, 1, 50)
    assert pearson(wanted / 2, wanted) == pytest.approx(1)
    assert icc31(wanted / 2, wanted) == pytest.approx(2 * 0.5 / (1 + 0.25))


def test_pearson_against_scipy():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 40))
    assert pearson(a, a + b) == pytest.approx(stats.pearsonr(a, a + b).statistic)
    assert np.isnan(pearson(np.full(40, 0.1), b))
    assert np.isnan(pearson(a[:2], b[:2]))


def test_errors_are_told_on_the_annotators_scale():
    wanted = np.array([[0.2, 0.0], [0.4, 0.0], [0.6, 1.0]])
    actual = np.array([[0.4, 0.0], [0.4, 0.0], [0.4, 0.8]])
    told = agreement(actual, wanted)
    assert told.mae == pytest.approx([5 * 0.4 / 3, 1 / 3])
    assert told.rmse == pytest.approx([np.sqrt(2 / 3), np.sqrt(1 / 3)])
    assert np.isnan(told.pearson[0]) and told.pearson[1] == pytest.approx(1)
    assert told.faces.tolist() == [3, 3]


def test_a_missing_reading_is_left_out_and_counted():
    wanted = np.array([[0.0], [0.2], [0.4], [0.6]])
    actual = wanted + 0.1
    actual[1] = np.nan
    told = agreement(actual, wanted)
    assert told.faces.tolist() == [3]
    assert told.mae == pytest.approx([0.5])
    nothing = agreement(np.full((4, 1), np.nan), wanted)
    assert nothing.faces.tolist() == [0] and np.isnan(nothing.mae[0]) and np.isnan(nothing.icc[0])


def test_shapes_must_fit():
    with pytest.raises(ValueError, match=r"\(4, 2\) and \(4, 3\)"):
        agreement(np.zeros((4, 2)), np.zeros((4, 3)))


def test_the_order_of_faces_does_not_matter():
    rng = np.random.default_rng(2)
    actual, wanted = rng.uniform(0, 1, (2, 30, 4))
    order = rng.permutation(30)
    for name in ("mae", "rmse", "pearson", "icc"):
        one = getattr(agreement(actual, wanted), name)
        other = getattr(agreement(actual[order], wanted[order]), name)
        assert one == pytest.approx(other, rel=1e-9)


def test_monotonicity_against_scipy():
    readings = np.random.default_rng(3).normal(size=(6, 5))
    expected = [stats.kendalltau(row, np.arange(5)).statistic for row in readings]
    assert monotonicity(readings) == pytest.approx(expected)


def test_monotonicity_by_hand():
    sweeps = np.array([[0, 1, 2], [2, 1, 0], [0, 2, 1], [1, 1, 1], [0, np.nan, 1]])
    assert monotonicity(sweeps)[:4] == pytest.approx([1, -1, 1 / 3, 0])
    assert np.isnan(monotonicity(sweeps)[4])
    assert rise(sweeps)[:3] == pytest.approx([2, -2, 1])


def test_drift_leaves_the_asked_aus_out():
    before = np.array([[0.0, 0.2, 0.4]])
    after = np.array([[1.0, 0.1, 0.6]])
    assert drift(before, after, 0) == pytest.approx([5 * 0.15])
    assert drift(before, after, [0, 2]) == pytest.approx([0.5])
