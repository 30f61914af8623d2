"""The SavedModel, loaded with nothing but `tf.saved_model.load`, against the Keras networks."""

import dataclasses
import functools
import json
import re
import subprocess
import warnings

import numpy as np
import pytest
import tensorflow as tf

import ganimation_tf
import tiny
from ganimation_tf import cli
from ganimation_tf.errors import UserError
from ganimation_tf.export import self_check, signature, versions
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.export.self_check import SelfCheckError
from ganimation_tf.export.served_model import ServedModel
from ganimation_tf.faces import images
from ganimation_tf.faces.alignment import CropSpec
from ganimation_tf.networks.critic import build_critic
from ganimation_tf.networks.generator import build_generator
from ganimation_tf.origin import _commit, package_origin

CARD = ModelCard(tiny.UNITS, CropSpec(tiny.SIZE), training={"preset": "tiny"})


@pytest.fixture(scope="module")
def networks():
    return tiny.build_networks()


@pytest.fixture(scope="module")
def exported(networks, tmp_path_factory):
    return versions.export_model(*networks, CARD, tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def signatures(exported):
    return tf.saved_model.load(str(exported)).signatures


def picture(seed=0, size=tiny.SIZE):
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3)).astype(np.uint8)


def units(batch, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, (batch, len(tiny.UNITS))).astype(np.float32)


def test_signatures_have_the_declared_names(signatures):
    names = {
        name: (set(each.structured_input_signature[1]), set(each.structured_outputs))
        for name, each in signatures.items()
    }
    assert names == {
        "serving_default": ({"image_bytes", "action_units"}, {"image_bytes"}),
        "render": ({"image", "action_units"}, {"image", "attention", "color"}),
        "edit": (
            {"image", "source_action_units", "action_units"},
            {"image", "attention", "color"},
        ),
        "estimate": ({"image_bytes"}, {"action_units"}),
        "edit_examples": ({"examples"}, {"image_bytes", "action_units"}),
        "describe": ({"request"}, {"model_card"}),
    }


def test_every_variable_is_saved_once(exported, networks):
    saved = tf.train.list_variables(str(exported / "variables" / "variables"))
    shapes = sorted(shape for name, shape in saved if name != "_CHECKPOINTABLE_OBJECT_GRAPH")
    assert shapes == sorted(list(v.shape) for model in networks for v in model.variables)


def test_a_session_runs_it_as_tensorflow_serving_does(exported, networks):
    feed = {"image": np.full((2, tiny.SIZE, tiny.SIZE, 3), 0.5), "action_units": units(2)}
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecated; a server in C++ has no other way
            declared = tf.compat.v1.saved_model.load(session, ["serve"], str(exported))
        render = declared.signature_def["render"]
        named = {render.inputs[name].name: array for name, array in feed.items()}
        actual = session.run(render.outputs["attention"].name, named)
    expected = networks[0]([np.zeros((2, tiny.SIZE, tiny.SIZE, 3), np.float32), units(2)])
    np.testing.assert_allclose(actual, expected["attention"], atol=1e-5)


@pytest.mark.parametrize("batch", [1, 3])
def test_render_equals_keras(signatures, networks, batch):
    image = np.random.default_rng(1).uniform(0, 1, (batch, tiny.SIZE, tiny.SIZE, 3))
    image = image.astype(np.float32)
    served = signatures["render"](image=tf.constant(image), action_units=tf.constant(units(batch)))
    expected = networks[0]([image * 2 - 1, units(batch)])
    for name, low in (("image", -1), ("color", -1), ("attention", 0)):
        wanted = (expected[name].numpy() - low) / (1 - low)
        np.testing.assert_allclose(served[name], wanted, atol=1e-5)


def test_edit_equals_keras_to_half_a_gray_level(signatures, networks):
    encoded = [images.encode_png(picture(seed)) for seed in range(2)]
    served = signatures["serving_default"](
        image_bytes=tf.constant(encoded), action_units=tf.constant(units(2))
    )
    for row in range(2):
        image = picture(row).astype(np.float32)[None] / 127.5 - 1
        edited = networks[0]([image, units(2)[row : row + 1]])["image"].numpy()[0]
        got = images.decode(served["image_bytes"].numpy()[row]).astype(float)
        assert np.abs(got - (edited + 1) * 127.5).max() <= 0.501


def test_edit_of_a_known_source_is_render_unless_nothing_changes(signatures):
    image = np.random.default_rng(1).uniform(0, 1, (2, tiny.SIZE, tiny.SIZE, 3)).astype(np.float32)
    source, wanted = units(2, 1), units(2)
    source[1] = wanted[1]
    feed = {"image": tf.constant(image), "action_units": tf.constant(wanted)}
    rendered = signatures["render"](**feed)
    edited = signatures["edit"](**feed, source_action_units=tf.constant(source))
    np.testing.assert_array_equal(edited["image"][1], image[1])
    np.testing.assert_array_equal(edited["attention"][1], 1.0)
    for name in rendered:
        np.testing.assert_allclose(edited[name][0], rendered[name][0], atol=1e-6)


@pytest.fixture(scope="module")
def warping(tmp_path_factory):
    """A generator with a flow, and its export."""
    networks = tiny.build_warping_networks()
    directory = tmp_path_factory.mktemp("models")
    return networks, versions.export_model(*networks, CARD, directory, relative=True)


def test_a_warping_model_answers_with_its_flow(warping):
    (generator, estimator), directory = warping
    served = tf.saved_model.load(str(directory)).signatures
    image = np.random.default_rng(1).uniform(0, 1, (2, tiny.SIZE, tiny.SIZE, 3)).astype(np.float32)
    source, wanted = units(2, 1), units(2)
    actual = served["edit"](
        image=tf.constant(image),
        source_action_units=tf.constant(source),
        action_units=tf.constant(wanted),
    )
    expected = generator([image * 2 - 1, wanted - source])
    assert np.abs(expected["flow"]).max() > 0.5  # of at most 2 pixels
    np.testing.assert_allclose(actual["flow"], expected["flow"], atol=1e-5)
    np.testing.assert_allclose(actual["image"], (expected["image"] + 1) / 2, atol=1e-5)
    read = np.clip(estimator(image * 2 - 1)["action_units"], 0, 1)
    rendered = served["render"](image=tf.constant(image), action_units=tf.constant(wanted))
    by_reading = generator([image * 2 - 1, wanted - read])
    np.testing.assert_allclose(rendered["flow"], by_reading["flow"], atol=1e-5)
    card = json.loads((directory / "assets.extra" / "model_card.json").read_text())
    assert card["outputs"] == ["image", "attention", "color", "flow"]


def test_estimate_is_the_critics_reading_clipped(signatures, networks):
    encoded = images.encode_png(picture())
    (served,) = signatures["estimate"](image_bytes=tf.constant([encoded])).values()
    image = picture().astype(np.float32)[None] / 127.5 - 1
    expected = np.clip(networks[1](image)["action_units"].numpy(), 0, 1)
    np.testing.assert_allclose(served, expected, atol=1e-5)


def test_images_of_another_size_are_resampled(signatures):
    flat = images.encode_jpeg(np.full((50, 40, 3), 128, np.uint8))
    small = images.encode_png(np.full((tiny.SIZE, tiny.SIZE, 3), 128, np.uint8))
    first, second = (
        signatures["serving_default"](
            image_bytes=tf.constant([encoded]), action_units=tf.constant(units(1))
        )["image_bytes"].numpy()[0]
        for encoded in (flat, small)
    )
    # Resampling a flat colour rounds in its last bit, which can tip a pixel to the next gray.
    np.testing.assert_allclose(images.decode(first), images.decode(second).astype(float), atol=1)


@pytest.mark.parametrize(
    ("encoded", "values", "message"),
    [
        (b"not a picture", 0.5, "image_bytes must be JPEG or PNG"),
        (b"", 0.5, "image_bytes must be JPEG or PNG"),
        (images.encode_png(picture()), 1.5, r"action_units must be in \[0, 1\]"),
        (images.encode_png(picture()), float("nan"), r"action_units must be in \[0, 1\]"),
    ],
)
def test_bad_requests_are_invalid_arguments(signatures, encoded, values, message):
    wanted = np.full((1, len(tiny.UNITS)), values, np.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        signatures["serving_default"](
            image_bytes=tf.constant([encoded]), action_units=tf.constant(wanted)
        )


@pytest.mark.parametrize("name", ["render", "edit"])
@pytest.mark.parametrize("value", [255.0, 1.001, -0.001, float("nan")])
def test_pixels_outside_of_0_to_1_are_invalid_arguments(signatures, name, value):
    image = np.full((2, tiny.SIZE, tiny.SIZE, 3), 0.5, np.float32)
    shown = {"source_action_units": tf.constant(units(2))} if name == "edit" else {}
    call = functools.partial(signatures[name], action_units=tf.constant(units(2)), **shown)
    assert np.isfinite(call(image=tf.constant(image))["image"]).all()
    image[1, -1, 0, 2] = value
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"image must be in \[0, 1\]"):
        call(image=tf.constant(image))


def test_card_is_in_the_export_and_in_describe(exported, signatures):
    text = (exported / "assets.extra" / signature.MODEL_CARD).read_text()
    card = ModelCard.from_json(text)
    assert card == dataclasses.replace(CARD, version=1)
    assert json.loads(text)["image_size"] == tiny.SIZE
    (answers,) = signatures["describe"](request=tf.constant(["", ""])).values()
    assert [answer.decode() for answer in answers.numpy()] == [text, text]


def test_versions_count_up_and_none_is_overwritten(networks, tmp_path):
    (tmp_path / "3").mkdir()
    (tmp_path / "notes").mkdir()
    assert versions.next_version(tmp_path) == 4
    with pytest.raises(UserError, match="3 exists; a version is written once"):
        versions.export_model(*networks, CARD, tmp_path, version=3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["3", "notes"]


def test_a_model_directory_that_is_none(networks, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be read as a model directory"):
        versions.export_model(*networks, CARD, tmp_path / "file")
    with pytest.raises(UserError, match="1: cannot be written"):
        versions._write_whole(tmp_path / "file" / "1", lambda directory: None)


def test_a_full_disk_inside_tensorflow_is_one_sentence_and_leaves_nothing(
    networks, tmp_path, monkeypatch
):
    def save(*args, **options):
        raise tf.errors.ResourceExhaustedError(None, None, "/m/variables; No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", save)
    with pytest.raises(UserError, match="models/1: cannot be written: .*No space left on device"):
        versions.export_model(*networks, CARD, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_file_with_a_number_for_a_name_is_no_version_and_is_kept(networks, tmp_path):
    (tmp_path / "5").touch()
    versions._check_same_format(tmp_path, "saved_model")
    assert versions.next_version(tmp_path) == 6
    with pytest.raises(UserError, match="5 exists; a version is written once"):
        versions.export_model(*networks, CARD, tmp_path, version=5)


def test_a_check_that_takes_too_long(exported, networks, monkeypatch):
    monkeypatch.setattr(self_check, "TIMEOUT_SECONDS", 0.01)
    with pytest.raises(SelfCheckError, match="gave no answers within 0.01 seconds"):
        self_check.check_export(exported, None, CARD)


def test_no_rows_give_no_rows():
    """On networks so wide that oneDNN takes them, which the tiny ones are not."""
    generator = build_generator(32, len(tiny.UNITS), 64, 1)
    critic = build_critic(32, len(tiny.UNITS), 64, 3)
    card = ModelCard(tiny.UNITS, CropSpec(32))
    served = ServedModel(generator, critic, card).signatures()
    encoded, units = tf.zeros((0,), tf.string), tf.zeros((0, len(tiny.UNITS)))
    image = tf.zeros((0, 32, 32, 3))
    edited = served["serving_default"](image_bytes=encoded, action_units=units)
    assert edited["image_bytes"].shape == (0,)
    rendered = served["render"](image=image, action_units=units)
    assert rendered["image"].shape == (0, 32, 32, 3)
    assert served["estimate"](image_bytes=encoded)["action_units"].shape == (0, len(tiny.UNITS))
    actual = served["edit_examples"](examples=encoded)
    assert actual["image_bytes"].shape == (0, 1)
    assert actual["action_units"].shape == (0, len(tiny.UNITS))


def test_warm_up_requests_are_what_tensorflow_serving_replays(exported, signatures):
    from tensorflow_serving.apis import prediction_log_pb2

    path = exported / "assets.extra" / "tf_serving_warmup_requests"
    asked = set()
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        assert request.model_spec.name == "ganimation"
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        rows = len(next(iter(inputs.values())))
        outputs = signatures[request.model_spec.signature_name](
            **{name: tf.constant(array) for name, array in inputs.items()}
        )
        assert all(len(tensor) == rows for tensor in outputs.values())
        asked.add((request.model_spec.signature_name, rows))
    names = ("serving_default", "render", "edit", "estimate", "edit_examples", "describe")
    assert asked == {(name, rows) for name in names for rows in (1, 2, 8)}


def test_an_export_that_computes_something_else_gets_no_version(networks, tmp_path, monkeypatch):
    original = ServedModel.signatures

    def wrong(self):
        actual = original(self)
        editor = self.keras_models.editor
        self.keras_models.editor = lambda inputs: (
            editor(inputs) | {"color": editor(inputs)["color"] + 2e-5}
        )
        return actual

    monkeypatch.setattr(ServedModel, "signatures", wrong)
    with pytest.raises(
        SelfCheckError, match=r"render/1/color must equal Keras's to 1.0e-05, dif.*2.0e-05"
    ):
        versions.export_model(*networks, CARD, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_cannot_be_loaded_gets_no_version(networks, tmp_path, monkeypatch):
    def break_it(card, extra):
        (extra.parent / "variables" / "variables.index").unlink()

    monkeypatch.setattr(versions.warmup, "write", break_it)
    with pytest.raises(SelfCheckError, match="cannot be loaded again"):
        versions.export_model(*networks, CARD, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_relative_generator_gets_the_change_from_what_the_critic_sees():
    generator, critic = tiny.build_networks(relative=True)
    image = np.random.default_rng(4).uniform(0, 1, (2, tiny.SIZE, tiny.SIZE, 3)).astype("float32")
    seen = np.clip(critic(image * 2 - 1)["action_units"].numpy(), 0, 1)
    editor = ServedModel(generator, critic, CARD, relative=True).keras_models.editor
    expected = generator([image * 2 - 1, units(2) - seen])["attention"]
    np.testing.assert_allclose(editor([image, units(2)])["attention"], expected, atol=1e-5)
    # What the face already shows changes nothing.
    np.testing.assert_allclose(editor([image, seen])["edited_image"], image, atol=1e-6)


def write_run(path, networks, steps=(10, 20, 30), **config):
    """A run directory with networks and metrics of these steps; returns it."""
    path.mkdir()
    facts = {
        "preset": "tiny",
        "train": dataclasses.replace(tiny.CONFIG, **config).to_dict(),
        "steps": steps[-1],
        "dataset": {"action_units": tiny.UNITS, "crop": {"size": tiny.SIZE}, "digest": "abc"},
    }
    (path / "config.json").write_text(json.dumps(facts))
    rows = [json.dumps({"step": step, "critic_au": step / 100}) + "\n" for step in steps]
    (path / "metrics.jsonl").write_text("".join(rows))
    for network in networks:
        network.save(path / f"{network.name}.keras")
    return path


def test_a_run_is_exported_with_its_facts(networks, tmp_path, monkeypatch):
    exported = []
    monkeypatch.setattr(versions, "export_model", lambda *arguments: exported.append(arguments))
    run = write_run(tmp_path / "run", networks, relative=True)
    best = run / "best" / "step-0000020"
    best.mkdir(parents=True)
    for network in tiny.build_networks(seed=7):
        network.save(best / f"{network.name}.keras")
    versions.export_run(run, tmp_path / "models")
    versions.export_run(run, tmp_path / "models", best=True)
    (generator, _, card, *_, relative), (best_generator, _, best_card, *_) = exported
    assert relative is True
    assert card.training["metrics"] == {"step": 30, "critic_au": 0.3}
    assert best_card.training["metrics"] == {"step": 20, "critic_au": 0.2}
    assert card.training["steps"] == best_card.training["steps"] == 30
    assert (card.training["preset"], card.training["dataset_digest"]) == ("tiny", "abc")
    kernel = "stem_image"
    np.testing.assert_array_equal(
        generator.get_layer(kernel).kernel, networks[0].get_layer(kernel).kernel
    )
    assert np.any(best_generator.get_layer(kernel).kernel != generator.get_layer(kernel).kernel)


@pytest.mark.parametrize("content", [None, '{"step": 10}\n{"st', "[]\n", "{}\n"])
def test_a_run_whose_metrics_cannot_be_read(tmp_path, content):
    run = write_run(tmp_path / "run", ())
    (run / "metrics.jsonl").unlink()
    if content is not None:
        (run / "metrics.jsonl").write_text(content)
    with pytest.raises(UserError, match="metrics.jsonl: cannot be read: "):
        versions.card_of(run, step=10)


def test_a_run_without_evaluation_has_no_best_networks(networks, tmp_path):
    run = write_run(tmp_path / "run", networks)
    with pytest.raises(UserError, match="holds no networks: the run has had no evaluation yet"):
        versions.export_run(run, tmp_path / "models", best=True)
    assert not (tmp_path / "models").exists()


def test_the_card_says_which_code_made_it():
    origin = package_origin()
    assert origin["version"] == ganimation_tf.__version__
    assert origin["commit"] is None or re.fullmatch(r"[0-9a-f]{40}(-dirty)?", origin["commit"])


def test_the_commit_is_that_of_the_checkout_and_says_what_was_changed(tmp_path):
    def git(*arguments):
        command = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
        done = subprocess.run([*command, *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    file = tmp_path / "origin.py"
    file.touch()
    git("init", "-q")
    git("add", file.name)
    git("commit", "-q", "-m", "one")
    commit = git("rev-parse", "HEAD")
    assert _commit(file) == commit
    file.write_text("changed")
    assert _commit(file) == f"{commit}-dirty"


def test_a_package_in_somebody_elses_checkout_has_no_commit(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "origin.py").touch()
    assert _commit(tmp_path / "origin.py") is None


def test_facts_of_a_later_card_are_left_out():
    facts = json.loads(CARD.to_json()) | {"from_the_future": 1}
    assert ModelCard.from_json(json.dumps(facts)) == CARD


def test_a_directory_that_is_no_run_is_refused(tmp_path, capsys):
    arguments = ["export", "--run", str(tmp_path), "--model-dir", str(tmp_path / "models")]
    assert cli.main(arguments) == 2
    assert f"{tmp_path} is not a run" in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


def test_a_model_card_that_is_none_is_refused():
    with pytest.raises(UserError, match="model_card.json is not a model card"):
        ModelCard.from_json("{}")
