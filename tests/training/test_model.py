"""`GANimation`: what one training step does and does not do."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import tiny
from ganimation_tf.config import LossWeights
from ganimation_tf.networks.generator import build_generator
from ganimation_tf.training import losses, objective, truth
from ganimation_tf.training.model import GANimation
from ganimation_tf.training.tracking import TRACKED


def weights_of(network):
    return [variable.numpy() for variable in network.trainable_variables]


def moved(before, network):
    return [
        float(np.abs(old - new).max()) for old, new in zip(before, weights_of(network), strict=True)
    ]


def test_one_step_moves_every_weight_of_both_networks():
    model = tiny.build_model(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3))
    generator, critic = weights_of(model.generator), weights_of(model.critic)
    logs = model.train_step({k: tf.constant(v) for k, v in tiny.batch().items()})
    assert set(logs) == set(TRACKED) - set(truth.TERMS)  # there are no pairs
    assert all(np.isfinite(float(value)) for value in logs.values())
    assert min(moved(generator, model.generator)) > 0
    assert min(moved(critic, model.critic)) > 0


@pytest.mark.parametrize(("frozen", "other"), [("generator", "critic"), ("critic", "generator")])
def test_each_optimizer_touches_its_own_network_only(frozen, other):
    rates = {"generator": 1e-2, "critic": 1e-2} | {frozen: 0.0}
    model = tiny.build_model(
        keras.optimizers.SGD(rates["generator"]), keras.optimizers.SGD(rates["critic"])
    )
    before = {name: weights_of(getattr(model, name)) for name in rates}
    model.train_step({k: tf.constant(v) for k, v in tiny.batch().items()})
    assert max(moved(before[frozen], getattr(model, frozen))) == 0
    assert max(moved(before[other], getattr(model, other))) > 0


@pytest.mark.parametrize("critic_steps", [1, 3])
def test_one_step_is_k_critic_updates_and_one_of_the_generator(critic_steps):
    model = tiny.build_model(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), critic_steps)
    model.train_step({k: tf.constant(v) for k, v in tiny.batch(2, critic_steps).items()})
    assert model.step == 1
    assert int(model.critic_optimizer.iterations) == critic_steps


def test_critic_gradient_is_that_of_the_weighted_sum():
    """One SGD step of rate 1 moves the critic by minus the gradient, taken here in one piece."""
    weights = LossWeights(realism=2.0, gradient_penalty=3.0, action_units=5.0)
    model = GANimation(*tiny.build_networks(), critic_steps=1)
    model.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(1.0), loss_weights=weights)
    batch = {k: tf.constant(v) for k, v in tiny.batch(3, 1).items()}
    image, units, target, epsilon = (batch[key][:, 0] for key in batch)
    fake = model.generator([image, target])["image"]
    variables = model.critic.trainable_variables
    with tf.GradientTape() as tape:
        real_out, fake_out = model.critic(image), model.critic(fake)
        blend = tf.reshape(epsilon, (3, 1, 1, 1))
        between = blend * image + (1 - blend) * fake
        with tf.GradientTape() as inner:
            inner.watch(between)
            score = tf.reduce_sum(model.critic(between)["realism"])
        slope = tf.reshape(inner.gradient(score, between), (3, -1))
        loss = (
            2 * (tf.reduce_mean(fake_out["realism"]) - tf.reduce_mean(real_out["realism"]))
            + 3 * tf.reduce_mean((tf.norm(slope, axis=1) - 1) ** 2)
            + 5 * tf.reduce_mean((real_out["action_units"] - units) ** 2)
        )
    gradients = tape.gradient(loss, variables)
    expected = [v.numpy() - g.numpy() for v, g in zip(variables, gradients, strict=True)]
    model.train_step(batch)
    for new, wanted in zip(weights_of(model.critic), expected, strict=True):
        np.testing.assert_allclose(new, wanted, atol=1e-5)


def test_metrics_are_means_over_all_images_of_an_evaluation():
    model = tiny.build_model(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    batch = {k: tf.constant(v[:, 0]) for k, v in tiny.batch(5, 1).items() if k != "epsilon"}
    # 5 images as 4 + 1: the mean of the two batches' means would weigh the last image fourfold.
    logs = model.evaluate(
        tf.data.Dataset.from_tensor_slices(batch).batch(4), return_dict=True, verbose=0
    )
    edited = model.generator([batch["image"], batch["target_action_units"]])
    back = model.generator([edited["image"], batch["action_units"]])
    assert logs["cycle"] == pytest.approx(
        float(tf.reduce_mean(tf.abs(batch["image"] - back["image"]))), rel=1e-5
    )
    both = tf.reduce_mean(edited["attention"]) + tf.reduce_mean(back["attention"])
    assert logs["attention"] == pytest.approx(float(both), rel=1e-5)


def test_the_critic_learns_to_read_action_units():
    """AU12 is the brightness of the image here: the critic must find that out."""
    model = tiny.build_model(keras.optimizers.SGD(0.0), keras.optimizers.Adam(3e-3), 1)
    rng = np.random.default_rng(0)
    errors = []
    step = tf.function(model.train_step)
    for _ in range(60):
        batch = tiny.batch(16, 1, seed=int(rng.integers(1 << 30)))
        level = rng.uniform(0, 1, (16, 1)).astype(np.float32)
        batch["image"] = np.zeros_like(batch["image"]) + 2 * level[..., None, None, None] - 1
        batch["action_units"] = np.concatenate([0 * level, level, 0 * level], axis=-1)[:, None]
        model.reset_metrics()
        logs = step({k: tf.constant(v) for k, v in batch.items()})
        errors.append(float(logs["critic_action_units"]))
    # Predicting the mean everywhere leaves the variance of AU12 over three AUs: (1/12) / 3.
    assert np.mean(errors[-10:]) < 0.3 * (1 / 12) / 3


@pytest.mark.parametrize(("updates", "decay"), [(1, 2 / 11), (2, 3 / 12), (3, 0.3)])
def test_the_average_moves_by_its_decay_towards_the_generator(updates, decay):
    """The decay is (1 + n) / (10 + n) at first, and never more than 0.3 here."""
    model = tiny.build_model(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), average=0.3)
    for old, now in zip(
        weights_of(model.inference_generator), weights_of(model.generator), strict=True
    ):
        np.testing.assert_array_equal(old, now)
    batch = {k: tf.constant(v) for k, v in tiny.batch().items()}
    for _ in range(updates):
        before = weights_of(model.inference_generator)
        model.train_step(batch)
    for old, mean, now in zip(
        before, weights_of(model.inference_generator), weights_of(model.generator), strict=True
    ):
        np.testing.assert_allclose(mean, decay * old + (1 - decay) * now, rtol=1e-5, atol=1e-6)


def test_evaluation_and_samples_use_the_average():
    model = tiny.build_model(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), average=0.5)
    model.inference_generator.set_weights([0 * v for v in model.generator.get_weights()])
    batch = {k: tf.constant(v[:, 0]) for k, v in tiny.batch(2, 1).items() if k != "epsilon"}
    # With all weights 0 both masks are constant: attention 1/2, color 0.
    edited = model(batch)
    np.testing.assert_allclose(edited["image"], batch["image"] / 2, atol=1e-6)
    logs = model.test_step(batch)
    assert float(logs["mask_mean"]) == pytest.approx(0.5)


def test_a_relative_model_gives_target_minus_source_there_and_back():
    model = tiny.build_model(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), relative=True)
    faces = {k: v[:, 0] for k, v in tiny.batch(2, 1).items()}
    image, units, target = (faces[key] for key in ("image", "action_units", "target_action_units"))
    expected = model.generator([image, target - units])["image"]
    np.testing.assert_array_equal(model(faces)["image"], expected)
    unchanged = model(faces | {"target_action_units": units})["image"]
    np.testing.assert_array_equal(unchanged, image)


def test_both_optimizers_are_built_where_the_model_is_compiled():
    """Built by the first step, inside a replica, Adam fails."""
    model = tiny.build_model(keras.optimizers.Adam(), keras.optimizers.Adam())
    for network, optimizer in (
        (model.generator, model.optimizer),
        (model.critic, model.critic_optimizer),
    ):
        slots = {tuple(v.shape) for v in optimizer.variables if len(v.shape) > 1}
        assert slots == {tuple(v.shape) for v in network.trainable_variables if len(v.shape) > 1}


def test_the_truth_s_terms_are_means_over_the_faces_whose_truth_is_known():
    """Of four faces one has a truth, another picture; by a generator that returns its input the
    error is 1, in training as in evaluation, and not a quarter of it."""
    weights = {"truth": 1.0, "realism": 0.0, "gradient_penalty": 0.0}
    model = GANimation(*tiny.build_networks(relative=True), critic_steps=1, relative=True)
    model.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), loss_weights=weights)
    batch = tiny.batch(4, 1)
    batch["target_action_units"] = batch["action_units"]  # no change: the input, bit for bit
    batch["truth"] = -batch["image"]
    batch["has_truth"] = np.array([[1], [0], [0], [0]], np.float32)
    batch = {name: tf.constant(values) for name, values in batch.items()}
    assert float(model.train_step(batch)["truth_error"]) == pytest.approx(1, abs=1e-4)
    assert model.step_terms()["truth_error"] == pytest.approx(1, abs=1e-4)
    model.reset_metrics()
    single = {name: values[:, 0] for name, values in batch.items()}
    assert float(model.test_step(single)["truth_error"]) == pytest.approx(1, abs=1e-4)


def test_an_unheard_critic_still_learns_to_read_action_units():
    """Neither realism nor its AUs weigh anything for the generator; its AU head moves."""
    weights = dict.fromkeys(("realism", "action_units", "gradient_penalty"), 0.0)
    model = GANimation(*tiny.build_networks(), critic_steps=1)
    model.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(1e-2), loss_weights=weights)
    head = model.critic.get_layer("action_units_head").kernel
    before = head.numpy()
    batch = {name: tf.constant(values) for name, values in tiny.batch(2, 1).items()}
    model.train_step(batch)
    assert np.abs(head.numpy() - before).max() > 0
    single = {name: values[:, 0] for name, values in batch.items()}
    assert "critic_realism" not in model.test_step(single)  # nobody computed it


def test_weights_that_teach_a_network_nothing_are_refused():
    generator, estimator = tiny.build_warping_networks()
    model = GANimation(generator, estimator, critic_steps=1, relative=True)
    with pytest.raises(ValueError, match="realism must be 0 for a critic that only reads AUs"):
        model.compile("sgd", "sgd")
    nothing = dict.fromkeys((field.name for field in dataclasses.fields(LossWeights)), 0.0)
    with pytest.raises(ValueError, match="must not all be 0"):
        model.compile("sgd", "sgd", loss_weights=nothing | {"gradient_penalty": 10.0})


def test_the_way_back_hands_its_gradient_to_the_pixels_it_keeps():
    """A fresh flow is 0 and the mask is open: d mean|x - y| / dy of kept pixels is A / count."""
    generator = build_generator(tiny.SIZE, 3, 4, 1, 0, "film", relative=True, flow=True)
    image = tf.zeros((1, tiny.SIZE, tiny.SIZE, 3))
    source, target = tf.zeros((1, 3)), tf.ones((1, 3))

    def edit(image, source, target):
        return generator([image, target - source])

    weights = LossWeights(*[0.0] * 3, cycle=1.0, attention=0.0, total_variation=0.0)
    batch = {"image": image, "action_units": source, "target_action_units": target}
    edited = tf.fill(image.shape, 0.5)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(edited)
        faces = edit(image, source, target) | {"image": edited}
        terms = objective.generator_terms(weights, edit, None, batch, faces)
        recovered = edit(edited, target, source)
        # Without what is kept: what the masks alone hand on.
        masks = losses.cycle(image, recovered["image"])
    kept = tape.gradient(terms["cycle"], edited) - tape.gradient(masks, edited)
    expected = recovered["attention"].numpy() / image.shape.num_elements()
    np.testing.assert_allclose(kept, np.broadcast_to(expected, kept.shape), rtol=1e-4)
    np.testing.assert_array_equal(terms["cycle"], masks)  # the loss itself is the same
