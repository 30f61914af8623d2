"""The whole road as a user walks it: `ganimation demo`, small."""

import json

import pytest
from PIL import Image

from ganimation_tf import cli
from ganimation_tf.data.manifest import EVAL, TRAIN, Manifest
from ganimation_tf.faces import images


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
    assert card["training"]["preset"] == "tiny"
    assert card["training"]["metrics"]["step"] == 2


def test_a_folder_that_is_not_a_demo_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("years of work")
    assert cli.main(["demo", str(tmp_path)]) == 2
    assert "is not empty and not an earlier demo" in capsys.readouterr().err
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
