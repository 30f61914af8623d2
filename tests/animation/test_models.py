"""Whatever a MODEL argument names computes what its networks compute."""

import shutil

import keras
import numpy as np
import pytest

import tiny
from ganimation_tf.animation import models, pretrained
from ganimation_tf.animation.animator import Animator
from ganimation_tf.errors import ServiceError, UserError
from ganimation_tf.export import formats, versions
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.faces.alignment import CropSpec
from ganimation_tf.networks.generator import build_generator

CARD = ModelCard(tiny.UNITS, CropSpec(tiny.SIZE))


@pytest.fixture(scope="module")
def networks():
    """With a flow that moves: a fresh one is zero."""
    generator = build_generator(tiny.SIZE, len(tiny.UNITS), 4, 1, 0, relative=True, flow=True)
    heads = generator.get_layer("heads")
    heads.kernel.assign(np.random.default_rng(0).normal(0, 0.2, heads.kernel.shape))
    return generator, tiny.build_networks()[1]


@pytest.fixture(scope="module", params=[formats.SAVED_MODEL, "litert"])
def exported(request, networks, tmp_path_factory):
    """A model directory of one format."""
    directory = tmp_path_factory.mktemp(request.param)
    versions.export_model(*networks, CARD, directory, format=request.param, relative=True)
    return directory


def pixels(rows: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.uniform(0, 1, (rows, tiny.SIZE, tiny.SIZE, 3)).astype(np.float32)


def test_an_export_of_each_format(networks, exported):
    generator, critic = networks
    model = models.open_model(exported)
    assert model.card.action_units == tiny.UNITS and model.card.version == 1
    images, rows = pixels(models.ROWS + 2), models.ROWS + 2  # more than one call
    source = np.full((rows, 3), 0.2, np.float32)
    target = np.linspace(0, 1, rows, dtype=np.float32)[:, None].repeat(3, 1)
    expected = generator([images * 2 - 1, target - source])
    edits = list(model.render(images, source, target))
    assert len(edits) == rows
    for row, edit in enumerate(edits):
        np.testing.assert_allclose(edit.image, (expected["image"][row] + 1) / 2, atol=1e-4)
        np.testing.assert_allclose(edit.flow, expected["flow"][row], atol=1e-4)
    seen = np.clip(critic(images * 2 - 1)["action_units"], 0, 1)
    # The SavedModel is given a PNG: pixels are rounded to 1 of 255.
    np.testing.assert_allclose(model.estimate(images), seen, atol=5e-3)


def test_no_change_is_the_crop_bit_for_bit(exported):
    crop = (pixels(1)[0] * 255).astype(np.uint8)
    for animator in (Animator(models.open_model(exported)), Animator.from_export(exported / "1")):
        edited = animator.edit(crop, {"AU12": 0.5}, source={"AU12": 0.5})
        np.testing.assert_array_equal(edited, crop)


def test_a_server(served_model):
    with Animator.from_server(served_model.address) as animator:
        crop = np.full((animator.image_size, animator.image_size, 3), 51, np.uint8)
        np.testing.assert_allclose(animator.estimate(crop), 0.2, atol=1e-6)
        assert (animator.edit(crop, {"AU06": 0.5}) == 153).all()  # 51 + 0.5 * 204
        assert animator.card.version == 2


def test_a_server_that_is_not_there():
    with pytest.raises(ServiceError, match="server 127.0.0.1:1: "):
        Animator.from_server("127.0.0.1:1", timeout=2.0)


def test_paths_that_name_no_model(tmp_path):
    with pytest.raises(UserError, match="no such run or export"):
        models.open_model(tmp_path / "none")
    with pytest.raises(UserError, match="is neither a run .config.json. nor a SavedModel"):
        models.open_model(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"nonsense")
    with pytest.raises(UserError, match="is not an export of this project"):
        models.open_model(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match="config.json"):
        models.open_model(tmp_path)


def test_an_export_without_its_estimator_is_not_whole(tmp_path):
    (tmp_path / "model_card.json").write_text(CARD.to_json())
    (tmp_path / "editor.tflite").write_bytes(b"nonsense")
    with pytest.raises(UserError, match=f"{tmp_path}: the export is not whole: No such file"):
        models.open_model(tmp_path)


def test_the_package_says_what_to_do_where_it_has_no_weights(monkeypatch, tmp_path):
    monkeypatch.setattr(pretrained, "directory", lambda: tmp_path)
    with pytest.raises(UserError, match="name a model, with --model or --server"):
        Animator.pretrained()


def test_networks_of_a_step_are_those_that_are_opened(drawn, tmp_path):
    shutil.copytree(drawn.run, run := tmp_path / "run")
    (best,) = (run / "best").glob("step-*")
    network = keras.models.load_model(best / "generator.keras", compile=False)
    network.set_weights([np.zeros_like(values) for values in network.get_weights()])
    network.save(best / "generator.keras")
    crops = np.random.default_rng(2).uniform(0, 1, (1, 32, 32, 3)).astype(np.float32)
    units = np.zeros((1, 17), np.float32)
    kept, last = (
        next(models.open_model(directory / "generator.keras").render(crops, units, units + 1))
        for directory in (best, run)
    )
    # Without weights attention is sigmoid(0) and color tanh(0), grey.
    np.testing.assert_allclose(kept.image, (crops[0] + 0.5) / 2, atol=1e-6)
    assert np.abs(last.image - kept.image).max() > 0.01
