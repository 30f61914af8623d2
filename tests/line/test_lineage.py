"""What made a model, read off its card alone."""

import dataclasses
import json
import shutil

import pytest

from ganimation_tf import cli
from ganimation_tf.data import manifest
from ganimation_tf.export import signature
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.export.model_directory import PUSHED
from ganimation_tf.faces.alignment import CropSpec
from ganimation_tf.training import lineage

MADE_WITH = {
    "version": "0.1.0",
    "commit": "c0ffee",
    "lock": "10c4",
    "python": "3.11.7",
    "libraries": {"tensorflow": "2.21.0", "grpcio": None},
    "cpu": "x86_64-AuthenticAMD-avx2",
}

CARD = ModelCard(
    ("AU12",),
    CropSpec(16),
    version=1,
    training={"preset": "small", "steps": 60, "config": {"seed": 7}},
    lineage={
        "exported_with": MADE_WITH,
        "made_with": [MADE_WITH],
        "dataset": {
            "digest": "da7a",
            "records": {"train": 8, "eval": 2},
            "inputs": 11,
            "rejected": {"no_face": 1},
            "options": {"image_size": 16, "detector": None},
            "sources": {"images": 11, "annotations": 12, "sha256": "50c5"},
        },
        "start_from": {
            "name": "runs/00000",
            "training": {"preset": "default", "steps": 20000, "config": {"seed": 3}},
            "lineage": {"dataset": {"digest": "01d"}},
        },
    },
)

NOTE = {
    "digest": "d16e57",
    "evaluation": {
        "conditions": ["truth_error<=0.4"],
        "facts": {
            "dataset": "da7a",
            "split": "eval",
            "people": 3,
            "metrics": {"truth_error": 0.31},
        },
    },
    "infrastructure": {"conditions": ["a fresh process serves it"]},
}


@pytest.fixture
def version(tmp_path):
    """A version of a model directory of which nothing but its card and note is there."""
    path = tmp_path / "models" / "4"
    (path / "assets.extra").mkdir(parents=True)
    (path / "assets.extra" / signature.MODEL_CARD).write_text(CARD.to_json())
    (path / PUSHED).write_text(json.dumps(NOTE))
    return path


def test_everything_is_told_from_the_gate_to_the_photos(version, capsys):
    assert cli.main(["lineage", str(version.parent)]) == 0  # the newest version
    made = "ganimation-tf 0.1.0, commit c0ffee, lock 10c4, Python 3.11.7, tensorflow 2.21.0"
    assert capsys.readouterr().out.splitlines() == [
        f"model      {version}: ganimation, 16 px",
        "pushed     the model of digest d16e57",
        "gate       truth_error<=0.4 holds, it is 0.31",
        "evaluated  on 3 people of eval, dataset da7a",
        "served     a fresh process serves it",
        f"exported   {made}, x86_64-AuthenticAMD-avx2",
        "trained    preset small, 60 updates, seed 7",
        f"by         {made}, x86_64-AuthenticAMD-avx2",
        "dataset    da7a: 8 train, 2 eval",
        "options    image_size 16",
        "inputs     11, 1 of them rejected",
        "photos     11 images, 12 annotations; their digests are the sources.jsonl of SHA-256 50c5",
        "begun from runs/00000",
        "trained      preset default, 20000 updates, seed 3",
        "dataset      01d",
    ]


@pytest.mark.parametrize(
    "note", [{}, [1], "a text", {**NOTE, "evaluation": {}}, {**NOTE, "infrastructure": None}]
)
def test_a_note_that_was_changed_is_named(version, note, capsys):
    (version / PUSHED).write_text(json.dumps(note))
    assert cli.main(["lineage", str(version)]) == 2
    output = capsys.readouterr()
    (line,) = output.err.strip().splitlines()
    assert f"{version / PUSHED} is not what a push notes: " in line
    assert output.out == ""


def test_for_machines(version, capsys):
    assert cli.main(["lineage", str(version), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["card"]["lineage"]["dataset"]["sources"]["sha256"] == "50c5"
    assert content["pushed"] == NOTE


def test_a_card_that_is_older_than_lineages(version, capsys):
    older = dataclasses.replace(CARD, lineage={}, package={"version": "0.0.9", "commit": None})
    (version / "assets.extra" / signature.MODEL_CARD).write_text(older.to_json())
    (version / PUSHED).unlink()
    assert cli.main(["lineage", str(version)]) == 0
    assert "exported   ganimation-tf 0.0.9\n" in capsys.readouterr().out


def test_the_shipped_weights(capsys):
    assert cli.main(["lineage", "pretrained"]) == 0
    out = capsys.readouterr().out
    assert "source     portraits: github.com/faker-js/assets-person-portrait, CC0-1.0" in out


def test_a_served_model_tells_it_over_the_network(served_model, capsys):
    assert cli.main(["lineage", served_model.address]) == 0
    assert f"model      {served_model.address}: ganimation, 16 px" in capsys.readouterr().out


def test_what_is_no_model(tmp_path, capsys):
    assert cli.main(["lineage", str(tmp_path / "none")]) == 2
    assert "no such run or export" in capsys.readouterr().err


def test_a_run_knows_its_dataset_and_its_photos(drawn, tmp_path, capsys):
    made = manifest.Manifest.load(drawn.data)
    lineage_of_run = lineage.read(drawn.run)
    assert lineage_of_run["dataset"]["digest"] == made.digest()
    assert lineage_of_run["dataset"]["sources"] == made.sources
    assert len(lineage_of_run["made_with"]) == 1 and lineage_of_run["start_from"] is None
    moved = shutil.copytree(drawn.run, tmp_path / "run")
    assert cli.main(["lineage", str(moved)]) == 0
    assert "24 images, 24 annotations; their digests are the sources.jsonl of SHA-256 " in (
        capsys.readouterr().out
    )
