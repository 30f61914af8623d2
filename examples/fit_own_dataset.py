"""Train on one's own `tf.data` with `model.fit`, keep the best epoch, load it and edit a face.

    python examples/fit_own_dataset.py

Twelve drawn people with six expressions each stand for one's own pictures; `own_faces` is what to
replace. About half a minute on two CPU cores, of which most is compilation: enough to see that it
runs, and not to learn an expression.
"""

import pathlib
import tempfile

import keras
import numpy as np
import tensorflow as tf

import ganimation_tf as gan
from ganimation_tf import synthetic
from ganimation_tf.training.optimizers import LinearDecay

SIZE, UNITS, CRITIC_STEPS, BATCH = 32, len(gan.ACTION_UNITS), 2, 6
EPOCHS, DECAY_EPOCHS = 2, 1


def own_faces(people: range) -> tf.data.Dataset:
    """One's own data: crops as float32 (S, S, 3) in [-1, 1] and their AUs, (17,) in [0, 1]."""
    images, units = [], []
    for person in people:
        for expression in range(6):
            identity, pose, shown = synthetic.reproduce(0, person, expression)
            images.append(synthetic.render(identity, shown, SIZE, pose).image)
            units.append(shown)
    images = np.stack(images).astype(np.float32) / 127.5 - 1.0
    return tf.data.Dataset.from_tensor_slices({"image": images, "action_units": np.stack(units)})


def with_targets(faces: tf.data.Dataset) -> tf.data.Dataset:
    """Adds what each face is to become: here, the expression of another one."""
    targets = faces.map(lambda face: face["action_units"]).shuffle(1000, seed=1)
    return tf.data.Dataset.zip(faces, targets).map(
        lambda face, target: face | {"target_action_units": target}
    )


def for_fit(faces: tf.data.Dataset) -> tf.data.Dataset:
    """Adds the number that places the gradient penalty, and makes rows of `CRITIC_STEPS` faces."""
    numbers = tf.data.Dataset.random(seed=2).map(
        lambda number: tf.random.stateless_uniform((), (0, number))
    )
    return (
        tf.data.Dataset.zip(faces.shuffle(1000, seed=3), numbers)
        .map(lambda face, number: face | {"epsilon": number})
        .batch(CRITIC_STEPS, drop_remainder=True)
        .batch(BATCH, drop_remainder=True)
        .prefetch(1)
    )


def main() -> None:
    keras.utils.set_random_seed(0)
    training = for_fit(with_targets(own_faces(range(10))))
    evaluation = with_targets(own_faces(range(10, 12))).batch(BATCH)

    model = gan.GANimation(
        gan.build_generator(SIZE, UNITS, filters=8, residual_blocks=1),
        gan.build_critic(SIZE, UNITS, filters=8, layers_count=3),
        critic_steps=CRITIC_STEPS,
    )
    steps = len(list(training)) * EPOCHS

    def adam(updates: int) -> keras.optimizers.Optimizer:
        rate = LinearDecay(1e-3, steps * updates, steps * updates // EPOCHS * DECAY_EPOCHS)
        return keras.optimizers.Adam(rate, beta_1=0.5)

    model.compile(adam(1), adam(CRITIC_STEPS), loss_weights={"action_units": 40.0})
    with tempfile.TemporaryDirectory() as directory:
        best = pathlib.Path(directory, "best.keras")
        history = model.fit(
            training,
            epochs=EPOCHS + DECAY_EPOCHS,
            validation_data=evaluation,
            callbacks=[
                keras.callbacks.ModelCheckpoint(
                    best, monitor="val_cycle", mode="min", save_best_only=True
                ),
                keras.callbacks.TerminateOnNaN(),
            ],
            verbose=2,
        ).history
        loaded = keras.models.load_model(best)
    faces = next(iter(evaluation))
    edited = loaded(faces)["image"]
    print(f"cycle error of the best epoch: {min(history['val_cycle']):.3f}, step {loaded.step}")
    print(f"edited: {tuple(edited.shape)}, from {edited.numpy().min():.2f}")


if __name__ == "__main__":
    main()
