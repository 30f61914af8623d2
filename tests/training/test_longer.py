"""More steps than a run was planned for: it goes on, with its learning rate planned anew."""

import dataclasses
import json

import pytest

import tiny
from ganimation_tf.errors import UserError
from ganimation_tf.training import longer, runs, train
from ganimation_tf.training.plan import make_plan
from ganimation_tf.training.schedules import rate_at

CONFIG = dataclasses.replace(tiny.CONFIG, learning_rate=0.25, epochs=1, decay_epochs=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data")
    tiny.write_dataset(directory)
    return directory


def plan(data, steps, config=CONFIG):
    return make_plan(data, config, "tiny", steps)


def steps_of(run):
    lines = (run / runs.METRICS).read_text().splitlines()
    return [json.loads(line)["step"] for line in lines]


def test_a_larger_number_of_steps_goes_on_with_a_finished_run(data, tmp_path, caplog):
    """Half of the steps at the full rate, then a straight line to 0: at step 2 of 2 it is 0, of 4
    it is the full one."""
    run = train.train(plan(data, 2), tmp_path)
    with caplog.at_level("INFO"):
        assert train.train(plan(data, 4), tmp_path) == run
    assert (
        f"{run} was planned for 2 steps and goes on to 4: the learning rate follows the longer "
        "plan, from 0.25 at step 2, where it was 0"
    ) in caplog.text
    assert steps_of(run) == [2, 4]
    assert runs.saved_step(run) == 4 and runs.read_facts(run) == plan(data, 4).facts
    caplog.clear()
    with caplog.at_level("INFO"):  # the same command again
        assert train.train(plan(data, 4), tmp_path) == run
    assert "is finished already" in caplog.text and "planned for" not in caplog.text


def test_where_history_must_not_count_a_shorter_run_is_left_alone(data, tmp_path):
    shorter = train.train(plan(data, 1), tmp_path)
    run = train.train(plan(data, 2), tmp_path, prolong=False)
    assert run != shorter and steps_of(run) == [2] and steps_of(shorter) == [1]


def test_a_run_that_is_named_is_left_alone_likewise(data, tmp_path):
    shorter = train.train(plan(data, 1), tmp_path)
    with pytest.raises(UserError, match="steps was 1 and is now 2"):
        train.train(plan(data, 2), None, resume=shorter, prolong=False)
    assert steps_of(shorter) == [1]


def test_a_finished_run_that_is_named_says_how_to_train_another(data, tmp_path, caplog):
    run = train.train(plan(data, 1), tmp_path)
    with caplog.at_level("INFO"):
        assert train.train(plan(data, 1), None, resume=run) == run
    assert "is finished already; --output DIR with --new trains it once more" in caplog.text


def begun(data, runs_dir, steps, saved=1):
    """A run that has a state of step `saved`, or none."""
    run = runs.start_run(runs_dir, plan(data, steps).facts)
    if saved:
        (run / "checkpoints" / f"step-{saved:07d}").mkdir()
    return run


def test_the_run_of_this_very_plan_comes_first(data, tmp_path):
    facts = plan(data, 9).facts
    same = begun(data, tmp_path, 9)
    begun(data, tmp_path, 5)
    assert longer.find(tmp_path, facts) == same


def test_of_several_shorter_ones_the_newest_goes_on(data, tmp_path):
    begun(data, tmp_path, 5)
    newest = begun(data, tmp_path, 3)
    begun(data, tmp_path, 4, saved=0)  # has nothing to go on with
    assert longer.find(tmp_path, plan(data, 9).facts) == newest


def test_fewer_steps_or_another_recipe_are_another_run(data, tmp_path):
    begun(data, tmp_path, 9)
    assert longer.find(tmp_path, plan(data, 5).facts) is None
    other = dataclasses.replace(CONFIG, learning_rate=0.5)
    assert longer.find(tmp_path, plan(data, 12, other).facts) is None


def test_resume_takes_more_steps_and_refuses_fewer(data, tmp_path):
    run = begun(data, tmp_path, 3)
    with pytest.raises(UserError, match="cannot go on: steps was 3 and is now 2"):
        train.train(plan(data, 2), None, resume=run)
    longer.replan(run, plan(data, 5).facts)
    assert runs.read_facts(run)["steps"] == 5


@pytest.mark.parametrize(
    ("schedule", "steps", "step", "rate"),
    [
        ("linear", 8, 4, 0.25),  # half of the steps at the full rate
        ("linear", 8, 6, 0.125),
        ("linear", 8, 8, 0.0),
        ("cosine", 201, 1, 0.125),  # 1 % of 201 is a warm-up of two steps
        ("cosine", 201, 2, 0.25),
        ("cosine", 202, 102, 0.125),  # half way between 2 and 202
        ("cosine", 202, 202, 0.0),
    ],
)
def test_rates_by_hand(schedule, steps, step, rate):
    config = dataclasses.replace(CONFIG, schedule=schedule)
    assert rate_at(config, steps, step) == pytest.approx(rate, abs=1e-6)
