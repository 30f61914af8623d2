import dataclasses
import json

import numpy as np
import pytest

import drawn_pairs
from ganimation_tf.errors import UserError
from ganimation_tf.evaluation import judges
from ganimation_tf.evaluation.judges import training
from ganimation_tf.evaluation.judges.regressor import JudgeFacts, RegressorJudge, to_network
from ganimation_tf.evaluation.judges.training import JudgeConfig, share_of_people, train_judge
from ganimation_tf.faces.alignment import CropSpec


@pytest.fixture(scope="module")
def samples():
    return drawn_pairs.draw(8, 2)


@pytest.fixture(scope="module")
def judge(samples):
    return train_judge(samples, "eval", JudgeConfig(steps=3, batch_size=4))


def test_facts_say_what_it_was_trained_on(judge, samples):
    facts = judge.facts
    assert facts.action_units == samples.names
    assert (facts.dataset, facts.split) == ("drawn 0", "eval")
    assert len(facts.people) == 5 and facts.held_out_people == 3
    assert set(facts.people) < set(samples.people)
    assert len(facts.mae) == 17 and all(value >= 0 for value in facts.mae)
    assert "3 others" in judge.provenance and "5 people of split 'eval'" in judge.provenance


def test_its_own_error_is_of_people_that_it_has_not_seen(judge, samples):
    rows = [row for row, who in enumerate(samples.people) if who not in judge.facts.people]
    others = samples.take(rows)
    error = 5 * np.abs(judge.read(others.images, others.crop) - others.action_units).mean(0)
    assert judge.facts.mae == pytest.approx(error, abs=1e-4)


def test_round_trip(judge, samples, tmp_path):
    judge.save(tmp_path / "judge")
    again = judges.load(f"regressor={tmp_path / 'judge'}")
    assert again.facts == judge.facts
    read, expected = (one.read(samples.images, samples.crop) for one in (again, judge))
    assert read == pytest.approx(expected, abs=1e-6)
    assert read.min() >= 0 and read.max() <= 1


def test_a_judge_appears_whole_or_not_at_all(judge, tmp_path, monkeypatch):
    def broken(facts):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(JudgeFacts, "to_json", broken)
        with pytest.raises(KeyboardInterrupt):
            judge.save(tmp_path / "some" / "judge")
    assert list((tmp_path / "some").iterdir()) == []
    judge.save(tmp_path / "some" / "judge")
    before = (tmp_path / "some" / "judge" / "judge.json").read_bytes()
    with pytest.raises(OSError, match="not empty"):
        judge.save(tmp_path / "some" / "judge")
    assert (tmp_path / "some" / "judge" / "judge.json").read_bytes() == before


def test_the_same_seed_trains_the_same_judge(judge, samples):
    again = train_judge(samples, "eval", JudgeConfig(steps=3, batch_size=4))
    read, expected = (one.read(samples.images, samples.crop) for one in (again, judge))
    assert read == pytest.approx(expected, abs=1e-4)


def test_it_learns(samples):
    """One AU that is the height of a white bar, which neither light nor mirror hides."""
    heights = np.linspace(0, 1, 40)
    images = np.zeros((40, 64, 64, 3), np.uint8)
    for image, height in zip(images, heights, strict=True):
        image[: round(10 + 40 * height)] = 200
    bars = dataclasses.replace(
        samples,
        images=images,
        action_units=heights[:, None].astype(np.float32),
        names=("AU26",),
        people=[f"{i:02d}" for i in range(40)],
    )
    learnt = train_judge(bars, "eval", JudgeConfig(steps=80, batch_size=16))
    (correlation,) = learnt.facts.pearson  # of people that it has not seen
    assert correlation > 0.9
    assert learnt.facts.mae[0] < 1.0  # of 5; the mean of all would be 1.25 off


def test_too_few_people(samples):
    with pytest.raises(UserError, match="3 people are too few"):
        train_judge(samples.take(range(6)), "eval", JudgeConfig(steps=1))


def test_a_share_of_the_people(samples):
    some = share_of_people(samples, 0.5)
    assert 0 < len(set(some.people)) < 8
    assert len(some) == 2 * len(set(some.people))  # people stay whole
    reversed_rows = samples.take(range(len(samples))[::-1])
    assert set(share_of_people(reversed_rows, 0.5).people) == set(some.people)
    with pytest.raises(UserError, match="nobody"):
        share_of_people(samples, 0.0)


def test_another_margin_is_refused(judge, samples):
    with pytest.raises(UserError, match="margin 0.15, these have 0.3"):
        judge.read(samples.images, CropSpec(64, margin=0.3))


def test_crops_of_another_size_are_made_its_size(judge):
    large = np.zeros((2, 128, 128, 3), np.uint8)
    large[:, :64] = 255
    assert to_network(large, 64)[0, 0, 0] == pytest.approx([1, 1, 1])
    assert to_network(large, 64).shape == (2, 64, 64, 3)
    assert judge.read(large, CropSpec(128)).shape == (2, 17)
    assert judge.read(large[:0], CropSpec(128)).shape == (0, 17)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0, got nan"),
        ({"seed": -1}, r"seed must be in \[0, 2147483647\], got -1"),
        ({"seed": 99999999999}, r"seed must be in \[0, 2147483647\], got 99999999999"),
    ],
)
def test_config_is_checked(options, message):
    with pytest.raises(ValueError, match=message):
        JudgeConfig(**options)


def test_damaged_judges_are_named(judge, tmp_path):
    judge.save(tmp_path)
    (tmp_path / "network.keras").write_bytes(b"no network")
    with pytest.raises(UserError, match="network.keras cannot be read"):
        RegressorJudge.load(tmp_path)
    facts = json.loads((tmp_path / "judge.json").read_text())
    del facts["crop"]
    (tmp_path / "judge.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match="judge.json cannot be read"):
        JudgeFacts.load(tmp_path / "judge.json")


def test_all_pictures_of_a_batch_are_changed_otherwise():
    """The same picture 8 times: moved, mirrored and lit differently, with the AUs that it has."""
    image = np.zeros((8, 64, 64, 3), np.float32)
    image[:, 20:40, 10:30] = 0.5
    units = np.full((8, 2), 0.3, np.float32)
    batch, wanted = next(iter(training._batches(image, units, JudgeConfig(batch_size=8))))
    assert len({picture.numpy().tobytes() for picture in batch}) == 8
    assert np.array_equal(wanted, units)
