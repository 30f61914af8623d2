"""What a run is told of its length, and how long a step takes."""

import types

import pytest

import tiny
from ganimation_tf.presets import PRESETS
from ganimation_tf.training import length
from ganimation_tf.training.plan import make_plan


@pytest.mark.parametrize(
    ("preset", "steps", "enough"),
    [("small", 499, False), ("small", 500, True), ("film", 1_999, False), ("film", 2_000, True)],
)
def test_pairs_need_fewer_updates(preset, steps, enough, caplog):
    config = PRESETS[preset]
    assert length.shows_something(config, steps) == enough
    assert ("too few to see anything" in length.verdict(config, steps)) != enough
    with caplog.at_level("INFO"):
        length.tell(config, steps)
    (record,) = caplog.records
    assert record.levelname == ("INFO" if enough else "WARNING")
    assert f"{steps:,} updates" in record.message


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "1 minute"),
        (61, "2 minutes"),
        (5399, "90 minutes"),
        (5400, "1.5 hours"),
        (47.9 * 3600, "47.9 hours"),
        (10 * 86400, "10 days"),
    ],
)
def test_durations(seconds, text):
    assert length.duration(seconds) == text


def test_a_step_of_two_rows_is_multiplied(monkeypatch):
    """By a clock that moves a second at each look: two rows take 1 s, the batch of 8 four."""
    clock = iter(range(100))
    monkeypatch.setattr(length, "time", types.SimpleNamespace(perf_counter=lambda: next(clock)))
    model = tiny.build_model("adam", "adam")
    config = PRESETS["tiny"]
    assert (config.batch_size, config.critic_steps) == (8, model.critic_steps)
    assert length.seconds_per_step(model, config) == 4
    assert model.step == 1 + length.TIMED


@pytest.mark.parametrize(
    ("steps", "between"),
    [(60, 60), (700, 200), (4_000, 200), (20_000, 1_000), (48_000, 2_400), (90_000, 2_500)],
)
def test_evaluations_are_neither_many_nor_far_apart(tmp_path, steps, between):
    tiny.write_dataset(tmp_path)
    assert make_plan(tmp_path, tiny.CONFIG, "tiny", steps).epoch_steps == between


def test_epochs_are_counted_where_no_steps_are(tmp_path):
    """12 images / (2 x 2) are 3 steps an epoch; 1 + 1 epochs."""
    tiny.write_dataset(tmp_path)
    plan = make_plan(tmp_path, tiny.CONFIG, "tiny")
    assert (plan.epoch_steps, plan.steps) == (3, 6)
