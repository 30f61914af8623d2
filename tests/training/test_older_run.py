"""A run that an older version wrote: training goes on, export and evaluation read it.

`older_run.zip` was written by commit 93d23dc (24 November 2026): `tiny.CONFIG` with an average of
0.5 on `tiny.write_dataset`, ended after step 4 of 6. Its config lacks all options that came
later: skips, flow, the terms of truth, schedule, precision and others.
"""

import json
import pathlib
import zipfile

import numpy as np
import pytest

import tiny
from ganimation_tf.animation.evaluated import open_editor
from ganimation_tf.config import TrainConfig
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.export.versions import export_run
from ganimation_tf.training import runs
from ganimation_tf.training.plan import make_plan
from ganimation_tf.training.train import train


@pytest.fixture
def data(tmp_path):
    tiny.write_dataset(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def run(tmp_path):
    path = tmp_path / "runs" / "00000-tiny-16px-3au-batch2"
    for name in ("samples", "logs"):
        (path / name).mkdir(parents=True)
    with zipfile.ZipFile(pathlib.Path(__file__).with_name("older_run.zip")) as archive:
        archive.extractall(path)
    return path


def test_its_config_lacks_options_and_they_have_their_defaults(run):
    written = json.loads((run / runs.CONFIG).read_text())["train"]
    now = runs.read_facts(run)["train"]
    plain = TrainConfig().to_dict() | {"compile": "off"}  # nothing was compiled then
    later = now.keys() - written.keys()
    assert {"skips", "flow", "schedule", "precision", "augmentation"} <= later
    assert all(now[name] == plain[name] for name in later)
    assert all(now[name] == written[name] for name in written.keys() - {"loss_weights"})


def test_training_goes_on_with_it(data, run):
    facts = runs.read_facts(run)
    plan = make_plan(data, TrainConfig.from_dict(facts["train"]), "tiny")
    before = (run / runs.METRICS).read_text().splitlines()[:1]
    assert train(plan, run.parent) == run
    assert runs.saved_step(run) == 6
    after = (run / runs.METRICS).read_text().splitlines()
    assert after[:1] == before and json.loads(after[-1])["step"] == 6


@pytest.mark.slow
def test_it_is_exported_and_evaluated(data, run, tmp_path):
    version = export_run(run, tmp_path / "models")
    card = ModelCard.from_json((version / "assets.extra" / "model_card.json").read_text())
    assert card.action_units == tiny.UNITS and card.training["config"]["flow"] is False
    editor = open_editor(str(run), data)
    crops = np.full((1, tiny.SIZE, tiny.SIZE, 3), 0.5, np.float32)
    units = np.zeros((1, 3), np.float32)
    edited = editor.edit(crops, units, units + 1)
    exported = open_editor(str(version), data).edit(crops, units, units + 1)
    np.testing.assert_allclose(edited["image"], exported["image"], atol=1e-5)
