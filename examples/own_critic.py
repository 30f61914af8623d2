"""Train against a critic of one's own.

    python examples/own_critic.py

A critic is any functional Keras model of an image to a dict of `realism`, of any shape and
unbounded, and `action_units`, (B, N). `GANimation` reads its graph: one of convolutions and leaky
ReLUs, whatever their slopes, strides, padding and names, gets its gradient in closed form; any
other is differentiated twice, which is as right and takes longer. The log says which. About half
a minute on two CPU cores, of which most is compilation.
"""

import logging

import keras
import numpy as np
from keras import layers

import ganimation_tf as gan

SIZE, UNITS, CRITIC_STEPS, BATCH = 32, 17, 2, 4


def own_critic(normalized: bool) -> keras.Model:
    """Three convolutions with slopes of 0.2; with group normalization in between or without."""
    image = x = keras.Input((SIZE, SIZE, 3))
    for filters in (8, 16, 32):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=not normalized)(x)
        if normalized:
            x = layers.GroupNormalization(4)(x)
        x = layers.LeakyReLU(negative_slope=0.2)(x)
    features = layers.Flatten()(x)
    return keras.Model(
        image,
        {"realism": layers.Dense(1)(features), "action_units": layers.Dense(UNITS)(features)},
        name="critic",
    )


def random_batch() -> dict[str, np.ndarray]:
    """What `fit` takes: see `fit_own_dataset.py` for how it is made of pictures."""
    rng = np.random.default_rng(0)
    lead = (BATCH, CRITIC_STEPS)
    return {
        "image": rng.uniform(-1, 1, (*lead, SIZE, SIZE, 3)).astype(np.float32),
        "action_units": rng.uniform(0, 1, (*lead, UNITS)).astype(np.float32),
        "target_action_units": rng.uniform(0, 1, (*lead, UNITS)).astype(np.float32),
        "epsilon": rng.uniform(0, 1, lead).astype(np.float32),
    }


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for normalized in (False, True):
        keras.utils.set_random_seed(0)
        generator = gan.build_generator(SIZE, UNITS, filters=8, residual_blocks=1)
        model = gan.GANimation(generator, own_critic(normalized), critic_steps=CRITIC_STEPS)
        model.compile("adam", "adam")
        history = model.fit(random_batch(), batch_size=BATCH, epochs=3, verbose=0).history
        penalties = ", ".join(f"{value:.3f}" for value in history["gradient_penalty"])
        print(f"normalized: {normalized}; gradient penalty of three steps: {penalties}")


if __name__ == "__main__":
    main()
