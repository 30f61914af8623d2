"""`GANimation`: what one training step does and does not do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tiny
from ganimation_tf.config import LossWeights
from ganimation_tf.training import truth
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
