"""A training run on two epochs of the smallest data: files, resume, refusals."""

import dataclasses
import json
import logging
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import tiny
from ganimation_tf import cli
from ganimation_tf.data import manifest
from ganimation_tf.errors import UserError
from ganimation_tf.faces import images
from ganimation_tf.training import devices, feed, runs, train
from ganimation_tf.training.callbacks import progress
from ganimation_tf.training.model import GANimation
from ganimation_tf.training.optimizers import LinearDecay
from ganimation_tf.training.plan import make_plan

EPOCH_STEPS = 3  # 12 images / (batch 2 x 2 critic steps)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data")
    tiny.write_dataset(directory)
    return directory


def run_training(data, runs, config=tiny.CONFIG, steps=None, **options):
    plan = make_plan(data, config, "tiny", steps)
    return train.train(plan, runs, **options)


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    return run_training(data, tmp_path_factory.mktemp("runs"))


def weights(run):
    loaded = [keras.models.load_model(run / f"{name}.keras") for name in ("generator", "critic")]
    return [value for network in loaded for value in network.get_weights()]


def test_run_directory_holds_what_the_design_says(finished):
    assert finished.name == "00000-tiny-16px-3au-batch2"
    names = {path.name for path in finished.iterdir()}
    assert names >= {"config.json", "environment.json", "checkpoints", "logs", "metrics.jsonl"}
    assert names >= {"samples", "generator.keras", "critic.keras"}
    assert not list(finished.glob("*.partial*"))
    config = json.loads((finished / "config.json").read_text())
    assert config["dataset"]["action_units"] == list(tiny.UNITS)
    assert config["train"] == tiny.CONFIG.to_dict()


def test_metrics_have_a_line_per_epoch_with_train_and_eval_terms(finished):
    lines = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [EPOCH_STEPS, 2 * EPOCH_STEPS]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert all(np.isfinite(value) for line in lines for value in line.values())
    assert lines[0]["val_cycle"] > 0
    # One epoch at the full rate, then one of decay to zero: at its end the rate is 0.
    assert lines[0]["learning_rate"] == pytest.approx(tiny.CONFIG.learning_rate)
    assert lines[1]["learning_rate"] == pytest.approx(0.0, abs=1e-9)


def test_sample_grids_are_written_before_and_after_training(finished):
    paths = sorted((finished / "samples").glob("step-*.png"))
    assert [path.name for path in paths] == ["step-0000000.png", "step-0000006.png"]
    assert (finished / "samples" / "sweep-0000006.png").is_file()
    assert (finished / "samples.gif").is_file()
    first, last = (images.decode(path.read_bytes()) for path in (paths[0], paths[-1]))
    assert first.shape == last.shape
    assert not np.array_equal(first, last)
    assert list((finished / "logs").rglob("events.out.*"))


def test_the_same_seed_gives_the_same_weights(data, finished, tmp_path):
    again = run_training(data, tmp_path)
    for first, second in zip(weights(finished), weights(again), strict=True):
        np.testing.assert_array_equal(first, second)


def test_steps_end_training_within_an_epoch(data, tmp_path):
    run = run_training(data, tmp_path, steps=EPOCH_STEPS + 1)
    lines = (run / "metrics.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["step"] == EPOCH_STEPS + 1


def test_without_an_eval_split_training_goes_on_and_says_so(tmp_path, caplog):
    tiny.write_dataset(tmp_path / "data", evaluation=0)
    run = run_training(tmp_path / "data", tmp_path, steps=1)
    assert "has no eval split: nothing is validated" in caplog.text
    (line,) = (run / "metrics.jsonl").read_text().splitlines()
    assert "val_cycle" not in json.loads(line)
    assert len(list((run / "samples").glob("step-*.png"))) == 2


def test_the_same_call_after_the_end_does_nothing_and_says_so(data, finished, caplog):
    with caplog.at_level(logging.INFO, "ganimation_tf"):
        assert run_training(data, finished.parent) == finished
    assert f"{finished} is finished already; --new trains it once more" in caplog.text
    assert len((finished / "metrics.jsonl").read_text().splitlines()) == 2


def test_a_new_run_is_made_for_another_recipe_and_the_difference_is_said(data, tmp_path, caplog):
    begun = runs.start_run(tmp_path, make_plan(data, tiny.CONFIG, "tiny").facts)
    other = dataclasses.replace(tiny.CONFIG, learning_rate=0.5)
    with caplog.at_level(logging.INFO, "ganimation_tf"):
        run = run_training(data, tmp_path, other, steps=1)
    assert run != begun
    assert f"{begun} is unfinished but another: steps was 6 and is now 1; " in caplog.text
    assert "train.learning_rate was 0.0001 and is now 0.5. A new run" in caplog.text


def test_a_run_from_before_an_option_existed_is_gone_on_with(data, tmp_path):
    plan = make_plan(data, tiny.CONFIG, "tiny")
    run = runs.start_run(tmp_path, plan.facts)
    facts = json.loads((run / runs.CONFIG).read_text())
    for name in ("jitter", "compile", "determinism"):
        del facts["train"][name]
    del facts["start_from"]
    (run / runs.CONFIG).write_text(json.dumps(facts))
    assert runs.find_run(tmp_path, plan.facts) == run


def test_a_wrong_run_to_start_from_leaves_nothing_behind(data, tmp_path):
    empty = runs.start_run(tmp_path / "old", make_plan(data, tiny.CONFIG, "tiny").facts)
    with pytest.raises(UserError, match="has no generator.keras: the run has not ended an epoch"):
        make_plan(data, tiny.CONFIG, "tiny", start_from=empty)
    with pytest.raises(UserError, match="is not a run"):
        make_plan(data, tiny.CONFIG, "tiny", start_from=tmp_path)


def test_training_starts_from_another_run(data, finished, tmp_path):
    plan = make_plan(data, dataclasses.replace(tiny.CONFIG, learning_rate=0.0), "tiny", 1, finished)
    run = train.train(plan, tmp_path)
    for old, new in zip(weights(finished), weights(run), strict=True):
        np.testing.assert_array_equal(old, new)
    assert json.loads((run / "config.json").read_text())["start_from"] == str(finished)


def test_resume_with_another_recipe_is_refused_and_the_differences_are_shown(data, finished):
    weights = dataclasses.replace(tiny.CONFIG.loss_weights, cycle=3.0)
    other = dataclasses.replace(tiny.CONFIG, learning_rate=0.5, loss_weights=weights)
    with pytest.raises(UserError) as error:
        run_training(data, None, other, resume=finished)
    assert str(error.value) == (
        f"{finished} cannot go on: train.learning_rate was 0.0001 and is now 0.5; "
        "train.loss_weights.cycle was 10.0 and is now 3.0"
    )


def test_resume_on_another_dataset_is_refused(data, finished, tmp_path):
    tiny.write_dataset(tmp_path, train=14)
    with pytest.raises(UserError, match="dataset.digest was .*; dataset.records.train was 12 and"):
        run_training(tmp_path, None, resume=finished)


def test_resume_with_another_au_list_is_refused_with_both_shown(data, finished, tmp_path):
    facts = tiny.write_dataset(tmp_path)
    other = dataclasses.replace(facts, action_units=("AU04", "AU12", "AU26"))
    (tmp_path / manifest.FILE).write_text(other.to_json())
    with pytest.raises(UserError, match="AU04 AU12 AU45.*AU04 AU12 AU26|AU45.*AU26"):
        run_training(tmp_path, None, resume=finished)


def test_a_run_that_is_being_trained_is_left_alone(data, tmp_path):
    plan = make_plan(data, tiny.CONFIG, "tiny")
    run = runs.start_run(tmp_path, plan.facts)
    with runs.lock(run), pytest.raises(UserError, match="is being trained by another process"):
        train.train(plan, tmp_path)


@pytest.mark.parametrize(
    ("start", "total", "expected"),
    [
        (0, 6, [(0, 2, 3)]),
        (0, 7, [(0, 2, 3), (6, 3, 1)]),
        (1, 7, [(1, 1, 2), (3, 2, 3), (6, 3, 1)]),
        (7, 8, [(7, 3, 1)]),  # the rest of the epoch, but for a step that is not wanted
        (0, 2, [(0, 1, 2)]),
        (6, 6, []),
    ],
)
def test_fit_is_called_for_whole_epochs_and_what_is_left_before_and_after(start, total, expected):
    assert list(feed.segments(start, total, 3)) == expected


@pytest.mark.parametrize(
    ("number", "most", "expected"), [(1000, 20, 20), (30, 20, 15), (11, 20, 11), (13, 5, 1)]
)
def test_steps_are_handed_over_in_equal_parts(number, most, expected):
    assert feed.largest_divisor(number, most) == expected


@pytest.mark.slow
def test_steps_handed_over_together_train_as_one_by_one(data, finished, tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "steps_together", lambda strategy: 20)
    fits = []
    fit = GANimation.fit

    def noting(model, *args, **options):
        fits.append((model.steps_per_execution, options["steps_per_epoch"]))
        return fit(model, *args, **options)

    monkeypatch.setattr(GANimation, "fit", noting)
    together = run_training(data, tmp_path)
    assert fits == [(EPOCH_STEPS, EPOCH_STEPS)]
    for one, other in zip(weights(finished), weights(together), strict=True):
        np.testing.assert_array_equal(one, other)
    run_training(data, tmp_path, checkpoint_minutes=0, new=True)
    assert fits[1:] == [(1, EPOCH_STEPS)]  # a state is wanted after every step


@pytest.mark.parametrize("wanted", [True, False])
def test_determinism_is_asked_of_tensorflow_unless_it_is_given_up(
    wanted, data, tmp_path, monkeypatch, caplog
):
    asked = []
    enable = tf.config.experimental.enable_op_determinism
    monkeypatch.setattr(
        tf.config.experimental, "enable_op_determinism", lambda: (asked.append(1), enable())
    )
    config = dataclasses.replace(tiny.CONFIG, determinism=wanted)
    with caplog.at_level(logging.INFO):
        run_training(data, tmp_path, config, steps=1)
    assert bool(asked) == wanted
    assert ("no determinism: another run of this" in caplog.text) == (not wanted)


def test_runs_are_numbered_and_none_is_touched_twice(tmp_path):
    first = runs.new_run(tmp_path, "a")
    (tmp_path / "00007-old").mkdir()
    assert first.name == "00000-a"
    assert runs.new_run(tmp_path, "b").name == "00008-b"


def test_progress_counts_rate_and_time_left(monkeypatch):
    """5 steps of 4 images, one a second: after the first, 4 images/s."""
    clock = iter(range(100))
    # The module's own clock: that of the process drives the event loops of other threads.
    now = types.SimpleNamespace(monotonic=lambda: float(next(clock)))
    monkeypatch.setattr(progress, "time", now)
    monkeypatch.setattr(progress.Progress, "SECONDS", 2.0)
    lines = []
    shown = progress.Progress(total_steps=5, images_per_step=4, write=lines.append)
    model = tiny.build_model(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    shown.set_model(model)
    tiny.set_step_terms(model, {})
    shown.on_train_begin()
    for step in range(5):
        model.optimizer.iterations.assign_add(1)
        shown.on_train_batch_end(step)
    assert lines[0].startswith("step 0/5")
    assert [line.split()[1:5] for line in lines[1:]] == [
        ["3/5", "4.0", "images/s", "0:02"],
        ["5/5", "4.0", "images/s", "0:00"],
    ]


@pytest.mark.parametrize(
    ("constant", "decay", "step", "expected"),
    [(10, 10, 0, 2.0), (10, 10, 10, 2.0), (10, 10, 15, 1.0), (10, 10, 99, 0.0), (5, 0, 99, 2.0)],
)
def test_learning_rate_is_constant_then_linear_to_zero(constant, decay, step, expected):
    assert float(LinearDecay(2.0, constant, decay)(step)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--data {tmp} --runs {tmp}/runs", "is not a finished dataset"),
        (
            "--data {data} --runs {tmp}/runs --batch-size 0",
            "--batch-size must be at least 1, got 0",
        ),
        ("--data {data} --runs {tmp}/runs --steps 0", "--steps must be at least 1, got 0"),
        ("--data {data} --runs {tmp}/runs --preset paper", "multiple of 64 (2 to the power of 6"),
        ("--data {data} --resume {tmp}", "is not a run"),
        ("--data {data} --resume {tmp} --new", "--new makes a run and --resume goes on"),
        ("--data {data} --runs {tmp}/runs --learning-rate inf", "--learning-rate must be finite"),
        ("--data {data} --runs {tmp}/runs --conditioning sum", "invalid choice: 'sum'"),
        ("--data {data} --runs {tmp}/runs --devices GPU:9", "--devices must be among CPU:0"),
        ("--data {data} --runs {tmp}/runs --start-from {tmp}", "is not a run"),
        ("--data {data} --runs {tmp}/runs --preset huge", "invalid choice: 'huge'"),
    ],
)
def test_wrong_options_are_one_line_and_exit_code_2(arguments, message, data, tmp_path, capsys):
    line = arguments.format(tmp=tmp_path, data=data).split()
    if "--preset" not in line:
        line += ["--preset", "tiny", "--critic-layers", "3"]
    try:
        code = cli.main(["train", *line])
    except SystemExit as exit_:  # argparse's own
        code = exit_.code
    error = capsys.readouterr().err
    assert code == 2
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_a_recipe_of_pairs_leaves_no_run_where_there_are_none(data, tmp_path):
    weights = dataclasses.replace(tiny.CONFIG.loss_weights, truth=1.0, realism=0.0, cycle=0.0)
    config = dataclasses.replace(tiny.CONFIG, loss_weights=weights)
    with pytest.raises(UserError, match="has no pairs .* learns from nothing else"):
        run_training(data, tmp_path / "runs", config, steps=1)
    assert not (tmp_path / "runs").exists()
