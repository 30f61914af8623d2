"""The examples run as they are, and do what they say."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import ganimation_tf as gan
import serving_model
from ganimation_tf.data import manifest
from ganimation_tf.faces import images
from jobs import kept

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_lists_every_example():
    text = (EXAMPLES / "README.md").read_text()
    assert all(f"`{path.name}`" in text for path in EXAMPLES.glob("*.py"))


def test_own_annotator_writes_a_row_for_each_photo(drawn, tmp_path):
    example = load("own_annotator")
    table = tmp_path / "aus.csv"
    count = example.write_table(drawn.photos, table)
    header, *rows = table.read_text().splitlines()
    assert header == "image,AU04,AU12,AU26"
    assert len(rows) == count == 24


@pytest.mark.slow
def test_own_annotator_makes_a_dataset_of_its_aus(drawn, tmp_path):
    example = load("own_annotator")
    assert example.main([str(drawn.photos), str(tmp_path / "dataset")]) == 0
    facts = manifest.Manifest.load(tmp_path / "dataset")
    assert facts.action_units == example.ACTION_UNITS
    record = next(iter(kept(tmp_path / "dataset").values()))
    assert 0 < record.action_units[1] < 1


def test_a_run_edits_an_array(drawn, tmp_path):
    example = load("edit_array")
    assert example.main([str(drawn.run), str(tmp_path / "edited.png")]) == 0
    assert images.decode((tmp_path / "edited.png").read_bytes()).shape == (192, 192, 3)
    crop = np.full((32, 32, 3), 128, np.uint8)
    unchanged = example.edit(drawn.run, crop, {})
    # A relative generator returns the input where nothing is to change.
    np.testing.assert_allclose(unchanged, crop, atol=1)


def test_a_run_becomes_weights_that_animate_without_tensorflow(drawn, tmp_path):
    notes = {"training": {"data": "drawn faces"}, "limits": ["It is hardly trained."]}
    (tmp_path / "notes.json").write_text(json.dumps(notes))
    command = [sys.executable, str(EXAMPLES / "ship_weights.py"), str(drawn.run)]
    command += [str(tmp_path / "notes.json"), str(tmp_path / "weights")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    animator = gan.Animator.from_export(tmp_path / "weights")
    crop = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    actual = animator.edit(crop, {"AU12": 1.0})
    more = 1.0 - float(animator.estimate(crop)[animator.action_units.index("AU12")])
    expected = load("edit_array").edit(drawn.run, crop, {"AU12": more})
    assert np.abs(actual.astype(int) - expected.astype(int)).max() <= 3  # float16 weights
    assert animator.card.training["data"] == "drawn faces"
    assert animator.card.limits == ("It is hardly trained.",)
    assert animator.card.outputs == ("image", "attention", "color")


def test_the_official_stubs_edit_a_crop(served_model, tmp_path):
    (tmp_path / "crop.png").write_bytes(serving_model.face())
    arguments = [served_model.address, tmp_path / "crop.png", serving_model.ACTION_UNITS[0]]
    output = tmp_path / "edited.png"
    assert load("official_stubs").main([*map(str, arguments), str(output)]) == 0
    edited = images.decode(output.read_bytes())
    assert edited.shape == (serving_model.SIZE, serving_model.SIZE, 3)


@pytest.mark.parametrize("name", ["fit_own_dataset", "own_critic"])
def test_it_runs_by_itself_and_says_something(name, tmp_path):
    command = [sys.executable, str(EXAMPLES / f"{name}.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip()
