import dataclasses

import numpy as np
import pytest

import drawn_pairs
from ganimation_tf.errors import UserError
from ganimation_tf.evaluation.baselines import Copy, MeanEdit
from ganimation_tf.evaluation.evaluate import Instruments, evaluate
from ganimation_tf.evaluation.samples import requests
from ganimation_tf.faces.alignment import CropSpec


@pytest.fixture(scope="module")
def samples():
    return drawn_pairs.draw(12, 3)


@pytest.fixture(scope="module")
def copy(samples):
    return Copy(samples.names, samples.crop)


class KnowingJudge:
    """Reads the AUs of pictures that it knows, from a list; finds no face in all others."""

    name, provenance, on_scale = "knowing", "a list", True

    def __init__(self, samples, blind=()):
        self.action_units = samples.names
        self.people = ()
        self._known = {
            image.tobytes(): units
            for row, (image, units) in enumerate(
                zip(samples.images, samples.action_units, strict=True)
            )
            if row not in blind
        }

    def read(self, images, crop):
        unknown = np.full(len(self.action_units), np.nan)
        return np.stack([self._known.get(image.tobytes(), unknown) for image in images])

    def trained_on(self, dataset):
        return self.people


def test_the_oracle_scores_perfectly(samples):
    judge = KnowingJudge(samples)
    instruments = Instruments(judges=[judge], swept=0)
    metrics = evaluate(drawn_pairs.Oracle(samples), samples, instruments=instruments).report.metrics
    assert metrics["truth_error"] == pytest.approx(0, abs=1e-6)
    assert metrics["truth_share"] == pytest.approx(1)
    assert metrics["truth_gradients"] == metrics["truth_edges"] == pytest.approx(1)
    assert metrics["truth_ssim"] == pytest.approx(1)
    assert metrics["zero_edit"] == pytest.approx(0, abs=1e-6)
    assert metrics["cycle"] == pytest.approx(0, abs=1e-6)
    assert metrics["knowing_mae"] == pytest.approx(0, abs=1e-6)
    assert metrics["knowing_pearson"] == pytest.approx(1)
    assert metrics["knowing_icc"] == pytest.approx(1)


def test_the_copy_scores_one_and_nothing(samples, copy):
    instruments = Instruments(judges=[KnowingJudge(samples)], swept=0)
    metrics = evaluate(copy, samples, instruments=instruments).report.metrics
    assert metrics["truth_error"] == pytest.approx(1)
    assert metrics["truth_share"] == pytest.approx(0, abs=1e-6)
    assert metrics["background"] == pytest.approx(0, abs=1e-6)
    asked = requests(samples)
    change = np.abs(asked.targets - samples.action_units[asked.sources]).mean()
    assert metrics["knowing_mae"] == metrics["knowing_copy_mae"] == pytest.approx(5 * change)
    assert metrics["knowing_own_mae"] == pytest.approx(0, abs=1e-6)


def test_a_third_of_the_way_by_hand(samples):
    metrics = evaluate(drawn_pairs.Oracle(samples, 1 / 3), samples).report.metrics
    assert metrics["truth_error"] == pytest.approx(4 / 9, rel=1e-4)
    assert metrics["truth_share"] == pytest.approx(1 / 3, rel=1e-4)
    assert metrics["truth_gradients"] == pytest.approx(1 / 9, rel=1e-4)


def test_order_and_batch_size_do_not_matter(samples):
    model = drawn_pairs.Oracle(samples, 0.5)
    first = evaluate(model, samples, batch_size=16).report
    mixed = samples.take(np.random.default_rng(0).permutation(len(samples)))
    second = evaluate(model, mixed, batch_size=5).report
    assert first.metrics.keys() == second.metrics.keys()
    for name, value in first.metrics.items():
        assert second.metrics[name] == pytest.approx(value, rel=1e-6), name
    assert second.intervals["truth_error"].low == pytest.approx(first.intervals["truth_error"].low)
    asked = [
        dict(zip(report.rows["key"], report.rows["target"], strict=True))
        for report in (first, second)
    ]
    assert asked[0] == asked[1]


def test_equal_evaluations_are_equal_bytes(samples, copy):
    texts = {evaluate(copy, samples).report.to_json() for _ in range(2)}
    assert len(texts) == 1


def test_without_pairs_truth_is_left_out_and_said_so(samples, copy):
    unpaired = dataclasses.replace(samples, pairs=[""] * len(samples))
    report = evaluate(copy, unpaired).report
    assert not [name for name in report.metrics if name.startswith("truth")]
    assert report.metrics["background"] == pytest.approx(0, abs=1e-6)
    assert any("has no pairs" in note for note in report.notes)
    targets = dict(zip(report.rows["key"], report.rows["target"], strict=True))
    assert all(key.split("_expr")[0] != other.split("_expr")[0] for key, other in targets.items())
    assert sorted(targets.values()) == sorted(samples.keys)  # each once


def test_an_edit_without_a_face_counts_as_wrong_and_not_as_absent(samples):
    """Half of the way there is a picture that the judge has never seen."""
    instruments = Instruments(judges=[KnowingJudge(samples)], swept=0)
    report = evaluate(drawn_pairs.Oracle(samples, 0.5), samples, instruments=instruments).report
    assert report.metrics["knowing_no_face"] == len(samples)
    targets = requests(samples).targets
    worst = 5 * np.where(targets > 0.5, targets, 1 - targets).mean()
    assert report.metrics["knowing_mae"] == pytest.approx(worst)
    assert any("finds no face in 36 of 36 edits" in note for note in report.notes)


def test_inputs_that_a_judge_cannot_read_are_left_out_and_counted(samples, copy):
    instruments = Instruments(judges=[KnowingJudge(samples, blind={0, 7})], swept=0)
    report = evaluate(copy, samples, instruments=instruments).report
    assert report.metrics["knowing_unreadable"] == 2
    assert report.metrics["knowing_no_face"] == 0
    assert np.isnan(report.values("knowing_mae")).sum() == 2


def test_people_that_a_judge_was_trained_on_are_left_out(samples, copy):
    judge = KnowingJudge(samples)
    judge.people = samples.people[:6]
    report = evaluate(copy, samples, instruments=Instruments(judges=[judge], swept=0)).report
    assert report.facts["people"] == 10
    assert {"commit", "lock", "libraries"} <= report.facts["made_with"].keys()
    assert not set(judge.people) & set(report.rows["person"])
    assert any("2 people are left out" in note for note in report.notes)
    judge.people = samples.people
    with pytest.raises(UserError, match="trained on all 12 people"):
        evaluate(copy, samples, instruments=Instruments(judges=[judge], swept=0))


def test_few_people_have_no_interval(samples, copy):
    few = samples.take(range(27))
    report = evaluate(copy, few).report
    assert report.intervals["truth_error"] is None
    assert any("9 people are too few" in note for note in report.notes)
    assert evaluate(copy, samples).report.intervals["truth_error"] is not None


def test_another_au_list_is_mapped_by_name(samples):
    fewer = ("AU26", "AU12")
    model = Copy(fewer, samples.crop)
    evaluation = evaluate(model, samples)
    assert np.array_equal(
        evaluation.samples.action_units[:, 0],
        samples.action_units[:, samples.names.index("AU26")],
    )
    assert any("by name; the model has no AU01" in note for note in evaluation.report.notes)


def test_an_au_that_the_dataset_lacks_is_refused(samples):
    with pytest.raises(UserError, match="no AU99, which the model takes: it has AU01"):
        evaluate(Copy(("AU12", "AU99"), samples.crop), samples)


def test_another_crop_is_cut_out_of_a_wider_one_or_refused(samples):
    narrow = CropSpec(32, margin=0.05)
    evaluation = evaluate(Copy(samples.names, narrow), samples)
    assert evaluation.samples.images.shape[1:] == (32, 32, 3)
    assert any("are made 32 px with margin 0.05" in note for note in evaluation.report.notes)
    with pytest.raises(UserError, match="outside of the crop is not known"):
        evaluate(Copy(samples.names, CropSpec(64, margin=0.4)), samples)


def test_the_mean_edit_beats_the_copy_on_other_people(samples):
    mean_edit = MeanEdit.fit(drawn_pairs.draw(40, 4, seed=7))
    metrics = evaluate(mean_edit, samples).report.metrics
    assert metrics["truth_error"] < 1
    assert metrics["truth_share"] > 0.05
    assert metrics["zero_edit"] == pytest.approx(0, abs=1e-6)


def test_the_mean_edit_recovers_what_was_added(samples):
    """Pictures that are a sum of changes per AU: least squares finds each of them."""
    rng = np.random.default_rng(0)
    units = rng.uniform(0, 1, (80, 2)).astype(np.float32)
    changes = rng.uniform(-80, 80, (2, 64, 64, 3))
    images = np.round(128 + np.tensordot(units - 0.5, changes, axes=1)).astype(np.uint8)
    made = dataclasses.replace(
        samples, images=images, action_units=units, names=("AU01", "AU02"),
        people=["a"] * 80, keys=[f"{i:02d}" for i in range(80)], pairs=["a"] * 80,
    )  # fmt: skip
    actual = MeanEdit.fit(made).changes
    assert np.abs(actual - changes / 255).max() < 0.02


def test_what_the_critic_says_is_told_beside_the_copy(samples):
    class Flattering(Copy):
        def estimate(self, images):
            return np.full((len(images), len(self.action_units)), 0.1)

    report = evaluate(Flattering(samples.names, samples.crop), samples).report
    expected = 5 * np.abs(requests(samples).targets - 0.1).mean()
    assert report.metrics["critic_mae"] == pytest.approx(expected)
    assert report.metrics["critic_copy_mae"] == pytest.approx(expected)


@pytest.mark.parametrize(
    "made, message", [(np.zeros((1, 3)), "shape"), (np.full((16, 64, 64, 3), np.nan), "finite")]
)
def test_what_is_no_edit_is_refused(samples, made, message):
    class Broken(Copy):
        def edit(self, images, source_aus, target_aus):
            return made

    with pytest.raises(ValueError, match=f"edits must .*{message}|edits must be {message}"):
        evaluate(Broken(samples.names, samples.crop), samples)


def test_kid_of_few_is_refused_before_any_work(samples, copy):
    with pytest.raises(UserError, match="at least 500 pictures, got 36 edits"):
        evaluate(copy, samples, instruments=Instruments(features=lambda images: images))
