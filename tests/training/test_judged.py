"""A judge that does not train chooses the best networks where no truth is known."""

import dataclasses
import json

import numpy as np
import pytest

import tiny
from ganimation_tf.errors import UserError
from ganimation_tf.evaluation import judges, samples
from ganimation_tf.training import best, runs
from ganimation_tf.training.callbacks.judged import JudgedEdits
from ganimation_tf.training.diagnostics.monitor import Monitor
from ganimation_tf.training.diagnostics.symptoms import Baselines
from ganimation_tf.training.plan import make_plan
from ganimation_tf.training.train import train


class Brightness:
    """Reads each AU as how bright the picture is; nobody's face is too dark for it."""

    name, provenance, on_scale = "brightness", "arithmetic", True
    action_units = tiny.UNITS

    def read(self, images, crop):
        bright = images.mean((1, 2, 3)) / 255
        return np.repeat(bright[:, None], len(self.action_units), axis=1)

    def trained_on(self, dataset):
        return ()


class Blind(Brightness):
    def read(self, images, crop):
        return np.full((len(images), len(self.action_units)), np.nan)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    directory = tmp_path_factory.mktemp("judged") / "data"
    tiny.write_dataset(directory)
    return directory


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setitem(judges.JUDGES, "brightness", lambda _: Brightness())
    monkeypatch.setitem(judges.JUDGES, "blind", lambda _: Blind())


def lines_of(run):
    return [json.loads(line) for line in (run / runs.METRICS).read_text().splitlines()]


def test_each_epoch_is_judged_and_the_best_is_kept(data, tmp_path):
    plan = make_plan(data, tiny.CONFIG, "tiny")
    run = train(plan, tmp_path, judge="brightness", judge_minutes=0)
    lines = lines_of(run)
    errors = {line["step"]: line["val_judge_error"] for line in lines}
    assert len(errors) == 2 and all(np.isfinite(list(errors.values())))
    (best,) = (run / runs.BEST).iterdir()
    assert best.name == f"step-{min(errors, key=errors.get):07d}"


@pytest.mark.slow
def test_scores_of_two_kinds_are_not_compared(data, tmp_path):
    """A judge's error is about 1, the weighted errors without one are above: the later count."""
    plan = make_plan(data, tiny.CONFIG, "tiny", steps=3)
    run = train(plan, tmp_path, judge="brightness", judge_minutes=0)
    longer = make_plan(data, tiny.CONFIG, "tiny", steps=6)
    assert train(longer, tmp_path) == run
    (best,) = (run / runs.BEST).iterdir()
    assert best.name == "step-0000006"
    progress = json.loads((runs.saved_states(run)[-1] / "progress.json").read_text())
    assert progress["best"]["kind"] == "errors" and progress["best"]["score"] > 1


def test_a_better_score_of_its_kind_is_kept():
    before = {"kind": "errors", "score": 2.0, "step": 3}
    assert best.is_best(best.Score("errors", 2.0), before)
    assert not best.is_best(best.Score("errors", 2.1), before)
    assert best.is_best(best.Score("truth", 9.0), before)
    assert best.is_best(best.Score("truth", 9.0), {})
    assert not best.is_best(best.Score("truth", 9.0), {"score": 8.0})  # of an older state


@pytest.mark.slow
def test_between_two_judgements_time_passes_but_the_end_is_judged(data, tmp_path):
    plan = make_plan(data, dataclasses.replace(tiny.CONFIG, epochs=2), "tiny")
    lines = lines_of(train(plan, tmp_path, judge="brightness", judge_minutes=1e6))
    judged = ["val_judge_error" in line for line in lines]
    assert judged == [True, False, True]  # an epoch each


def test_a_judge_that_finds_no_face_says_nothing(data, tmp_path, caplog):
    plan = make_plan(data, tiny.CONFIG, "tiny", steps=1)
    with caplog.at_level("WARNING"):
        run = train(plan, tmp_path, judge="blind")
    assert "val_judge_error" not in lines_of(run)[0]
    assert "finds no face in the eval faces" in caplog.text


def test_without_an_eval_split_there_is_nobody_to_judge(tmp_path):
    tiny.write_dataset(tmp_path / "data", evaluation=0)
    plan = make_plan(tmp_path / "data", tiny.CONFIG, "tiny", steps=1)
    with pytest.raises(UserError, match="nobody to judge"):
        train(plan, tmp_path / "runs", judge="brightness")
    assert not (tmp_path / "runs").exists()


def test_the_error_is_beside_that_of_the_input(data):
    """A generator that returns its input: exactly 1."""

    class Model:
        relative = False

        @staticmethod
        def inference_generator(inputs, training):
            image, _ = inputs
            return {"image": image, "attention": np.ones((*image.shape[:3], 1), np.float32)}

    faces = samples.load(data)
    callback = JudgedEdits(Brightness(), faces, 0, 1)
    callback.set_model(Model())
    assert callback.judge() == pytest.approx(1)


def test_judge_and_critic_that_disagree_twice_raise_the_alarm():
    monitor = Monitor(Baselines(0.04, 50.0), tiny.CONFIG, 1000)
    seen = {"generator_action_units": 0.02, "unedited_action_units": 0.06}
    better, worse = {**seen, "judge_error": 0.8}, {**seen, "judge_error": 1.04}
    assert monitor.observe_judgement(100, worse) == []
    (raised,) = monitor.observe_judgement(200, worse)
    assert (raised.alarm, raised.state) == ("judge_disagrees", "raised")
    assert "0.0200 against 0.0600" in raised.message and "1.04 of the input's" in raised.message
    assert "--loss.action-units (now 160)" in raised.message
    assert monitor.observe_judgement(300, better) == []
    (cleared,) = monitor.observe_judgement(400, better)
    assert cleared.state == "cleared"
    agreed = {**worse, "generator_action_units": 0.06}  # the critic sees no gain either
    assert monitor.observe_judgement(500, agreed) == monitor.observe_judgement(600, agreed) == []
