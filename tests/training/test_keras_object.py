"""`GANimation` as an object of Keras: configs, files, callbacks, policies, and what it refuses."""

import copy
import importlib
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import tiny
from ganimation_tf import networks
from ganimation_tf.config import LossWeights
from ganimation_tf.networks.critic import build_critic
from ganimation_tf.training import truth
from ganimation_tf.training.model import GANimation
from ganimation_tf.training.optimizers import LinearDecay, LossScaleOptimizer
from ganimation_tf.training.tracking import TRACKED, TRAINING_ONLY

QUIET = {"verbose": 0, "shuffle": False}
FACES = {name: v[:, 0] for name, v in tiny.batch(4, 1).items() if name != "epsilon"}


def compiled(**options):
    """A model whose two optimizers differ, after `options` of `GANimation`."""
    model = GANimation(*tiny.build_networks(0, options.get("relative", False)), 2, **options)
    model.compile(
        keras.optimizers.Adam(LinearDecay(1e-2, 3, 5), beta_1=0.5),
        keras.optimizers.SGD(1e-3, momentum=0.9),
        loss_weights={"cycle": 3.0},
    )
    return model


def trained(**options):
    model = compiled(**options)
    model.train_on_batch(tiny.batch())
    return model


def as_json(config):
    """A config as a file holds it: tuples are lists."""
    return json.loads(json.dumps(config))


def dataset(images=8):
    return tf.data.Dataset.from_tensor_slices(tiny.batch(images)).batch(4)


def evaluation():
    return tf.data.Dataset.from_tensor_slices(FACES).batch(2)


def assert_same_state(ours, theirs):
    """Weights, both optimizers and outputs, bit for bit."""
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)
    for name in ("optimizer", "critic_optimizer"):
        pairs = zip(getattr(ours, name).variables, getattr(theirs, name).variables, strict=True)
        for a, b in pairs:
            np.testing.assert_array_equal(a, b, err_msg=a.path)
    assert ours.step == theirs.step
    for name, values in ours.predict(FACES, verbose=0).items():
        np.testing.assert_array_equal(values, theirs.predict(FACES, verbose=0)[name])


@pytest.mark.parametrize("options", [{}, {"relative": True, "average": 0.5, "name": "mine"}])
def test_config_and_compile_config_give_the_same_model(options):
    model = compiled(**options)
    revived = GANimation.from_config(model.get_config())
    assert as_json(revived.get_config()) == as_json(model.get_config())
    assert (revived.critic_steps, revived.relative) == (2, options.get("relative", False))
    assert (revived.average, revived.name) == (
        options.get("average", 0.0),
        options.get("name", "ganimation"),
    )
    revived.compile_from_config(model.get_compile_config())
    assert as_json(revived.get_compile_config()) == as_json(model.get_compile_config())
    assert revived.loss_weights == LossWeights(cycle=3.0)
    assert isinstance(revived.optimizer._learning_rate, LinearDecay)


@pytest.mark.parametrize(
    "make",
    [
        lambda: LinearDecay(1e-2, 3, 5),
        lambda: LossScaleOptimizer(keras.optimizers.Adam(0.5), 2.0**10, 7),
    ],
)
def test_every_class_is_registered(make):
    config = keras.saving.serialize_keras_object(make())
    assert config["registered_name"].startswith("ganimation_tf>")
    # Keras takes the inner optimizer out of the config that it is given.
    revived = keras.saving.deserialize_keras_object(copy.deepcopy(config))
    assert keras.saving.serialize_keras_object(revived) == config


@pytest.mark.parametrize("options", [{}, {"relative": True, "average": 0.5}])
def test_a_saved_model_is_loaded_whole_and_goes_on_alike(options, tmp_path):
    model = trained(**options)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert_same_state(model, loaded)
    for network in (model, loaded):
        network.train_on_batch(tiny.batch(seed=1))
    assert loaded.step == 2
    assert_same_state(model, loaded)


def test_a_file_is_loaded_by_a_process_that_imports_the_class_alone(tmp_path):
    trained().save(tmp_path / "m.keras")
    program = (
        "import keras; from ganimation_tf.training.model import GANimation; "
        f"print(keras.models.load_model({str(tmp_path / 'm.keras')!r}).step)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["1"], done.stderr[-1000:]


def test_deepcopy_has_the_state_and_clone_model_begins_anew():
    model = trained()
    copied = copy.deepcopy(model)
    assert_same_state(model, copied)
    model.train_on_batch(tiny.batch(seed=1))
    assert (model.step, copied.step) == (2, 1)
    clone = keras.models.clone_model(model)
    assert clone.step == 0 and isinstance(clone, GANimation)
    fresh = compiled()
    for a, b in zip(clone.weights, fresh.weights, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)


def test_model_checkpoint_keeps_the_best_epoch(tmp_path):
    model = compiled()
    keep = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", monitor="val_cycle", mode="min", save_best_only=True
    )
    logs = model.fit(
        dataset(), epochs=3, validation_data=evaluation(), callbacks=[keep], **QUIET
    ).history
    best = keras.models.load_model(tmp_path / "best.keras")
    assert best.step == 2 * (1 + int(np.argmin(logs["val_cycle"])))
    actual = best.evaluate(evaluation(), return_dict=True, verbose=0)
    assert actual["cycle"] == pytest.approx(min(logs["val_cycle"]), rel=1e-6)


def test_early_stopping_puts_the_best_weights_back():
    model = compiled()
    first = []
    after = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: first.append(model.get_weights())
    )
    # Nothing is ever better than the first epoch.
    stop = keras.callbacks.EarlyStopping(
        "val_cycle", mode="min", min_delta=1e9, patience=2, restore_best_weights=True
    )
    model.fit(dataset(), epochs=9, validation_data=evaluation(), callbacks=[after, stop], **QUIET)
    assert len(first) == 3
    for value, expected in zip(model.get_weights(), first[0], strict=True):
        np.testing.assert_array_equal(value, expected)


def test_reduce_on_plateau_lowers_the_generators_rate():
    model = tiny.build_model("adam", "sgd")
    rates = float(model.optimizer.learning_rate), float(model.critic_optimizer.learning_rate)
    reduce = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9)
    model.fit(dataset(), epochs=3, callbacks=[reduce], **QUIET)
    assert float(model.optimizer.learning_rate) == pytest.approx(rates[0] / 4)
    assert float(model.critic_optimizer.learning_rate) == rates[1]


def test_terminate_on_nan_ends_training():
    model = tiny.build_model("sgd", keras.optimizers.SGD(1e30))
    stop = keras.callbacks.TerminateOnNaN()
    history = model.fit(dataset(16), epochs=5, callbacks=[stop], **QUIET)
    assert len(history.epoch) == 1 and not np.isfinite(history.history["loss"][0])


@pytest.mark.slow
def test_backup_and_restore_goes_on_with_both_optimizers(tmp_path):
    backup = [keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)]
    compiled().fit(dataset(), epochs=1, callbacks=backup, **QUIET)
    resumed, whole = compiled(), compiled()
    resumed.fit(dataset(), epochs=2, callbacks=backup, **QUIET)
    whole.fit(dataset(), epochs=2, **QUIET)
    assert_same_state(resumed, whole)


@pytest.mark.parametrize(
    "optimizers",
    [
        ("adam", "sgd"),
        tuple({"class_name": name, "config": {"learning_rate": 0.5}} for name in ("Adam", "SGD")),
        (keras.optimizers.Adam(0.5), keras.optimizers.SGD(0.5)),
    ],
)
def test_compile_takes_names_configs_and_objects(optimizers):
    model = GANimation(*tiny.build_networks(), 2)
    model.compile(*optimizers, loss_weights=LossWeights(cycle=1.0))
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert isinstance(model.critic_optimizer, keras.optimizers.SGD)
    assert model.loss_weights.cycle == 1.0


def test_one_optimizer_for_both_networks_is_refused():
    both = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="each network needs an optimizer of its own"):
        GANimation(*tiny.build_networks(), 2).compile(both, both)


def test_metrics_are_those_of_the_phase_and_means_everywhere():
    model = tiny.build_model(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    steps, batches = [], []
    each = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: (
            steps.append(model.step_terms()),
            batches.append({name: float(value) for name, value in logs.items()}),
        )
    )
    history = model.fit(
        dataset(12), validation_data=evaluation(), callbacks=[each], **QUIET
    ).history
    trained = set(TRACKED) - set(truth.TERMS)  # there are no pairs
    evaluated = trained - set(TRAINING_ONLY)
    assert set(history) == trained | {f"val_{name}" for name in evaluated}
    for name in trained:
        values = [step[name] for step in steps]
        if name != "mask_saturated":  # no pixel of a fresh mask is
            assert len(set(values)) == 3, name  # weights stand still, faces differ
        for count, logs in enumerate(batches, 1):
            assert logs[name] == pytest.approx(np.mean(values[:count]), rel=1e-5), name
        assert history[name] == [pytest.approx(batches[-1][name], rel=1e-6)]
    # `evaluate` lists its values in the order of `metrics`.
    listed = model.evaluate(evaluation(), verbose=0)
    by_name = model.evaluate(evaluation(), verbose=0, return_dict=True)
    assert set(by_name) == evaluated
    names = [metric.name for metric in model.metrics]
    assert dict(zip(names, listed, strict=False)) == pytest.approx(by_name)


def test_one_form_of_input_for_fit_evaluate_predict_call_and_on_batch():
    model = tiny.build_model(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    called = model(FACES)["image"]
    np.testing.assert_array_equal(model.predict(FACES, verbose=0)["image"], called)
    np.testing.assert_array_equal(model.predict(evaluation(), verbose=0)["image"], called)
    np.testing.assert_array_equal(model.predict_on_batch(FACES)["image"], called)
    whole = model.evaluate(FACES, batch_size=4, return_dict=True, verbose=0)
    assert model.test_on_batch(FACES, return_dict=True) == pytest.approx(whole)
    on_batch = model.train_on_batch(tiny.batch(), return_dict=True)
    history = model.fit(tiny.batch(), batch_size=4, **QUIET).history
    assert on_batch == pytest.approx({name: values[0] for name, values in history.items()})
    assert model.step == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m([FACES["image"]]), "takes a dict of image, action_units"),
        (lambda m: m({"image": FACES["image"]}), "action_units is missing: the AUs that they show"),
        (lambda m: m.predict(tiny.batch(), verbose=0), r"\(B, S, S, 3\) outside of training"),
        (lambda m: m.train_on_batch(FACES), "epsilon is missing: one number"),
        (
            lambda m: m.train_on_batch(FACES | {"epsilon": np.zeros(4, np.float32)}),
            r"must be \(B, 2, S, S, 3\) in training",
        ),
        (lambda m: m.train_on_batch(tiny.batch(), y=np.zeros(4)), "neither y nor sample_weight"),
        (lambda m: m.fit(dataset(), class_weight={0: 1.0}), "class_weight weighs classes"),
        (lambda m: m.train_on_batch(tiny.batch(), class_weight={0: 1.0}), "class_weight weighs"),
        (lambda m: m.fit(tiny.batch(), validation_split=0.5), "validation_split would put"),
        (lambda m: m.fit(tiny.batch(), sample_weight=np.ones(4)), "sample_weight would be dropped"),
        (lambda m: m.evaluate(FACES, sample_weight=np.ones(4)), "sample_weight would be dropped"),
        (lambda m: m(FACES | {"truth": FACES["image"]}), "has_truth is missing: for each face 1"),
        (lambda m: m.compile("adam", "adam", jit_compile="auto"), "must be True or False"),
        (lambda m: m.compile("adam", "adam", loss_weights={"cycles": 1}), "has no cycles; there"),
        (lambda m: m.compile("adam", "adam", loss_weights={"cycle": -1}), "at least 0, got -1"),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(call, message):
    model = tiny.build_model(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    with pytest.raises(ValueError, match=message):
        call(model)


@pytest.mark.parametrize("option", ["optimizer", "loss", "metrics", "weighted_metrics"])
def test_compile_refuses_what_a_model_of_one_network_takes(option):
    model = GANimation(*tiny.build_networks(), 2)
    with pytest.raises(TypeError, match=f"takes no {option}: it has two networks, which take"):
        model.compile(**{option: "adam"})
    with pytest.raises(TypeError, match="needs generator_optimizer and critic_optimizer"):
        model.compile("adam")


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ({"cycl": 1.0}, ValueError, "loss_weights has no cycl; there are realism, "),
        ({"cycle": -1.0}, ValueError, "cycle must be at least 0, got -1.0"),
        ({"cycle": "much"}, ValueError, "cycle must be a number, got 'much'"),
        ([1.0, 2.0], TypeError, "loss_weights must be a dict of term to weight"),
    ],
)
def test_loss_weights_that_are_none_are_refused(weights, error, message):
    model = GANimation(*tiny.build_networks(), 2)
    with pytest.raises(error, match=message):
        model.compile("adam", "adam", loss_weights=weights)


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("critic_steps", 0, "at least 1"),
        ("average", 1.0, r"in \[0, 0.99999\]"),
        ("augmentation", -0.5, r"in \[0, 2\]"),
    ],
)
def test_a_number_out_of_range_is_refused(option, value, rule):
    with pytest.raises(ValueError, match=f"{option} must be {rule}, got {value}"):
        GANimation(*tiny.build_networks(), **{option: value})


@pytest.mark.parametrize(
    ("critic", "message"),
    [
        ((16, 5, 4, 3), r"the same AUs, got \(3,\) and \(5,\)"),
        ((32, 3, 4, 3), r"the same images, got \(16, 16, 3\) and \(32, 32, 3\)"),
    ],
)
def test_networks_of_other_images_or_action_units_are_refused(critic, message):
    with pytest.raises(ValueError, match=message):
        GANimation(tiny.build_networks()[0], build_critic(*critic))


@pytest.mark.parametrize("policy_name", [None, "mixed_float16"])
@pytest.mark.parametrize("frozen", ["generator", "critic", "realism_head", "down1"])
@pytest.mark.parametrize("late", [False, True])
def test_what_is_frozen_stays_and_the_rest_learns(frozen, late, policy_name):
    model = GANimation(*tiny.build_networks(), 2, average=0.5, dtype=policy_name)
    if late:  # after compile
        model.compile("adam", "adam")
    networks = {"generator": model.generator, "critic": model.critic}
    of = networks.get(frozen) or next(
        layer for n in networks.values() for layer in n.layers if layer.name == frozen
    )
    of.trainable = False
    if not late:
        model.compile("adam", "adam")
    for optimizer in (model.optimizer, model.critic_optimizer):
        if policy_name:
            optimizer.dynamic_scale.assign(64.0)
    held = {id(weight) for weight in of.weights}
    before = [(weight, weight.numpy()) for weight in model.generator.weights + model.critic.weights]
    model.train_on_batch(tiny.batch())
    for weight, value in before:
        assert (weight.numpy() == value).all() == (id(weight) in held), weight.path


def test_export_takes_the_faces_of_call(tmp_path):
    model = tiny.build_model("sgd", "sgd")
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(tmp_path / "exported")
    served = exported.serve({name: tf.constant(values) for name, values in FACES.items()})
    np.testing.assert_allclose(served["image"], model(FACES)["image"], atol=1e-5)


def test_a_batch_in_float64_is_one_in_float32():
    terms = []
    for kind in (np.float32, np.float64):
        model = tiny.build_model("sgd", "sgd")
        batch = {name: values.astype(kind) for name, values in tiny.batch().items()}
        terms.append(model.train_on_batch(batch, return_dict=True))
    assert terms[0] == terms[1]


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"run_eagerly": True}, {"steps_per_execution": 2}])
def test_run_eagerly_and_several_steps_at_once_train_alike(options):
    weights = []
    for chosen in ({}, options):
        model = GANimation(*tiny.build_networks(), 2, average=0.5)
        model.compile(keras.optimizers.SGD(1e-2), keras.optimizers.SGD(1e-2), **chosen)
        model.fit(dataset(16), **QUIET)
        assert model.step == 4
        weights.append(model.get_weights())
    for usual, other in zip(*weights, strict=True):
        np.testing.assert_allclose(usual, other, atol=1e-6)


@pytest.fixture
def policy():
    """Sets a global policy for one test."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("given", [True, False])
def test_a_mixed_policy_trains_near_float32(name, given, policy):
    expected = trained().step_terms()
    if given:
        model = compiled(dtype=name)
    else:
        policy(name)
        model = compiled()
    assert model.dtype_policy.name == name
    half = name.removeprefix("mixed_")
    for network, layer in ((model.generator, "down1"), (model.critic, "conv1")):
        assert network.get_layer(layer).compute_dtype == half
    assert isinstance(model.optimizer, LossScaleOptimizer) == (half == "float16")
    assert isinstance(model.critic_optimizer, LossScaleOptimizer) == (half == "float16")
    if half == "float16":  # what the scale comes down to by itself, in some steps
        model.optimizer.dynamic_scale.assign(64.0)
    before = model.get_weights()
    model.train_on_batch(tiny.batch())
    for term, value in model.step_terms().items():
        assert value == pytest.approx(expected[term], rel=0.05, abs=0.02), term
    # What the critic learns from is float32, whatever the policy.
    for term in ("gradient_penalty", "critic_gradient"):
        assert model.step_terms()[term] == pytest.approx(expected[term], rel=2e-2), term
    assert {v.dtype for v in model.weights} == {"float32"}
    assert {str(v.dtype) for v in model(FACES).values()} == {"<dtype: 'float32'>"}
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_a_policy_is_saved_with_the_model(tmp_path):
    model = compiled(dtype="mixed_float16", average=0.5)
    model.train_on_batch(tiny.batch())
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert loaded.dtype_policy.name == "mixed_float16"
    assert loaded.inference_generator.get_layer("down1").compute_dtype == "float16"
    assert_same_state(model, loaded)


def test_no_change_returns_the_input_under_every_policy():
    image = FACES["image"]
    for name in ("mixed_bfloat16", "mixed_float16"):
        model = compiled(relative=True, dtype=name)
        unchanged = model(FACES | {"target_action_units": FACES["action_units"]})
        np.testing.assert_array_equal(unchanged["image"], image)


@pytest.mark.parametrize("name", ["bfloat16", "float16", "float64"])
def test_a_policy_without_float32_weights_is_refused(name, policy):
    with pytest.raises(ValueError, match=f"dtype must be one of float32, .*, got {name}"):
        compiled(dtype=name)
    policy(name)
    built = tiny.build_networks()
    policy("float32")
    with pytest.raises(ValueError, match=f"is {name}: weights must be float32"):
        GANimation(*built)


def test_a_step_that_overflows_is_left_out_and_halves_the_scale():
    model = compiled(dtype="mixed_float16")
    before = model.get_weights()
    model.optimizer.dynamic_scale.assign(np.float32(3e38))
    model.critic_optimizer.dynamic_scale.assign(np.float32(3e38))
    model.train_on_batch(tiny.batch())
    for old, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, now)
    assert model.step == 0
    assert float(model.optimizer.dynamic_scale) == pytest.approx(1.5e38)
    assert model.step_terms()["generator_gradient"] == 0.0
    assert np.isfinite(list(model.step_terms().values())).all()


def test_a_loss_scale_of_keras_becomes_one_that_looks_at_all_replicas():
    model = GANimation(*tiny.build_networks(), 2)
    scaled = [
        keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(), 8.0, 5) for _ in range(2)
    ]
    model.compile(*scaled)
    for given, used in zip(scaled, (model.optimizer, model.critic_optimizer), strict=True):
        assert type(used) is LossScaleOptimizer
        assert used.inner_optimizer is given.inner_optimizer
        assert (used.initial_scale, used.dynamic_growth_steps) == (8.0, 5)


def test_channels_last_whatever_the_global_setting():
    keras.config.set_image_data_format("channels_first")
    try:
        built = tiny.build_networks()
    finally:
        keras.config.set_image_data_format("channels_last")
    formats = {getattr(layer, "data_format", None) for n in built for layer in n.layers}
    assert formats == {None, "channels_last"}


def test_networks_that_take_channels_first_are_refused():
    image = keras.Input((3, 16, 16))
    critic = keras.Model(image, {"realism": image, "action_units": keras.layers.Flatten()(image)})
    with pytest.raises(ValueError, match=r"critic takes images of \(3, 16, 16\): channels must be"):
        GANimation(tiny.build_networks()[0], critic)


def test_a_critic_without_the_outputs_is_refused():
    image = keras.Input((16, 16, 3))
    critic = keras.Model(image, keras.layers.Flatten()(image))
    with pytest.raises(ValueError, match="critic must give a dict of action_units"):
        GANimation(tiny.build_networks()[0], critic)


def test_weight_regularizers_are_refused():
    critic = build_critic(16, 3, 4, 3)
    image = keras.Input((16, 16, 3))
    outputs = dict(critic(image))
    dense = keras.layers.Dense(3, kernel_regularizer="l2", name="held")
    outputs["action_units"] = dense(keras.layers.Flatten()(outputs["realism"]))
    with pytest.raises(ValueError, match="regularizers of critic .* weight_decay"):
        GANimation(tiny.build_networks()[0], keras.Model(image, outputs, name="critic"))


def test_another_backend_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ImportError, match="with Keras's TensorFlow backend alone, got jax: its"):
        importlib.reload(networks)
