"""The alarms: each is provoked, a healthy run raises none, and NaN ends training unsaved."""

import json
import math
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import tiny
from ganimation_tf import cli
from ganimation_tf.cli import train as train_command
from ganimation_tf.config import LossWeights, TrainConfig
from ganimation_tf.errors import UserError
from ganimation_tf.training import truth
from ganimation_tf.training.callbacks import checkpoints
from ganimation_tf.training.callbacks.health import FILE, Health, require_finite_weights
from ganimation_tf.training.callbacks.summaries import writer
from ganimation_tf.training.callbacks.windows import Window
from ganimation_tf.training.diagnostics import symptoms
from ganimation_tf.training.diagnostics.alarms import ALARMS, alarms_for
from ganimation_tf.training.diagnostics.monitor import PATIENCE, Monitor, with_values
from ganimation_tf.training.diagnostics.symptoms import Baselines
from ganimation_tf.training.model import GANimation
from ganimation_tf.training.optimizers import LinearDecay
from ganimation_tf.training.tracking import TRACKED

BASELINES = Baselines(mean_error=0.04, gap_limit=50.0)
STEPS = 1000  # windows of 10 steps, a warm-up of 500
HEALTHY = {
    "loss": 4.0,
    "critic_realism": -1.5,
    "gradient_penalty": 0.05,
    "critic_action_units": 0.01,
    "generator_realism": 0.3,
    "generator_action_units": 0.02,
    "cycle": 0.03,
    "attention": 1.5,
    "total_variation": 0.02,
    "unedited_action_units": 0.06,
    "mask_mean": 0.75,
    "mask_std": 0.2,
    "mask_saturated": 0.5,
    "critic_gradient": 4.0,
    "generator_gradient": 1.0,
    **dict.fromkeys(truth.TERMS, 0.4),
}


def monitor(steps=STEPS):
    return Monitor(BASELINES, tiny.CONFIG, steps)


def observe(judge, windows, start=0):
    """All diagnoses of one window after the other."""
    actual = []
    for number, means in enumerate(windows, start + 1):
        actual += judge.observe(number * judge.window, HEALTHY | means)
    return actual


SYMPTOMS = {
    "copies_input": {"mask_mean": 0.97, "generator_action_units": 0.06},
    "paints_everything": {"mask_mean": 0.02},
    "uniform_mask": {"mask_std": 0.003},
    "hard_mask": {"mask_saturated": 0.99},
    "critic_blind": {"critic_action_units": 0.04},
    "no_visible_edit": {"generator_action_units": 0.06},
    "critic_fooled": {"truth_error": 1.1},
    "gap_collapsed": {"critic_realism": 0.1},
    "gap_exploded": {"critic_realism": -51.0},
    "slope_wrong": {"gradient_penalty": 1.0},
    "critic_gradient_exploded": {"critic_gradient": 401.0},
    "generator_gradient_exploded": {"generator_gradient": 101.0},
    "critic_gradient_vanished": {"critic_gradient": 0.003},
    "generator_gradient_vanished": {"generator_gradient": 0.0},
}


def test_every_alarm_has_its_symptom_here_and_every_number_is_fed():
    assert set(SYMPTOMS) == {alarm.code for alarm in ALARMS}
    assert set(HEALTHY) == set(TRACKED)


@pytest.mark.parametrize("code", SYMPTOMS)
def test_each_symptom_raises_its_alarm_only_once_and_after_patience(code):
    judge = monitor()
    assert observe(judge, [{}] * 60) == []
    diagnoses = observe(judge, [SYMPTOMS[code]] * 20, start=60)
    assert [(d.alarm, d.state, d.step) for d in diagnoses] == [(code, "raised", 640)]
    assert f"for {PATIENCE * 10} steps: " in diagnoses[0].message
    assert judge.raised == [code]
    diagnoses = observe(judge, [{}] * 10, start=80)
    assert [(d.alarm, d.state, d.step) for d in diagnoses] == [(code, "cleared", 840)]
    diagnoses = observe(judge, [SYMPTOMS[code]] * 10, start=90)  # a second onset
    assert [(d.alarm, d.state) for d in diagnoses] == [(code, "raised")]


@pytest.mark.parametrize("code", SYMPTOMS)
def test_a_symptom_that_comes_and_goes_is_no_alarm(code):
    windows = [SYMPTOMS[code]] * (PATIENCE - 1) + [{}]
    assert observe(monitor(), [{}] * 60 + windows * 10) == []


@pytest.mark.parametrize("code", [alarm.code for alarm in ALARMS if not alarm.at_once])
def test_what_is_normal_at_first_is_not_judged_in_the_warm_up(code):
    judge = monitor()
    assert observe(judge, [SYMPTOMS[code]] * 50) == []
    (diagnosis,) = observe(judge, [SYMPTOMS[code]] * PATIENCE, start=50)
    assert (diagnosis.alarm, diagnosis.step) == (code, 540)


@pytest.mark.parametrize("code", ["paints_everything", "gap_exploded"])
def test_what_is_never_normal_is_judged_at_once(code):
    (diagnosis,) = observe(monitor(), [SYMPTOMS[code]] * PATIENCE)
    assert (diagnosis.alarm, diagnosis.step) == (code, 40)


def test_a_critic_that_sees_no_gain_is_not_fooled():
    """Edits worse than the input that the critic does not praise are another alarm's."""
    windows = [{"truth_error": 1.5, "generator_action_units": 0.06}] * 100
    assert {one.alarm for one in observe(monitor(), windows)} == {"no_visible_edit"}


def test_the_fooled_critic_is_told_with_both_figures():
    (diagnosis,) = observe(monitor(), [{"truth_error": 1.17}] * 60)
    assert "AU error 0.0200 against 0.0600" in diagnosis.message
    assert "squared error 1.17 of it" in diagnosis.message
    assert "--loss.truth (now 0)" in diagnosis.message


def test_without_pairs_nobody_contradicts_the_critic():
    assert observe(monitor(), [{"truth_error": 0.0}] * 100) == []


def test_a_high_mask_with_a_better_expression_is_no_copy():
    """Brows and mouth are few pixels: what is painted may be in the right place."""
    assert observe(monitor(), [{"mask_mean": 0.98, "mask_std": 0.03}] * 100) == []


@pytest.mark.parametrize("gap", [0.0, -0.04, 49.0])
def test_a_gap_of_nearly_nothing_is_where_training_should_end(gap):
    assert observe(monitor(), [{"critic_realism": -gap}] * 100) == []


def test_the_message_names_cause_option_and_its_present_value():
    judge = Monitor(BASELINES, tiny.CONFIG, 100_000)
    assert (judge.window, judge.warm_up) == (500, 2000)
    (diagnosis,) = observe(judge, [SYMPTOMS["copies_input"]] * 8)
    assert diagnosis.message == (
        "attention mean 0.97 for 2,000 steps: the generator copies its input; check the AU labels "
        "in the dataset's report.html, or raise --loss.action-units (now 160)"
    )


def test_options_in_the_advice_are_options_of_the_command():
    import argparse
    import re

    parser = argparse.ArgumentParser()
    train_command.configure(parser)
    named = {option for alarm in ALARMS for option in re.findall(r"--[a-z.-]+", alarm.advice)}
    assert len(named) > 5
    assert named <= set(parser._option_string_actions)
    for alarm in ALARMS:
        assert "{" not in with_values(alarm.advice, tiny.CONFIG)


@pytest.mark.parametrize(("steps", "window", "warm_up"), [(6, 10, 3), (1100, 11, 550)])
def test_windows_fit_the_length_of_the_run(steps, window, warm_up):
    assert (monitor(steps).window, monitor(steps).warm_up) == (window, warm_up)


def test_gap_limit_is_the_distance_of_black_from_white():
    black, white = (np.full((16, 16, 3), value) for value in (-1.0, 1.0))
    assert symptoms.largest_gap(16, 1) == pytest.approx(np.linalg.norm(white - black))
    assert symptoms.largest_gap(16, 2) == pytest.approx(np.linalg.norm(white - black) / 4)


def test_window_means_hold_their_borders_after_a_restart():
    window = Window(4)
    ended = [window.add(step, {"x": float(step)}) for step in range(3, 13)]
    # Steps 3 and 4 are half a window; 9 to 12 are whole.
    assert [means["x"] for means in ended if means] == [3.5, 6.5, 10.5]
    window = Window(4)
    assert window.add(4, {"x": 1.0}) is None  # a quarter of a window tells nothing


class Run:
    """The callback at work on numbers that are fed to it."""

    def __init__(self, directory: pathlib.Path, steps=STEPS):
        self.model = tiny.build_model(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
        self.directory = directory
        self.callback = Health(monitor(steps), directory, writer(directory / "logs"))
        self.callback.set_model(self.model)
        self.callback.on_train_begin()

    def feed(self, logs, first, last):
        for step in range(first, last + 1):
            self.model.optimizer.iterations.assign(step)
            tiny.set_step_terms(self.model, HEALTHY | logs)
            self.callback.on_train_batch_end(step)

    def lines(self):
        return [json.loads(line) for line in (self.directory / FILE).read_text().splitlines()]


def test_diagnoses_go_to_log_file_and_tensorboard(tmp_path, caplog):
    run = Run(tmp_path)
    run.feed({}, 1, 600)
    assert not (tmp_path / FILE).exists()
    run.feed(SYMPTOMS["slope_wrong"], 601, 1000)
    (line,) = run.lines()
    assert (line["step"], line["alarm"], line["state"]) == (640, "slope_wrong", "raised")
    assert f"health: step 640: {line['message']}" in caplog.text
    run.callback.on_train_end()
    assert "health: at the end of training: slope_wrong" in caplog.text
    events = next((tmp_path / "logs").glob("events.out.*"))
    texts = [
        value.tensor.string_val[0].decode()
        for event in map(tf.compat.v1.Event.FromString, _records(events))
        for value in event.summary.value
        if value.tag == "health"
    ]
    assert texts == [f"**slope_wrong** {line['message']}"]


def _records(path):
    return [record.numpy() for record in tf.data.TFRecordDataset(str(path))]


def test_an_alarm_that_is_on_is_not_raised_again_when_a_run_goes_on(tmp_path):
    Run(tmp_path).feed(SYMPTOMS["slope_wrong"], 501, 600)
    run = Run(tmp_path)
    run.feed(SYMPTOMS["slope_wrong"], 601, 700)
    assert [line["state"] for line in run.lines()] == ["raised"]
    run.feed({}, 701, 800)
    assert [line["state"] for line in run.lines()] == ["raised", "cleared"]


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["cycle", "critic_gradient"])
def test_a_number_that_is_not_finite_ends_training(name, value, tmp_path):
    run = Run(tmp_path)
    with pytest.raises(UserError, match=f"step 7: {name} is {value}: training has diverged"):
        run.feed({name: value}, 7, 7)
    assert [line["alarm"] for line in run.lines()] == ["not_finite"]
    with pytest.raises(UserError, match="step 7: val_cycle is nan"):
        run.callback.on_epoch_end(0, {"val_cycle": math.nan})


def test_an_estimator_is_not_asked_about_realism():
    def codes(**weights):
        config = TrainConfig(loss_weights=LossWeights(**weights))
        return {alarm.code for alarm in alarms_for(config)}

    every = {alarm.code for alarm in ALARMS}
    assert codes() == every
    of_realism = {"gap_collapsed", "gap_exploded", "slope_wrong"}
    assert every - codes(realism=0.0) == of_realism
    assert every - codes(realism=0.0, action_units=0.0) == of_realism | {
        "copies_input",
        "critic_blind",
        "no_visible_edit",
        "critic_fooled",
    }


def train_on_brightness(weights=None, critic_rate=1e-3, steps=160):
    """Codes of all alarms of a tiny model whose AUs are the brightness of the three channels."""
    keras.utils.set_random_seed(0)
    model = GANimation(*tiny.build_networks(), critic_steps=2)
    rates = keras.optimizers.Adam(1e-3, 0.5), keras.optimizers.Adam(critic_rate, 0.5)
    model.compile(*rates, loss_weights=weights)
    step_function = tf.function(model.train_step)
    judge = Monitor(Baselines(1 / 12, symptoms.largest_gap(16, 2)), tiny.CONFIG, steps)
    window, actual = Window(judge.window), []
    for step in range(1, steps + 1):
        batch = tiny.batch(8, 2, seed=step)
        levels = 2 * batch["action_units"][:, :, None, None] - 1
        batch["image"] = np.broadcast_to(levels, batch["image"].shape)
        step_function({name: tf.constant(values) for name, values in batch.items()})
        means = window.add(step, model.step_terms())
        if means:
            actual += judge.observe(step, means)
    return {diagnosis.alarm for diagnosis in actual}


def test_a_healthy_run_raises_no_alarm():
    # At 160 so small a critic is deceived, and the gap turns negative.
    assert train_on_brightness({"action_units": 40.0}) == set()


def test_without_an_au_loss_a_real_model_copies_and_its_critic_reads_all_the_same():
    assert train_on_brightness({"action_units": 0.0}) == {"copies_input"}


def test_a_critic_that_does_not_learn_has_no_slope():
    """Its initial weights are small: the penalty stays near that of slope 0, which is 1."""
    assert {"slope_wrong", "critic_blind"} <= train_on_brightness(critic_rate=0.0)


def test_a_diverging_run_ends_with_one_line_and_its_last_good_state(tmp_path, capsys, monkeypatch):
    """At a learning rate of 1e6, from step 4 on, the weights leave float32 at once."""
    tiny.write_dataset(tmp_path / "data")
    saved = []
    original = checkpoints.Checkpoints.on_epoch_end

    def save(self, epoch, logs=None):
        original(self, epoch, logs)
        saved.append(self.model.step)

    monkeypatch.setattr(checkpoints.Checkpoints, "on_epoch_end", save)

    def rate(self, step):
        return tf.where(step < 6, 1e-3, 1e6)  # the critic makes two updates in a step

    monkeypatch.setattr(LinearDecay, "__call__", rate)
    shape = "--filters 4 --residual-blocks 1 --critic-filters 4 --critic-layers 3 --batch-size 6"
    options = f"--critic-steps 2 --learning-rate 1e-3 --epochs 50 {shape}"
    command = f"train --data {tmp_path}/data --runs {tmp_path}/runs --preset tiny {options}"
    assert cli.main(command.split()) == 2
    error = capsys.readouterr().err
    (line,) = [line for line in error.splitlines() if line.startswith("ganimation train:")]
    assert "training has diverged and is stopped" in line
    assert "lower --learning-rate (now 0.001)" in line
    (run,) = (tmp_path / "runs").iterdir()
    (last,) = [json.loads(text) for text in (run / FILE).read_text().splitlines()][-1:]
    assert last["alarm"] == "not_finite"
    assert saved[:3] == [1, 2, 3] and last["step"] > max(saved)  # an epoch is one step
    assert f"the last good state, of step {max(saved)}, is in {run / 'checkpoints'}" in line
    for name in ("generator", "critic"):
        for weight in keras.models.load_model(run / f"{name}.keras").get_weights():
            assert np.isfinite(weight).all()


def test_a_run_that_diverges_at_once_has_no_good_state(tmp_path):
    with pytest.raises(UserError, match="no state had been saved yet; begin a new run"):
        Run(tmp_path).feed({"cycle": math.nan}, 1, 1)


def test_weights_that_are_not_finite_are_not_saved():
    model = tiny.build_model(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3))
    require_finite_weights(model)
    slot = model.critic_optimizer.variables[-1]
    slot.assign(np.full(slot.shape, np.inf))
    with pytest.raises(UserError, match=r"is not finite: .* nothing of this step is saved"):
        require_finite_weights(model)
