"""Training recipes by name."""

import dataclasses
from collections.abc import Mapping

from ganimation_tf.config import AUTO, COSINE, ESTIMATOR, FILM, LossWeights, TrainConfig

_DEFAULT = TrainConfig(
    filters=48,
    residual_blocks=5,
    conditioning=FILM,
    film_gain=6.0,
    relative=True,
    skips=True,
    flow=True,
    critic=ESTIMATOR,
    critic_filters=24,
    critic_layers=5,
    batch_size=32,
    critic_steps=1,
    learning_rate=1e-3,
    beta_1=0.9,
    weight_decay=1e-4,
    schedule=COSINE,
    steps=20_000,
    augmentation=1.0,
    average=0.998,
    precision=AUTO,
    loss_weights=LossWeights(
        realism=0.0,
        gradient_penalty=0.0,
        action_units=0.0,
        cycle=0.0,
        attention=0.0,
        total_variation=0.0,
        truth=1.0,
        truth_color=0.5,
        truth_warped=0.5,
        truth_mask=0.1,
        truth_edges=1.0,
        truth_regions=0.3,
        flow_roughness=0.01,
        flow_at_rest=0.05,
    ),
)

_PUBLISHED_STEPS = 48_000
"""What the 30 epochs of preset `paper` are on the 200,000 photographs of the paper, 25 x 5 of them
to an update of the generator."""

PRESETS: Mapping[str, TrainConfig] = {
    "default": _DEFAULT,
    "small": dataclasses.replace(
        _DEFAULT,
        filters=32,
        residual_blocks=2,
        critic_filters=16,
        critic_layers=4,
        batch_size=16,
        learning_rate=1.5e-3,
        steps=500,
        augmentation=0.1,
        average=0.99,
        loss_weights=dataclasses.replace(_DEFAULT.loss_weights, action_units=1.0),
    ),
    "paper": TrainConfig(),
    "film": TrainConfig(conditioning=FILM, relative=True, average=0.999, steps=_PUBLISHED_STEPS),
    "stargan": TrainConfig(labels=True, steps=_PUBLISHED_STEPS),
    "tiny": TrainConfig(
        filters=16,
        residual_blocks=2,
        conditioning=FILM,
        relative=True,
        average=0.99,
        critic_filters=24,
        critic_layers=4,
        batch_size=8,
        critic_steps=2,
        learning_rate=1e-3,
        steps=2_000,
        epochs=10,
        decay_epochs=10,
        # At 160 so small a critic is fooled by patterns that no face has before realism counts.
        loss_weights=LossWeights(action_units=40.0),
    ),
}
"""`default` learns from pairs, where the truth is known; `small` the same in minutes on two CPU
cores, where the estimator's word on the edits helps as well; `paper` is the published recipe;
`film` the same with AUs that reach the whole image; `stargan` is `paper` asked by one of eight
emotions in place of AUs, to compare with; `tiny` is the adversarial recipe in minutes.

All but `paper`, which keeps its epochs, count updates: an epoch of a small dataset is next to none.
"""
