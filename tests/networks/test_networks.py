"""The networks against the counts and equations of the paper."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganimation_tf.networks.critic import build_critic, strided_patches
from ganimation_tf.networks.generator import build_generator, compose


def random_input(size, units, batch=2, seed=0):
    rng = np.random.default_rng(seed)
    image = rng.uniform(-1, 1, (batch, size, size, 3)).astype(np.float32)
    return image, rng.uniform(0, 1, (batch, units)).astype(np.float32)


def test_published_generator_has_8471296_parameters():
    # 7x7x(3+17)x64 + 2x64 | 4x4 down twice | 6 blocks of 2(3x3x256x256 + 2x256) | up | heads
    stem = 49 * 20 * 64 + 128
    down = 16 * 64 * 128 + 256 + 16 * 128 * 256 + 512
    blocks = 6 * 2 * (9 * 256 * 256 + 512)
    up = 16 * 256 * 128 + 256 + 16 * 128 * 64 + 128
    heads = 49 * 64 * (3 + 1)
    assert stem + down + blocks + up + heads == 8_471_296
    assert build_generator(128, 17).count_params() == 8_471_296


def test_published_critic_has_44860352_parameters():
    widths = [3, 64, 128, 256, 512, 1024, 2048]
    body = sum(16 * a * b + b for a, b in zip(widths, widths[1:], strict=False))
    heads = 9 * 2048 + 2 * 2 * 2048 * 17
    assert body + heads == 44_860_352
    critic = build_critic(128, 17)
    assert critic.count_params() == 44_860_352
    assert critic.output["realism"].shape == (None, 2, 2)


def test_layers_follow_pytorch_defaults_of_the_published_code():
    generator = build_generator(32, 17, 4, 1)
    critic = build_critic(32, 17, 4, 2)
    assert generator.get_layer("stem_norm").epsilon == 1e-5
    assert generator.get_layer("stem_norm").groups == 4  # one per channel
    assert critic.get_layer("conv1_lrelu").negative_slope == pytest.approx(0.01)
    kernel = build_generator(32, 17, 64, 1).get_layer("down2").kernel.numpy()
    assert kernel.std() == pytest.approx(0.02, rel=0.02)
    assert abs(kernel.mean()) < 1e-3


def test_stem_is_the_convolution_of_image_and_au_planes():
    """Against the plain way: planes as large as the image, concatenated, one convolution."""
    generator = build_generator(32, 17, 4, 1)
    kernels = [generator.get_layer(name).kernel.numpy() for name in ("stem_image", "stem_aus")]
    image, units = random_input(32, 17)
    planes = np.broadcast_to(units[:, None, None, :], (2, 32, 32, 17))
    expected = tf.nn.conv2d(
        np.concatenate([image, planes], axis=-1), np.concatenate(kernels, axis=2), 1, "SAME"
    )
    stem = keras.Model(generator.inputs, generator.get_layer("stem").output)
    np.testing.assert_allclose(stem([image, units]), expected, atol=1e-5)


def test_strided_patches_times_a_matrix_are_a_4x4_convolution_of_stride_2():
    x = tf.random.stateless_uniform((2, 8, 8, 3), (1, 2), -1, 1)
    kernel = tf.random.stateless_uniform((4, 4, 3, 5), (3, 4), -1, 1)
    # (row, column) of the kernel as 2 x 2 blocks of 2 x 2 pixels, in the order of the patches.
    blocks = tf.transpose(tf.reshape(kernel, (2, 2, 2, 2, 3, 5)), (0, 2, 1, 3, 4, 5))
    product = strided_patches(x) @ tf.reshape(blocks, (48, 5))
    np.testing.assert_allclose(product, tf.nn.conv2d(x, kernel, 2, "SAME"), atol=1e-5)


def test_every_layer_starts_from_numbers_of_its_own():
    generator = build_generator(32, 17, 4, 2)
    first, second = (generator.get_layer(f"residual{i}a").kernel.numpy() for i in (1, 2))
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.1


@pytest.mark.parametrize(("attention", "expected"), [(1.0, 0.25), (0.0, -0.5), (0.5, -0.125)])
def test_attention_1_keeps_the_pixel_and_0_paints_it(attention, expected):
    original, color = np.full((1, 2, 2, 3), 0.25), np.full((1, 2, 2, 3), -0.5)
    assert np.all(compose(original, attention, color) == expected)


def test_generator_output_is_composed_from_its_own_masks():
    generator = build_generator(32, 17, 4, 1)
    image, units = random_input(32, 17)
    outputs = {name: np.asarray(value) for name, value in generator([image, units]).items()}
    mask = outputs["attention"]
    np.testing.assert_allclose(
        outputs["image"], mask * image + (1 - mask) * outputs["color"], atol=1e-6
    )
    assert mask.shape == (2, 32, 32, 1)
    assert mask.min() >= 0 and mask.max() <= 1
    assert np.abs(outputs["color"]).max() <= 1


@pytest.mark.parametrize("conditioning", ["concat", "film"])
def test_every_action_unit_is_felt_at_first_in_the_whole_image_and_inside(conditioning):
    """Each AU moves the color mask by more than float noise; `film` inside as much as anywhere."""
    generator = build_generator(32, 17, 8, 3, conditioning=conditioning)
    image, units = random_input(32, 17, batch=1)
    color = generator([image, units])["color"]
    whole, inside = [], []
    for index in range(17):
        other = units.copy()
        other[0, index] = 1.0 - other[0, index]
        change = np.abs(generator([image, other])["color"] - color)
        whole.append(change.mean())
        inside.append(change[:, 12:20, 12:20].mean())
    assert min(whole) > 1e-4
    assert min(inside) > 1e-5
    if conditioning == "film":
        assert np.mean(inside) > 0.5 * np.mean(whole)


def test_the_gain_of_film_changes_what_is_learnt_and_not_what_is_computed():
    image, units = random_input(32, 17)
    plain, gained = (
        build_generator(32, 17, 4, 1, conditioning="film", film_gain=gain) for gain in (1.0, 6.0)
    )
    for name, expected in plain([image, units]).items():
        np.testing.assert_allclose(gained([image, units])[name], expected, atol=1e-5)

    def slope(generator):
        kernel = generator.get_layer("residual1a_film").kernel
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(generator([image, units])["color"])
        return tape.gradient(total, kernel.value)

    # A kernel a sixth as large that has six times the gradient: of Adam's equal steps one of it
    # changes the network six times as much.
    np.testing.assert_allclose(slope(gained), 6 * slope(plain), rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("conditioning", ["concat", "film"])
def test_a_relative_generator_returns_its_input_if_nothing_is_to_change(conditioning):
    generator = build_generator(32, 17, 4, 1, conditioning=conditioning, relative=True)
    image, units = random_input(32, 17)
    outputs = generator([image, 0 * units])
    np.testing.assert_array_equal(outputs["image"], image)
    np.testing.assert_array_equal(outputs["attention"], np.ones((2, 32, 32, 1)))
    # A change of 0.05 in all opens the mask half, one of 0.1 whole.
    masks = [
        generator([image, np.eye(1, 17, 3, dtype=np.float32).repeat(2, 0) * change])["attention"]
        for change in (0.05, 0.1)
    ]
    assert np.mean(1 - masks[0]) == pytest.approx(0.5 * np.mean(1 - masks[1]), rel=0.2)


@pytest.mark.parametrize("size", [96, 127, 32])
def test_image_size_that_does_not_fit_the_critic_is_refused(size):
    with pytest.raises(ValueError, match=f"multiple of 64 .* 6 critic layers.*, got {size}"):
        build_critic(size, 17)


def test_image_size_that_does_not_fit_the_generator_is_refused():
    with pytest.raises(ValueError, match="multiple of 4 for the generator, got 30"):
        build_generator(30, 17)


def test_saved_networks_load_without_custom_objects(tmp_path):
    image, units = random_input(32, 17)
    for network, inputs in (
        (build_generator(32, 17, 4, 1), [image, units]),
        (build_critic(32, 17, 4, 3), image),
    ):
        network.save(tmp_path / "network.keras")
        loaded = keras.models.load_model(tmp_path / "network.keras", safe_mode=True)
        for name, value in network(inputs).items():
            np.testing.assert_array_equal(loaded(inputs)[name], value)


def test_a_generator_with_a_flow_begins_with_the_image_where_it_is():
    generator = build_generator(32, 17, 4, 1, 0, "film", relative=True, skips=True, flow=True)
    image, change = random_input(32, 17)
    edited = generator([image, change])
    np.testing.assert_array_equal(edited["flow"], 0)
    np.testing.assert_array_equal(edited["warped"], image)
    # The mask's logit begins around 1.5, for a sum of changes above `FULL_CHANGE`.
    assert abs(float(np.mean(edited["attention"])) - 1 / (1 + np.exp(-1.5))) < 0.05


def test_no_change_returns_the_image_bit_for_bit_whatever_the_flow():
    generator = build_generator(32, 17, 4, 1, 0, "film", relative=True, skips=True, flow=True)
    heads = generator.get_layer("heads")
    heads.kernel.assign(np.random.default_rng(0).normal(0, 0.3, heads.kernel.shape))
    image, change = random_input(32, 17)
    change[1] = 0
    edited = generator([image, change])
    np.testing.assert_array_equal(edited["image"][1], image[1])
    assert 0 < np.abs(edited["flow"][0]).max() <= 32 / 8
    kept, painted = edited["attention"][0], 1 - edited["attention"][0]
    expected = kept * edited["warped"][0] + painted * edited["color"][0]
    np.testing.assert_allclose(edited["image"][0], expected, atol=1e-6)


def test_skips_and_flow_add_what_they_say():
    plain = build_generator(32, 17, 4, 1).count_params()
    assert build_generator(32, 17, 4, 1, flow=True).count_params() - plain == 49 * 4 * 2
    assert build_generator(32, 17, 4, 1, skips=True).count_params() - plain == 4 * 4 + 8 * 8
