"""Converted models in their own runtimes against the generator itself."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import tiny
from ganimation_tf.errors import UserError
from ganimation_tf.export import formats, versions
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.export.served_model import ServedModel
from ganimation_tf.faces import images
from ganimation_tf.faces.alignment import CropSpec

CARD = ModelCard(tiny.UNITS, CropSpec(tiny.SIZE))


@pytest.fixture(scope="module")
def networks():
    return tiny.build_networks()


@pytest.fixture(scope="module", params=list(formats.CONVERTED))
def converted(networks, request, tmp_path_factory):
    """Format and directory of an export."""
    return request.param, exported(networks, tmp_path_factory.mktemp("models"), request.param)


def exported(networks, model_dir, format, **options):
    return versions.export_model(*networks, CARD, model_dir, format=format, **options)


def inputs(rows):
    rng = np.random.default_rng(5)
    return {
        "image": rng.uniform(0, 1, (rows, tiny.SIZE, tiny.SIZE, 3)).astype(np.float32),
        "action_units": rng.uniform(0, 1, (rows, len(tiny.UNITS))).astype(np.float32),
    }


def runtime(path):
    """A callable of the file, written as its users would."""
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return lambda feed: dict(zip(names, session.run(None, feed), strict=True))
    if path.suffix == ".xml":
        import openvino

        # Without the hint it computes in bfloat16 on CPUs that can: 3e-3 from float32.
        float32 = {"INFERENCE_PRECISION_HINT": "f32"}
        model = openvino.Core().compile_model(str(path), "CPU", float32)
        return lambda feed: {key.any_name: value for key, value in model(feed).items()}
    import tensorflow as tf

    with pytest.warns(UserWarning, match="tf.lite.Interpreter is deprecated"):
        interpreter = tf.lite.Interpreter(str(path))
    return lambda feed: interpreter.get_signature_runner("serving_default")(**feed)


def test_a_converted_model_computes_what_the_networks_do(networks, converted):
    generator, critic = networks
    format, directory = converted
    assert directory.name == "1"
    assert ModelCard.from_json((directory / "model_card.json").read_text()).version == 1
    ending = formats.CONVERTED[format]
    edit, estimate = (runtime(directory / f"{name}{ending}") for name in ("editor", "estimator"))
    for rows in (1, 2):
        feed = inputs(rows)
        wanted = generator([feed["image"] * 2 - 1, feed["action_units"]])
        actual = edit(feed)
        assert set(actual) == {"edited_image", "attention", "color"}
        for name, value, low in (
            ("edited_image", wanted["image"], -1),
            ("color", wanted["color"], -1),
            ("attention", wanted["attention"], 0),
        ):
            np.testing.assert_allclose(actual[name], (value.numpy() - low) / (1 - low), atol=1e-4)
        seen = np.clip(critic(feed["image"] * 2 - 1)["action_units"].numpy(), 0, 1)
        read = estimate({"image": feed["image"]})["action_units"]
        np.testing.assert_allclose(read, seen, atol=1e-4)


@pytest.mark.parametrize("format", list(formats.CONVERTED))
def test_a_warp_computes_the_same_in_every_format(format, tmp_path):
    generator, _ = networks = tiny.build_warping_networks()
    directory = exported(networks, tmp_path / "models", format, relative=True)
    edit = runtime(directory / f"source_editor{formats.CONVERTED[format]}")
    for rows in (1, 2):
        feed = inputs(rows)
        feed["source_action_units"] = np.roll(feed["action_units"], 1, axis=-1)
        change = feed["action_units"] - feed["source_action_units"]
        wanted = generator([feed["image"] * 2 - 1, change])
        actual = edit(feed)
        np.testing.assert_allclose(actual["flow"], wanted["flow"], atol=1e-4)
        np.testing.assert_allclose(actual["edited_image"], (wanted["image"] + 1) / 2, atol=1e-4)
        still = edit(feed | {"source_action_units": feed["action_units"]})
        np.testing.assert_array_equal(still["edited_image"], feed["image"])


def test_a_conversion_that_computes_something_else_is_refused(networks, tmp_path, monkeypatch):
    def doubling(path):
        run = original(path)
        return lambda feed: {name: 2 * array for name, array in run(feed).items()}

    original = formats._RUNTIMES["litert"]
    monkeypatch.setitem(formats._RUNTIMES, "litert", doubling)
    with pytest.raises(UserError, match=r"litert changes the editor: \w+ must equal Keras's to"):
        exported(networks, tmp_path / "models", "litert")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_failed_conversion_is_one_sentence_and_leaves_nothing(networks, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("no such\n operation")

    monkeypatch.setattr(formats, "_export", fail)
    with pytest.raises(UserError, match="litert cannot hold this editor: no such operation"):
        exported(networks, tmp_path / "models", "litert")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize("package", ["tf2onnx", "onnxruntime"])
def test_a_missing_package_is_named_with_its_extra(networks, tmp_path, monkeypatch, package):
    monkeypatch.setattr(formats, "_PACKAGES", {"onnx": (f"{package}_that_nobody_has",)})
    with pytest.raises(UserError, match=rf"{package}_that_nobody_has is not .*\[formats\]"):
        versions.export_model(*networks, CARD, tmp_path / "models", format="onnx")
    assert not (tmp_path / "models").exists()


EXPORT_ALONE = """
import pathlib, sys
import tiny
from ganimation_tf.export import versions
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.faces.alignment import CropSpec
card = ModelCard(tiny.UNITS, CropSpec(tiny.SIZE))
versions.export_model(*tiny.build_networks(), card, pathlib.Path(sys.argv[1]), format="openvino")
print(sys.modules.get("openvino_telemetry", "never asked for"))
"""


def test_no_converter_reports_its_use_over_the_network(tmp_path):
    """In a process of its own: another test may have imported the package already."""
    helpers = pathlib.Path(tiny.__file__).parent
    environment = os.environ | {"PYTHONPATH": str(helpers), "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.run(
        [sys.executable, "-c", EXPORT_ALONE, str(tmp_path / "models")],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.splitlines()[-1] == "None"  # an import of it fails


def test_a_directory_holds_one_format(networks, tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").touch()
    with pytest.raises(UserError, match="1 is of another format than litert"):
        versions.export_model(*networks, CARD, tmp_path, format="litert")
    (tmp_path / "1" / "saved_model.pb").rename(tmp_path / "1" / "editor.tflite")
    with pytest.raises(UserError, match="1 is of another format than saved_model"):
        versions.export_model(*networks, CARD, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_pictures_are_not_part_of_a_converted_model(networks, converted):
    """What the SavedModel does to bytes is arithmetic that a caller can do: pixels / 255."""
    format, directory = converted
    pixels = np.random.default_rng(2).integers(0, 256, (tiny.SIZE, tiny.SIZE, 3), np.uint8)
    feed = inputs(1) | {"image": (pixels[None] / 255).astype(np.float32)}
    encoded = images.encode_png(pixels)
    served = ServedModel(*networks, CARD)
    edited = served.edit(np.array([encoded], object), feed["action_units"])["image_bytes"]
    wanted = images.decode(edited.numpy()[0]) / 255
    actual = runtime(directory / f"editor{formats.CONVERTED[format]}")(feed)["edited_image"][0]
    np.testing.assert_allclose(actual, wanted, atol=0.5 / 255 + 1e-4)
