"""Interrupted trainings: what goes on is what would have been, and nothing good is lost."""

import dataclasses
import json
import logging
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

import killed_training
import tiny
from ganimation_tf.errors import UserError
from ganimation_tf.training import best, runs, saved_networks, train
from ganimation_tf.training.callbacks import checkpoints
from ganimation_tf.training.plan import make_plan

EPOCH_STEPS, STEPS = 3, 6  # 12 images / (batch 2 x 2 critic steps); two epochs


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data")
    tiny.write_dataset(directory)
    return directory


def run_training(data, runs_dir, config=killed_training.CONFIG, **options):
    plan = make_plan(data, config, "tiny")
    return train.train(plan, runs_dir, **({"checkpoint_minutes": 0} | options))


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """A run that nothing interrupted."""
    return run_training(data, tmp_path_factory.mktemp("whole"))


def final_state(run):
    """Every value of the last state, by name: weights, optimizers, average, metrics."""
    reader = tf.train.load_checkpoint(str(checkpoints.saved_states(run)[-1] / checkpoints.STATE))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def logged(run):
    """The lines of metrics.jsonl without what a clock says."""
    lines = [json.loads(line) for line in (run / runs.METRICS).read_text().splitlines()]
    clock = {"seconds", "images_per_second"}
    return [{key: line[key] for key in line if key not in clock} for line in lines]


def require_equal(run, whole):
    assert checkpoints.saved_step(run) == STEPS
    state, expected = final_state(run), final_state(whole)
    assert state.keys() == expected.keys()
    assert sum("optimizer" in name for name in expected) > 20
    assert any(name.startswith("average/") for name in expected)
    assert any(name.startswith("metrics/") for name in expected)
    for name, value in expected.items():
        if not name.startswith(("_CHECKPOINTABLE", "save_counter")):
            np.testing.assert_array_equal(state[name], value, err_msg=name)
    assert logged(run) == logged(whole)
    names = [sorted(path.name for path in (r / "samples").glob("*.png")) for r in (run, whole)]
    assert names[0] == names[1]
    for name in names[0]:
        assert (run / "samples" / name).read_bytes() == (whole / "samples" / name).read_bytes()


def start(data, runs_dir, where, step=0, **options):
    script = pathlib.Path(killed_training.__file__)
    return subprocess.Popen(
        [sys.executable, str(script), str(data), str(runs_dir), where, str(step)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options,
    )


@pytest.mark.timeout(900)  # four processes that import TensorFlow
def test_killed_at_any_moment_the_same_command_goes_on_to_the_same_end(data, whole, tmp_path):
    """At two moments drawn anew each time, and inside the writing of a state."""
    drawn = random.Random(time.time_ns())
    moments = [
        ("write", drawn.choice([1, 2])),
        (drawn.choice(["log", "rename"]), EPOCH_STEPS),
        ("step", drawn.choice([4, 5])),
    ]
    print("killed at", moments)
    for where, step in moments:
        process = start(data, tmp_path, where, step)
        output, _ = process.communicate(timeout=200)
        assert process.returncode == -signal.SIGKILL, output.decode()[-2000:]
    run = run_training(data, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [run.name]
    assert not list((run / "checkpoints").glob(".*"))
    require_equal(run, whole)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_by_the_clock_many_times(data, whole, tmp_path):
    """Each is given a third to all of the time that a whole one takes on this machine."""
    drawn = random.Random(time.time_ns())
    began = time.monotonic()
    start(data, tmp_path / "timed", "never").communicate(timeout=600)
    seconds, kills = time.monotonic() - began, 0
    shutil.rmtree(tmp_path / "timed")
    for _ in range(40):
        process = start(data, tmp_path, "never")
        try:
            process.communicate(timeout=seconds * drawn.uniform(0.3, 0.6 if kills < 3 else 1.0))
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
    assert process.returncode == 0 and kills >= 3
    (run,) = tmp_path.iterdir()
    print(f"killed {kills} times")
    require_equal(run, whole)


def test_asked_to_stop_it_saves_and_the_same_command_goes_on(data, whole, tmp_path):
    class Stopping(checkpoints.Checkpoints):
        def on_train_batch_begin(self, batch, logs=None):
            if self.model.step == 1:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "Checkpoints", Stopping)
        with pytest.raises(KeyboardInterrupt):
            run_training(data, tmp_path, checkpoint_minutes=1000)
    (run,) = tmp_path.iterdir()
    assert checkpoints.saved_step(run) == 2
    assert run_training(data, tmp_path) == run
    require_equal(run, whole)


def test_a_damaged_state_is_left_out_and_the_one_before_is_taken(data, whole, tmp_path, caplog):
    run = tmp_path / whole.name
    shutil.copytree(whole, run)
    _, damaged, last = checkpoints.saved_states(run)
    shutil.rmtree(last)
    (file,) = damaged.glob("*.data-*")
    file.write_bytes(file.read_bytes()[:5000])
    with caplog.at_level(logging.INFO, "ganimation_tf"):
        assert run_training(data, tmp_path) == run
    assert f"{damaged} is damaged and left out" in caplog.text
    assert damaged.with_name(f"damaged-{damaged.name}").is_dir()  # nothing is thrown away
    assert f"going on with {run} at step 4" in caplog.text
    require_equal(run, whole)


def test_a_run_whose_states_are_all_damaged_is_not_begun_anew(data, whole, tmp_path):
    run = tmp_path / whole.name
    shutil.copytree(whole, run)
    for path in checkpoints.saved_states(run):
        (path / checkpoints.PROGRESS).write_text('{"step": ')
    shutil.rmtree(checkpoints.saved_states(run)[-1])  # else it would count as finished
    for _ in range(2):  # nor by the next call
        with pytest.raises(UserError, match="none of its 2 saved states can be read"):
            run_training(data, tmp_path)
    assert len(checkpoints.saved_states(run)) == 2


def test_killed_before_the_first_state_nothing_is_logged_twice(data, tmp_path):
    class Dying(checkpoints.Checkpoints):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError("here it ends")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "Checkpoints", Dying)
        with pytest.raises(RuntimeError, match="here it ends"):
            run_training(data, tmp_path, checkpoint_minutes=1000)
    (run,) = tmp_path.iterdir()
    assert len(logged(run)) == 1
    assert run_training(data, tmp_path, checkpoint_minutes=1000) == run
    assert [line["epoch"] for line in logged(run)] == [1, 2]
    assert (run / "samples.gif").is_file()


def test_the_newest_three_states_are_kept(whole):
    names = [path.name for path in checkpoints.saved_states(whole)]
    assert names == ["step-0000004", "step-0000005", "step-0000006"]


def test_the_networks_with_the_best_score_are_kept(data, whole):
    weights = killed_training.CONFIG.loss_weights
    scores = {
        line["step"]: weights.action_units * line["val_generator_action_units"]
        + weights.cycle * line["val_cycle"]
        for line in logged(whole)
    }
    kept = saved_networks.best_networks(whole)
    assert kept.name == f"step-{min(scores, key=scores.get):07d}"
    assert sorted(path.name for path in kept.iterdir()) == ["critic.keras", "generator.keras"]


def test_a_worse_epoch_leaves_the_best_networks_alone(data, tmp_path, monkeypatch):
    given = iter([best.Score("errors", 0.5), best.Score("errors", 0.9)])
    monkeypatch.setattr(best, "make_score", lambda *_: lambda logs: next(given))
    run = run_training(data, tmp_path)
    assert saved_networks.best_networks(run).name == f"step-{EPOCH_STEPS:07d}"
    assert next(given, None) is None  # both epochs were asked


def test_a_full_disk_is_one_clear_error_and_the_last_state_is_kept(data, tmp_path):
    """Files may not grow past 40 kB from the second state on: a state here has about 70."""

    class Full(checkpoints.Checkpoints):
        def save(self):
            if self.model.step == 2:
                resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, limits[1]))
            super().save()

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(train, "Checkpoints", Full)
            with pytest.raises(UserError) as error:
                run_training(data, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    (run,) = tmp_path.iterdir()
    assert f"{run}: cannot be written: " in str(error.value)
    assert "its state of step 1 is kept, and the same command goes on" in str(error.value)
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["step-0000001"]


def test_a_directory_that_cannot_be_written_is_one_clear_error(data, tmp_path):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(UserError, match="runs: a run cannot be written there"):
        run_training(data, tmp_path / "runs")


def test_another_average_is_another_run(data, whole):
    other = dataclasses.replace(killed_training.CONFIG, average=0.5)
    assert runs.find_run(whole.parent, make_plan(data, other, "tiny").facts) is None
