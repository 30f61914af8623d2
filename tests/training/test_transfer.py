"""Starting from another run's networks: every weight where it belongs, the rest said."""

import dataclasses
import json
import subprocess
import sys

import keras
import numpy as np
import pytest

import tiny
from ganimation_tf import cli, shipped
from ganimation_tf.errors import UserError
from ganimation_tf.networks.critic import refit_kernel, strided_patches
from ganimation_tf.presets import PRESETS
from ganimation_tf.training import runs, saved_networks, transfer
from ganimation_tf.training.build import build_model
from ganimation_tf.training.plan import make_plan

CONFIG = dataclasses.replace(tiny.CONFIG, average=0.9)


def plan_for(directory, config=CONFIG, **changes):
    facts = tiny.write_dataset(directory)
    plan = make_plan(directory, config, "tiny")
    return dataclasses.replace(plan, manifest=dataclasses.replace(facts, **changes))


@pytest.fixture
def old(tmp_path):
    """A run with networks of its own seed; its directory and its model."""
    plan = plan_for(tmp_path / "old", dataclasses.replace(CONFIG, seed=5))
    run = runs.start_run(tmp_path / "runs", plan.facts)
    model = build_model(plan)
    for network in (model.generator, model.critic):
        network.save(run / f"{network.name}.keras")
    return run, model


def start(tmp_path, run, config=CONFIG, **changes):
    plan = plan_for(tmp_path / "new", config, **changes)
    model = build_model(plan)
    fresh = build_model(plan)
    lines = list(transfer.start_from(model, run, plan.manifest.action_units))
    return model, fresh, lines


def test_the_same_networks_are_copied_whole(old, tmp_path):
    run, before = old
    model, _, lines = start(tmp_path, run)
    assert lines == [f"starting from the networks of {run}"]
    for network in ("generator", "critic"):
        pairs = zip(
            getattr(model, network).get_weights(),
            getattr(before, network).get_weights(),
            strict=True,
        )
        for new, wanted in pairs:
            np.testing.assert_array_equal(new, wanted)
    average = model.inference_generator.get_weights()
    for mean, now in zip(average, model.generator.get_weights(), strict=True):
        np.testing.assert_array_equal(mean, now)


@pytest.mark.parametrize("conditioning", ["concat", "film"])
def test_weights_of_an_au_follow_it_to_its_new_place(conditioning, tmp_path):
    config = dataclasses.replace(CONFIG, conditioning=conditioning)
    plan = plan_for(tmp_path / "old", dataclasses.replace(config, seed=5))
    run = runs.start_run(tmp_path / "runs", plan.facts)
    before = build_model(plan)
    for network in (before.generator, before.critic):
        network.save(run / f"{network.name}.keras")
    # AU04 AU12 AU45 before; AU45 first now, AU12 last, AU01 and AU02 new, AU04 gone.
    names = ("AU45", "AU01", "AU02", "AU12")
    model, fresh, lines = start(tmp_path, run, config, action_units=names)
    assert lines[1] == "AUs that start afresh: AU01 AU02; left behind: AU04"
    entry = "stem_aus" if conditioning == "concat" else "residual1a_film"
    axis = 2 if conditioning == "concat" else 0
    for network, layer, where in (("generator", entry, axis), ("critic", "action_units_head", 3)):
        kernels = [
            np.moveaxis(getattr(m, network).get_layer(layer).kernel.numpy(), where, 0)
            for m in (model, before, fresh)
        ]
        new, given, untouched = kernels
        np.testing.assert_array_equal(new[[0, 3]], given[[2, 1]])
        np.testing.assert_array_equal(new[[1, 2]], untouched[[1, 2]])


def test_another_gain_of_film_computes_the_same(tmp_path):
    config = dataclasses.replace(CONFIG, conditioning="film")
    plan = plan_for(tmp_path / "old", dataclasses.replace(config, seed=5))
    run = runs.start_run(tmp_path / "runs", plan.facts)
    before = build_model(plan)
    for network in (before.generator, before.critic):
        network.save(run / f"{network.name}.keras")
    model, fresh, _ = start(tmp_path, run, dataclasses.replace(config, film_gain=4.0))
    rng = np.random.default_rng(0)
    image = rng.uniform(-1, 1, (2, tiny.SIZE, tiny.SIZE, 3)).astype(np.float32)
    units = rng.random((2, len(tiny.UNITS))).astype(np.float32)
    expected, actual, other = (
        one.generator([image, units])["image"].numpy() for one in (before, model, fresh)
    )
    np.testing.assert_allclose(actual, expected, atol=1e-5)
    assert np.abs(other - expected).max() > 1e-2


def test_another_image_size_keeps_what_does_not_depend_on_it(old, tmp_path):
    run, before = old
    crop = dataclasses.replace(plan_for(tmp_path / "new").manifest.crop, size=32)
    model, fresh, lines = start(tmp_path, run, crop=crop)
    assert lines[1:] == [
        "critic: action_units_head starts afresh, its shape is another: "
        "(2, 2, 16, 3) -> (4, 4, 16, 3)"
    ]
    for mine, theirs in zip(
        model.generator.get_weights(), before.generator.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
    head = [m.critic.get_layer("action_units_head").kernel.numpy() for m in (model, fresh)]
    np.testing.assert_array_equal(*head)
    # At 16 px the second layer is a matrix product, at 32 px a convolution: the same function.
    image = np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 4)).astype(np.float32)
    layer = model.critic.get_layer("conv2")
    assert isinstance(layer, keras.layers.Conv2D)
    product = before.critic.get_layer("conv2")
    assert isinstance(product, keras.layers.Dense)
    np.testing.assert_allclose(layer(image), product(strided_patches(image)), rtol=1e-4, atol=1e-4)


def test_kernels_are_refitted_both_ways():
    kernel = np.random.default_rng(0).normal(size=(4, 4, 3, 5))
    flat = refit_kernel(kernel, (48, 5))
    assert flat.shape == (48, 5)
    np.testing.assert_array_equal(refit_kernel(flat, (4, 4, 3, 5)), kernel)


def test_networks_of_another_build_are_refused(old, tmp_path):
    run, _ = old
    wider = dataclasses.replace(CONFIG, filters=8)
    with pytest.raises(UserError, match=r"generator cannot start .*\(7, 7, 3, 4\) there and .*8"):
        start(tmp_path, run, wider)
    deeper = dataclasses.replace(CONFIG, residual_blocks=2)
    with pytest.raises(UserError, match="only one of them has layer residual2a"):
        start(tmp_path, run, deeper)
    relative = dataclasses.replace(CONFIG, relative=True)
    with pytest.raises(UserError, match="--relative is False there and True here"):
        start(tmp_path, run, relative)


def test_a_run_without_networks_is_refused(tmp_path):
    plan = plan_for(tmp_path / "old")
    run = runs.start_run(tmp_path / "runs", plan.facts)
    with pytest.raises(UserError, match="has no generator.keras"):
        saved_networks.require_networks(run)
    with pytest.raises(UserError, match="has no generator.keras"):
        start(tmp_path, run)


def test_torn_networks_are_called_damaged_not_missing(tmp_path):
    (tmp_path / "generator.keras").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(UserError, match="generator.keras is damaged: "):
        saved_networks.load_network(tmp_path, "generator")


def test_training_starts_from_weights_as_they_ship(tmp_path):
    small = {"filters": 4, "residual_blocks": 1, "critic_filters": 4, "critic_layers": 3}
    config = dataclasses.replace(
        PRESETS["default"], **small, film_gain=1.0, batch_size=2, precision="float32"
    )
    plan = plan_for(tmp_path / "old", dataclasses.replace(config, seed=5))
    before = build_model(plan)
    arrays = {
        f"{name}/{variable.path}": variable.numpy().astype(np.float16)
        for name, network in (("generator", before.generator), ("estimator", before.critic))
        for variable in network.variables
    }
    weights = tmp_path / "weights"
    weights.mkdir()
    np.savez(weights / shipped.ARRAYS, **arrays)
    facts = {"train": config.to_dict(), "image_size": tiny.SIZE, "action_units": tiny.UNITS}
    (weights / shipped.CONFIG).write_text(json.dumps(facts))
    model, _, lines = start(tmp_path, weights, config)
    assert lines == [f"starting from the networks of {weights}"]
    for name in ("generator", "critic"):
        pairs = zip(
            getattr(model, name).get_weights(), getattr(before, name).get_weights(), strict=True
        )
        for new, given in pairs:
            np.testing.assert_array_equal(new, given.astype(np.float16))


def test_labels_keep_their_places_whatever_the_aus_are(tmp_path):
    """`stem_aus` counts the eight labels there, not AUs: nothing of it goes by an AU's name."""
    labelled = dataclasses.replace(CONFIG, labels=True)
    plan = plan_for(tmp_path / "old", dataclasses.replace(labelled, seed=5))
    run, before = runs.start_run(tmp_path / "runs", plan.facts), build_model(plan)
    for network in (before.generator, before.critic):
        network.save(run / f"{network.name}.keras")
    turned = tuple(reversed(tiny.UNITS))
    model, _, _ = start(tmp_path, run, labelled, action_units=turned)
    for name in ("stem_aus", "stem_image"):
        kernels = [each.generator.get_layer(name).get_weights()[0] for each in (before, model)]
        np.testing.assert_array_equal(*kernels)
    heads = [
        each.critic.get_layer("action_units_head").get_weights()[0] for each in (before, model)
    ]
    np.testing.assert_array_equal(heads[0][..., ::-1], heads[1])  # the critic reads AUs
    with pytest.raises(UserError, match="only one of them is asked by labels"):
        start(tmp_path, run)


def test_weights_that_do_not_say_how_they_are_built_are_refused(tmp_path):
    (tmp_path / shipped.CONFIG).write_text('{"image_size": 16}')
    model = build_model(plan_for(tmp_path / "data"))
    with pytest.raises(UserError, match="does not say how to build the networks: no 'action_units"):
        list(transfer.start_from(model, tmp_path, tiny.UNITS))


def test_the_shipped_weights_are_called_by_name_wherever_the_package_lies(tmp_path):
    facts = tiny.write_dataset(tmp_path)
    named = runs.facts_of(CONFIG, facts, "tiny", 1, shipped.directory())
    assert named["start_from"] == "pretrained"
    command = ["train", "--data", "d", "--runs", "r", "--start-from", "pretrained"]
    assert cli.build_parser().parse_args(command).start_from == shipped.directory()


def test_networks_that_computed_in_bfloat16_are_read_as_float32_in_a_fresh_process(tmp_path):
    config = dataclasses.replace(
        CONFIG, conditioning="film", relative=True, flow=True, precision="bfloat16"
    )
    model = build_model(plan_for(tmp_path / "data", config))
    assert model.generator.get_layer("stem_image").compute_dtype == "bfloat16"
    model.generator.save(tmp_path / "generator.keras")
    script = (
        "import pathlib, sys; from ganimation_tf.training import saved_networks;"
        "network = saved_networks.load_network(pathlib.Path(sys.argv[1]), 'generator');"
        "print({layer.compute_dtype for layer in network.layers})"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'float32'}"
