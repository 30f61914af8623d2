"""What a training will take, told before it begins."""

import json
import math
from collections.abc import Iterator

import keras

from ganimation_tf.data.manifest import EVAL, TRAIN
from ganimation_tf.training.model import GANimation
from ganimation_tf.training.plan import Plan

FLOAT = 4  # bytes

GENERATOR_PASSES, CRITIC_PASSES = 2, 1
"""Forward passes whose activations the generator's update keeps: there and back, and the critic."""

CRITIC_UPDATE_PASSES = 6
"""Of the critic's update: real, fake and what lies between, on the way in and on the way back."""


def activation_values(network: keras.Model) -> int:
    """Values per image that a forward pass makes: the outputs of all layers."""
    return sum(
        math.prod(tensor.shape[1:])
        for layer in network.layers
        for tensor in keras.tree.flatten(layer.output)
    )


def memory_bytes(model: GANimation, images: int) -> int:
    """What one device needs at the peak of a step, roughly.

    Weights, their gradients and Adam's two moments; the average of the generator; and the
    activations that the larger of the two updates keeps for its backward pass.

    Args:
        images: images of one update on that device.
    """
    generator, critic = model.generator.count_params(), model.critic.count_params()
    kept = 3 * (generator + critic) + max(generator, critic)
    kept += generator if model.average else 0
    g, c = activation_values(model.generator), activation_values(model.critic)
    update = max(GENERATOR_PASSES * g + CRITIC_PASSES * c, g + CRITIC_UPDATE_PASSES * c)
    return FLOAT * (kept + images * update)


def describe(plan: Plan, model: GANimation, replicas: int) -> Iterator[str]:
    """Lines for `ganimation train --dry-run`: config, networks, memory, data and steps."""
    yield json.dumps(plan.facts["train"], indent=2)
    for network in (model.generator, model.critic):
        yield f"{network.name}: {network.count_params():,} parameters"
    images = math.ceil(plan.config.batch_size / replicas)
    gib = memory_bytes(model, images) / 2**30
    yield f"memory: about {gib:.2f} GiB on each of {replicas} devices, {images} images at a time"
    facts = plan.manifest
    yield (
        f"data: {facts.records(TRAIN):,} training and {facts.records(EVAL):,} eval faces of "
        f"{facts.crop.size} px, {len(facts.action_units)} AUs: {' '.join(facts.action_units)}"
    )
    full, decay = plan.config.epochs, plan.config.decay_epochs
    yield (
        f"steps: {plan.steps:,} of {plan.config.images_per_step} images, {plan.epoch_steps:,} to "
        f"an epoch; the first {full / (full + decay):.0%} at the full learning rate"
    )
