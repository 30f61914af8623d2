"""What the TFX components do, without TFX: digests, folders, training, commands."""

import hashlib
import json
import os
import pathlib
import shutil
import types

import pytest

import tiny
from ganimation_tf import cli
from ganimation_tf.data import manifest
from ganimation_tf.errors import UserError
from ganimation_tf.export import versions
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.options import OptionError
from ganimation_tf.presets import PRESETS
from pipeline.tfx import processes
from pipeline.tfx.input_digest import content_digest
from pipeline.tfx.options import LineOptions
from pipeline.tfx.splits import add_split_folders
from pipeline.tfx.trainer import recipe, run_fn

PLACES = {"images": "i", "annotations": "a", "output": "o", "model_dir": "m"}


@pytest.fixture
def photos(tmp_path) -> pathlib.Path:
    for name in ("imgs/a.jpg", "imgs/b.jpg", "csv/a.csv", "csv/b.csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path


def digest(photos: pathlib.Path) -> str:
    return content_digest(str(photos / "imgs"), str(photos / "csv"))


def test_the_digest_is_of_names_and_bytes_and_of_nothing_else(photos, tmp_path_factory):
    before = digest(photos)
    os.utime(photos / "imgs" / "a.jpg", (1, 1))
    copy = tmp_path_factory.mktemp("copy") / "elsewhere"
    shutil.copytree(photos, copy)
    assert digest(photos) == digest(copy) == before


@pytest.mark.parametrize("file", ["imgs/b.jpg", "csv/b.csv"])
def test_a_change_of_equal_length_and_time_is_another_digest(photos, file):
    before, path = digest(photos), photos / file
    times = path.stat()
    path.write_bytes(b"\0" * times.st_size)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert digest(photos) != before


def test_a_name_is_part_of_the_digest(photos):
    before = digest(photos)
    (photos / "imgs" / "b.jpg").rename(photos / "imgs" / "c.jpg")
    assert digest(photos) != before


def test_a_dataset_has_a_folder_for_each_split_and_stays_what_it_is(tmp_path):
    before = tiny.write_dataset(tmp_path)
    assert add_split_folders(str(tmp_path), before) == ["train", "eval"]
    assert manifest.Manifest.load(tmp_path) == before
    for split in ("train", "eval"):
        (shard,) = before.splits[split]
        (file,) = (tmp_path / f"Split-{split}").iterdir()
        assert file.name == shard.file
        assert hashlib.sha256(file.read_bytes()).hexdigest() == shard.sha256
        assert file.samefile(tmp_path / shard.file)


def test_without_hard_links_it_is_a_copy(tmp_path, monkeypatch):
    def link(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", link)
    (shard,) = tiny.write_dataset(tmp_path).splits["eval"]
    add_split_folders(str(tmp_path), manifest.Manifest.load(tmp_path))
    data = (tmp_path / "Split-eval" / shard.file).read_bytes()
    assert hashlib.sha256(data).hexdigest() == shard.sha256


def test_a_split_without_records_gets_no_folder(tmp_path):
    made = tiny.write_dataset(tmp_path, evaluation=0)
    assert add_split_folders(str(tmp_path), made) == ["train"]
    assert not (tmp_path / "Split-eval").exists()


def test_a_recipe_is_the_preset_with_other_values_in_place():
    made = recipe("tiny", {"seed": 7, "loss_weights": {"cycle": 3.0}})
    before = PRESETS["tiny"]
    assert (made.seed, made.loss_weights.cycle) == (7, 3.0)
    assert made.loss_weights.attention == before.loss_weights.attention
    assert made.filters == before.filters


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> types.SimpleNamespace:
    """What TFX gives to `run_fn`, after it ran on a tiny dataset."""
    root = tmp_path_factory.mktemp("tfx")
    data = root / "examples" / "1"
    made = tiny.write_dataset(data)
    add_split_folders(str(data), made)
    for name in ("model", "model_run"):
        (root / name / "2").mkdir(parents=True)
    values = tiny.CONFIG.to_dict()
    given = types.SimpleNamespace(
        train_files=[str(data / "Split-train" / "*")],
        train_steps=2,
        serving_model_dir=str(root / "model" / "2" / "Format-Serving"),
        model_run_dir=str(root / "model_run" / "2"),
        custom_config={
            "preset": "tiny",
            "options": values,
            "runs": str(root / "runs"),
            "best": False,
        },
        dataset=made,
    )
    run_fn(given)
    return given


def test_training_leaves_an_export_and_the_run_without_its_checkpoints(trained):
    model, run = pathlib.Path(trained.serving_model_dir), pathlib.Path(trained.model_run_dir)
    assert (model / "saved_model.pb").is_file()
    assert [path.name for path in model.parent.iterdir()] == ["Format-Serving"]
    card = ModelCard.from_json((model / "assets.extra" / "model_card.json").read_text())
    assert card.action_units == tiny.UNITS
    assert card.training["dataset_digest"] == trained.dataset.digest()
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == 2
    assert not (run / "checkpoints").exists()


def test_a_second_execution_takes_the_finished_run(trained, tmp_path, monkeypatch):
    exported = []

    def export_run(run, where, version, best):
        exported.append(run)
        (where / str(version)).mkdir()
        return where / str(version)

    monkeypatch.setattr(versions, "export_run", export_run)
    again = types.SimpleNamespace(**vars(trained))
    again.serving_model_dir = str(tmp_path / "Format-Serving")
    again.model_run_dir = str(tmp_path / "run")
    run_fn(again)
    assert exported == [*pathlib.Path(trained.custom_config["runs"]).iterdir()]


def test_a_command_of_this_package_runs_as_a_process():
    assert "surprise" in processes.judged("expressions")


def test_what_a_command_refuses_is_the_user_s_error_and_what_it_denies_is_none(trained, tmp_path):
    with pytest.raises(UserError, match="ganimation infra-validate: .* is no SavedModel"):
        processes.judged("infra-validate", str(tmp_path))
    gate = ("--gate", "cycle<0", "--pixels-only", "--sweeps", "0")
    data = str(pathlib.Path(trained.train_files[0]).parents[1])
    said = processes.judged("evaluate", "input", "--data", data, "--split", "train", *gate)
    assert "gate cycle<0 failed: cycle is 0" in said


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"images": " "}, OptionError, "images must not be empty"),
        ({"eval_fraction": 0.0}, OptionError, r"eval_fraction must be in \(0, 1\)"),
        ({"preset": "best"}, OptionError, "preset must be one of"),
        ({"gates": ("truth_error",)}, UserError, "a gate is METRIC<=NUMBER"),
    ],
)
def test_wrong_options_are_told_before_any_work(changed, error, message):
    with pytest.raises(error, match=message):
        LineOptions(**PLACES | changed)


def test_the_command_line_speaks_of_flags(capsys):
    flags = [part for name in PLACES for part in (f"--{name.replace('_', '-')}", "x")]
    assert cli.main(["tfx", *flags, "--steps", "0"]) == 2
    assert capsys.readouterr().err.startswith("ganimation tfx: --steps must be at least 1, got 0")
    assert cli.main(["tfx", *flags, "--compile", "job.json"]) == 2
    assert "--compile and --container must be given together" in capsys.readouterr().err
