"""Weights as they are shipped: written from Keras, run by LiteRT, read back for training."""

import dataclasses
import json
import subprocess
import sys

import keras
import numpy as np
import pytest

import tiny
from ganimation_tf import shipped
from ganimation_tf.animation import pretrained
from ganimation_tf.animation.animator import Animator
from ganimation_tf.errors import UserError
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.faces.alignment import CropSpec
from ganimation_tf.networks.generator import build_generator

CARD = ModelCard(tiny.UNITS, CropSpec(tiny.SIZE), version=3)


@pytest.fixture(scope="module")
def networks():
    """With a flow that moves: a fresh one is zero."""
    generator = build_generator(
        tiny.SIZE, len(tiny.UNITS), 4, 1, 0, relative=True, skips=True, flow=True
    )
    heads = generator.get_layer("heads")
    heads.kernel.assign(np.random.default_rng(0).normal(0, 0.2, heads.kernel.shape))
    return generator, tiny.build_networks()[1]


@pytest.fixture(scope="module")
def weights(networks, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights")
    card = dataclasses.replace(CARD, intensity_ranges={"AU12": (0.0, 0.9)})
    pretrained.save_weights(path, *networks, {"generator": {"filters": 4}}, card)
    return path


def crops(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.uniform(0, 1, (count, tiny.SIZE, tiny.SIZE, 3)).astype(np.float32)


def test_litert_computes_what_keras_computes(networks, weights):
    generator, critic = networks
    model = pretrained.load(weights)
    images = crops(3)
    source, target = np.zeros((3, 3), np.float32), np.full((3, 3), 0.7, np.float32)
    edits = list(model.render(images, source, target))
    expected = generator([images * 2 - 1, target - source])
    # float16 weights: a relative error of 2^-11 each, over sums of some hundred of them; and a
    # hundredth of a pixel of flow moves noise, whose neighbours differ by up to 1, by as much.
    for row, edit in enumerate(edits):
        np.testing.assert_allclose(edit.image, (expected["image"][row] + 1) / 2, atol=1e-2)
        np.testing.assert_allclose(edit.attention, expected["attention"][row], atol=2e-3)
        np.testing.assert_allclose(edit.flow, expected["flow"][row], atol=1e-2)
    assert np.abs(edits[0].flow).max() > 0.2  # pixels
    seen = np.clip(critic(images * 2 - 1)["action_units"], 0, 1)
    np.testing.assert_allclose(model.estimate(images), seen, atol=2e-3)


def test_no_change_returns_the_crop_bit_for_bit(weights):
    image = (crops(1)[0] * 255).astype(np.uint8)
    source = np.array([0.3, 0.4, 0.5])
    edited = Animator(pretrained.load(weights)).edit(image, {"AU12": 0.4}, source=source)
    np.testing.assert_array_equal(edited, image)


def test_weights_go_back_into_networks(networks, weights):
    generator, critic = (keras.models.clone_model(network) for network in networks)
    arrays = shipped.read_weights(weights)
    shipped.assign(generator, arrays["generator"], "default.npz")
    shipped.assign(critic, arrays["estimator"], "default.npz")
    for mine, theirs in zip((generator, critic), networks, strict=True):
        for given, wanted in zip(mine.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(given, wanted.astype(np.float16))
    with pytest.raises(UserError, match="the weights are of another network"):
        shipped.assign(critic, arrays["generator"], "default.npz")


def test_the_card_travels_with_them(weights):
    card = pretrained.load(weights).card
    assert (card.action_units, card.crop, card.version) == (tiny.UNITS, CropSpec(tiny.SIZE), 3)
    assert tuple(card.intensity_ranges["AU12"]) == (0.0, 0.9)
    assert json.loads((weights / "default.json").read_text())["generator"] == {"filters": 4}


def test_it_needs_no_tensorflow(weights):
    code = (
        "import sys; from ganimation_tf.animation import pretrained;"
        "pretrained.load(sys.argv[1]);"
        "sys.exit(sum(n.split('.')[0] in ('tensorflow', 'keras') for n in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(weights)]).returncode == 0


def test_weights_that_are_not_there_or_not_whole(weights, tmp_path):
    with pytest.raises(UserError, match="has no weights .*: name a model"):
        pretrained.load(tmp_path)
    (tmp_path / "default.json").write_text("{}")
    with pytest.raises(UserError, match="has no `card`"):
        pretrained.load(tmp_path)
    (tmp_path / "default.json").write_text((weights / "default.json").read_text())
    with pytest.raises(UserError, match="the weights are not whole"):
        pretrained.load(tmp_path)
    for name in ("source_editor.tflite", "estimator.tflite"):
        (tmp_path / name).write_bytes(b"nonsense")
    with pytest.raises(UserError, match="the editor is not a LiteRT network"):
        pretrained.load(tmp_path)
