"""The whole road as a user walks it: `ganimation demo`, small."""

import json

import pytest
from PIL import Image

from ganimation_tf import cli
from ganimation_tf.cli import demo as demo_lib
from ganimation_tf.cli.demo import _summary, example_portrait
from ganimation_tf.data.manifest import EVAL, TRAIN, Manifest
from ganimation_tf.evaluation.report import Report
from ganimation_tf.faces import images

pytestmark = pytest.mark.timeout(900)  # a dozen processes, which take long on a busy machine


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("road") / "demo"
    command = ["demo", str(out), "--count", "240", "--image-size", "32", "--steps", "2"]
    assert cli.main(command) == 0
    return out


def test_every_drawn_face_is_in_the_dataset_or_rejected(demo):
    manifest = Manifest.load(demo / "dataset")
    rejected = (demo / "dataset" / "rejected.jsonl").read_text().splitlines()
    assert manifest.records(TRAIN) + manifest.records(EVAL) + len(rejected) == 240
    assert manifest.inputs == 240
    assert not rejected
    assert manifest.crop.size == 32


def test_the_animation_has_its_frames_and_they_move(demo):
    with Image.open(demo / "animation.gif") as gif:
        frames = []
        for index in range(gif.n_frames):
            gif.seek(index)
            frames.append(gif.convert("RGB").tobytes())
    assert 2 <= len(frames) <= 16  # equal neighbours are one longer frame
    assert len(set(frames)) > 1
    assert images.decode((demo / "animation.png").read_bytes()).shape[2] == 3


def test_the_export_knows_where_it_came_from(demo):
    (version,) = (path for path in (demo / "models").iterdir() if path.name.isdecimal())
    card = json.loads((version / "assets.extra" / "model_card.json").read_text())
    assert card["training"]["dataset_digest"] == Manifest.load(demo / "dataset").digest()
    assert card["training"]["preset"] == "small"
    assert card["training"]["metrics"]["step"] == 2


def test_truth_is_shown_of_unseen_people(demo):
    sheet = images.decode((demo / "truth.png").read_bytes())
    assert sheet.shape[0] > 2 * 192 and sheet.shape[1] > 3 * 192  # 3 faces of 192 px to a row
    report = Report.load(demo / "report")
    assert {"truth_share", "truth_error"} <= report.metrics.keys()
    (shard,) = Manifest.load(demo / "dataset").splits[EVAL]
    assert report.facts["faces"] == shard.records


def test_the_model_that_ships_edits_a_portrait_at_its_own_size(demo):
    with Image.open(example_portrait()) as portrait, Image.open(demo / "portrait.png") as edit:
        assert edit.size[0] > portrait.size[0]  # a sheet of several intensities
    assert images.decode((demo / "query.png").read_bytes()).shape == (32, 32, 3)


def test_the_summary_says_which_model_made_which_picture(demo):
    lines = _summary(demo, example_portrait(), 60.0).splitlines()
    trained = next(i for i, line in enumerate(lines) if "that this demo trained" in line)
    ships = next(i for i, line in enumerate(lines) if "that ships" in line)
    places = {
        name: next(i for i, line in enumerate(lines) if line.endswith(name))
        for name in ("truth.png", "animation.gif", "portrait.png")
    }
    assert trained < places["truth.png"] < ships < places["portrait.png"]
    assert trained < places["animation.gif"] < ships


def test_two_commands_at_once_are_both_heard_and_either_may_fail(capfd):
    version, unknown = ["version"], ["evaluate", "--no-such-option"]
    assert demo_lib._call_both(version, version) == 0
    assert capfd.readouterr().out.count("$ ganimation version\n") == 2
    assert demo_lib._call_both(version, unknown) == 2
    assert "arguments are required" in capfd.readouterr().out
    assert demo_lib._call_both(unknown, version) == 2
    said = capfd.readouterr()
    assert "arguments are required" in said.err and "ganimation version" not in said.out


def test_a_photo_that_is_not_there_is_told_before_any_work(tmp_path, capsys):
    command = ["demo", "--output", str(tmp_path / "demo"), "--photo", str(tmp_path / "none.jpg")]
    assert cli.main(command) == 2
    assert "none.jpg: no such file" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("option", ["--count=0", "--steps=0", "--image-size=34"])
def test_an_earlier_demo_outlives_a_wrong_option(option, tmp_path, capsys):
    (tmp_path / demo_lib.MARKER).touch()
    (tmp_path / "report.html").touch()
    assert cli.main(["demo", "--output", str(tmp_path), option]) == 2
    assert option.partition("=")[0] in capsys.readouterr().err
    assert (tmp_path / "report.html").exists()


def test_a_folder_that_is_not_a_demo_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("years of work")
    assert cli.main(["demo", str(tmp_path)]) == 2
    assert "is not empty and not an earlier demo" in capsys.readouterr().err
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
