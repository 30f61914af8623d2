"""The smallest networks and data that still are the real thing: 16 px, 4 filters, 3 AUs."""

import hashlib
import pathlib

import numpy as np

from ganimation_tf.config import FILM, TrainConfig
from ganimation_tf.data import manifest, records, tfrecord
from ganimation_tf.faces import alignment, images
from ganimation_tf.networks.critic import build_critic
from ganimation_tf.networks.estimator import build_estimator
from ganimation_tf.networks.generator import build_generator

SIZE = 16
UNITS = ("AU04", "AU12", "AU45")
CONFIG = TrainConfig(
    filters=4,
    residual_blocks=1,
    critic_filters=4,
    critic_layers=3,
    batch_size=2,
    critic_steps=2,
    epochs=1,
    decay_epochs=1,
    compile="off",  # as `devices.resolved` says on every machine without a GPU
)


def build_networks(seed: int = 0, relative: bool = False):
    """Generator and critic of `CONFIG`."""
    generator = build_generator(SIZE, len(UNITS), CONFIG.filters, 1, seed, relative=relative)
    return generator, build_critic(SIZE, len(UNITS), CONFIG.critic_filters, 3, seed + 1)


def build_warping_networks(seed: int = 0):
    """A relative generator whose flow is not at its beginning, zero, and an estimator."""
    generator = build_generator(
        SIZE, len(UNITS), CONFIG.filters, 1, seed, FILM, relative=True, skips=True, flow=True
    )
    heads = generator.get_layer("heads")
    heads.kernel.assign(np.random.default_rng(seed).normal(0, 0.1, heads.kernel.shape))
    return generator, build_estimator(SIZE, len(UNITS), 4, 3, seed + 1)


def build_model(generator_optimizer, critic_optimizer, critic_steps: int = 2, **options):
    """A compiled `GANimation` on fresh networks."""
    from ganimation_tf.training.model import GANimation

    relative = options.get("relative", False)
    model = GANimation(*build_networks(0, relative), critic_steps, **options)
    model.compile(generator_optimizer, critic_optimizer)
    return model


def set_step_terms(model, values) -> None:
    """Makes `values` the terms of the model's last step; of a name that is missing it is 0."""
    from ganimation_tf.training.tracking import TRACKED

    model._step_terms.update_state({name: values.get(name, 0.0) for name in TRACKED})


def batch(size: int = 4, critic_steps: int = 2, seed: int = 0) -> dict[str, np.ndarray]:
    """An element as `dataset.training` makes them."""
    rng = np.random.default_rng(seed)
    lead = (size, critic_steps)
    return {
        "image": rng.uniform(-1, 1, (*lead, SIZE, SIZE, 3)).astype(np.float32),
        "action_units": rng.uniform(0, 1, (*lead, len(UNITS))).astype(np.float32),
        "target_action_units": rng.uniform(0, 1, (*lead, len(UNITS))).astype(np.float32),
        "epsilon": rng.uniform(0, 1, lead).astype(np.float32),
    }


def write_dataset(
    directory: pathlib.Path, train: int = 12, evaluation: int = 4
) -> manifest.Manifest:
    """A dataset of plain-coloured crops whose AUs tell their position: AU04 = i / 100."""
    directory.mkdir(parents=True, exist_ok=True)
    splits = {}
    for split, count in ((manifest.TRAIN, train), (manifest.EVAL, evaluation)):
        path = directory / f"{split}-00000-of-00001.tfrecord"
        with path.open("wb") as file:
            for index in range(count):
                color = np.full((SIZE, SIZE, 3), 10 * index % 256, np.uint8)
                color[:, : SIZE // 2] = 255  # left half white: a flip can be seen
                units = np.array([index / 100, 0.5, (index % 2) / 2], np.float32)
                record = records.FaceRecord(
                    image=images.encode_png(color),
                    format="png",
                    size=SIZE,
                    key=f"{split}/{index}",
                    action_units=units,
                    confidence=1.0,
                    subject=f"{split}/{index}",
                    transform=np.eye(2, 3, dtype=np.float32),
                )
                tfrecord.write(file, records.encode(record))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        splits[split] = (manifest.Shard(path.name, count, digest),)
    facts = manifest.Manifest(
        action_units=UNITS,
        action_units_maximum=5.0,
        crop=alignment.CropSpec(SIZE),
        splits=splits,
        inputs=train + evaluation,
        rejections={},
        clipped={},
        options={},
    )
    (directory / manifest.FILE).write_text(facts.to_json())
    return facts
