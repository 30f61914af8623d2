"""Training a judge of AUs: a regression with squared error.

Absolute error would find that all zeros is a good answer: most AUs are 0 on most faces.
"""

import dataclasses
import hashlib
from collections.abc import Sequence

import numpy as np

from ganimation_tf import quiet
from ganimation_tf.errors import UserError
from ganimation_tf.evaluation.agreement import agreement
from ganimation_tf.evaluation.judges.regressor import JudgeFacts, RegressorJudge, to_network
from ganimation_tf.evaluation.samples import Samples
from ganimation_tf.faces.alignment import CropSpec
from ganimation_tf.options import check, option

SIZE = 64
"""Side of the network's input: AUs are read as well from it as from 128."""

FILTERS = (32, 64, 128, 128)
HELD_OUT = 0.1
"""Of the people, for the judge's own error."""

LEAST_HELD_OUT = 3
SHIFT = 3
"""Pixels of the network's input by which a picture is moved at most."""

LIGHT = 0.2
"""By which brightness and contrast change at most."""


@dataclasses.dataclass(frozen=True)
class JudgeConfig:
    """How a judge is trained.

    Raises:
        OptionError: if a field is outside its range.
    """

    steps: int = option(3000, "updates", low=1)
    batch_size: int = option(32, "faces of one update", low=1)
    learning_rate: float = option(
        1e-3, "of Adam at the beginning; it falls to 0 along a cosine", above=0
    )
    seed: int = option(0, "where the randomness starts", low=0, high=2**31 - 1)

    def __post_init__(self):
        check(self)


def share_of_people(samples: Samples, share: float) -> Samples:
    """The faces of about this share of the people, chosen by their names alone.

    Raises:
        UserError: if nobody is left.
    """
    rows = [row for row, person in enumerate(samples.people) if _draw(person, "judge") < share]
    if not rows:
        raise UserError(f"a share of {share:g} of {len(set(samples.people))} people is nobody")
    return samples.take(rows)


def _draw(person: str, salt: str) -> float:
    """A number in [0, 1) that depends on the name alone."""
    digest = hashlib.sha256(f"{salt}\0{person}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def train_judge(samples: Samples, split: str, config: JudgeConfig | None = None) -> RegressorJudge:
    """A judge of the AUs of some faces.

    Args:
        samples: faces that no generator is trained on which it is to judge.
        split: which split they are of, for the judge's facts.

    Raises:
        UserError: if there are too few people to tell how good the judge is.
    """
    config = config or JudgeConfig()
    out = _held_out_people(samples.people)
    held_out = np.array([person in out for person in samples.people])
    seen_people = sorted(set(samples.people) - out)
    if not seen_people:
        raise UserError(
            f"{len(out)} people are too few: {LEAST_HELD_OUT} are held out to tell how good the "
            "judge is"
        )
    network = _fitted(
        to_network(samples.images[~held_out], SIZE), samples.action_units[~held_out], config
    )
    facts = JudgeFacts(
        action_units=samples.names,
        crop=CropSpec(SIZE, samples.crop.margin),
        dataset=samples.digest,
        split=split,
        people=tuple(seen_people),
        held_out_people=len(out),
        mae=(),
        pearson=(),
    )
    read = RegressorJudge(network, facts).read(samples.images[held_out], samples.crop)
    agreed = agreement(read, samples.action_units[held_out])
    facts = dataclasses.replace(facts, mae=_known(agreed.mae), pearson=_known(agreed.pearson))
    return RegressorJudge(network, facts)


def _fitted(images: np.ndarray, units: np.ndarray, config: JudgeConfig):
    """A network after all steps on images (n, 64, 64, 3) in [-1, 1] with AUs (n, N)."""
    quiet.import_tensorflow()
    import keras

    keras.utils.set_random_seed(config.seed)
    network = build(units.shape[1])
    network.compile(_optimizer(config), loss="mean_squared_error")
    batches = _batches(images, units, config)
    network.fit(batches, epochs=1, steps_per_epoch=config.steps, shuffle=False, verbose=0)
    return network


def _held_out_people(people: Sequence[str]) -> set[str]:
    """Those whose names draw lowest."""
    ranked = sorted(set(people), key=lambda person: _draw(person, "held out"))
    return set(ranked[: max(LEAST_HELD_OUT, round(HELD_OUT * len(ranked)))])


def build(action_units: int):
    """The network: images (n, 64, 64, 3) in [-1, 1] to AUs (n, N), trained towards [0, 1].

    Group normalization over 8 groups: that over one channel would take away how strong a feature
    is, and with it the intensity.
    """
    from keras import Input, Model, layers

    image = x = Input((SIZE, SIZE, 3), name="image")
    for level, filters in enumerate(FILTERS):
        for strides in (2, 1) if level else (2,):
            x = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False)(x)
            x = layers.GroupNormalization(8)(x)
            x = layers.ReLU()(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.3)(layers.Dense(128, activation="relu")(x))
    return Model(image, layers.Dense(action_units, name="action_units")(x), name="judge")


def _optimizer(config: JudgeConfig):
    import keras

    schedule = keras.optimizers.schedules.CosineDecay(config.learning_rate, config.steps)
    return keras.optimizers.AdamW(schedule, weight_decay=1e-3)


def _batches(images: np.ndarray, units: np.ndarray, config: JudgeConfig):
    """Endless batches of pictures that are mirrored, moved and lit at random.

    A mirrored face has the AUs that it had: intensities are of both sides.
    """
    import tensorflow as tf

    def changed(place, image, wanted):
        seeds = tf.random.split(tf.stack([tf.constant(config.seed, tf.int64), place]), 3)
        image = tf.image.stateless_random_flip_left_right(image, seeds[0])
        padded = tf.pad(image, [[SHIFT, SHIFT], [SHIFT, SHIFT], [0, 0]], "REFLECT")
        image = tf.image.stateless_random_crop(padded, (SIZE, SIZE, 3), seeds[1])
        light = tf.random.stateless_uniform((2,), seeds[2], -LIGHT, LIGHT)
        return image * (1 + light[0]) + light[1], wanted

    faces = tf.data.Dataset.from_tensor_slices((images, units))
    faces = faces.shuffle(len(images), config.seed).repeat().enumerate()
    faces = faces.map(lambda place, face: changed(place, *face), tf.data.AUTOTUNE)
    return faces.batch(config.batch_size, drop_remainder=True).prefetch(2)


def _known(values: np.ndarray) -> tuple[float | None, ...]:
    return tuple(round(float(value), 4) if np.isfinite(value) else None for value in values)
