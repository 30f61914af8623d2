"""The states of a run, from which it goes on."""

import pathlib

import keras
import tensorflow as tf

from ganimation_tf.model import GANimation


class Checkpoints(keras.callbacks.Callback):
    """Keeps the last three states of the run, and both networks as `.keras` files."""

    def __init__(self, run: pathlib.Path):
        super().__init__()
        self.run = run

    def set_model(self, model: GANimation):
        super().set_model(model)
        self.manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(
                generator=model.generator,
                critic=model.critic,
                generator_optimizer=model.optimizer,
                critic_optimizer=model.critic_optimizer,
            ),
            str(self.run / "checkpoints"),
            max_to_keep=3,
        )

    def restore(self, model: GANimation) -> int:
        """Puts the last state into `model`; returns its step, 0 if there is none yet."""
        self.set_model(model)
        latest = self.manager.latest_checkpoint
        if latest is None:
            return 0
        self.manager.checkpoint.restore(latest).assert_consumed()
        return int(model.optimizer.iterations)

    def on_epoch_end(self, epoch, logs=None):
        self.manager.save(checkpoint_number=int(self.model.optimizer.iterations))
        for network in (self.model.generator, self.model.critic):
            path = self.run / f"{network.name}.keras"
            partial = path.with_suffix(".partial.keras")
            network.save(partial)
            partial.replace(path)
