"""What a training will take, told before it begins."""

import json
import math
import pathlib
import re
from collections.abc import Iterator

import keras
import tensorflow as tf

from ganimation_tf.config import COSINE, TrainConfig
from ganimation_tf.data.manifest import EVAL, TRAIN
from ganimation_tf.errors import UserError
from ganimation_tf.training import length
from ganimation_tf.training.model import GANimation
from ganimation_tf.training.plan import Plan

FLOAT = 4  # bytes

PROCESS_BYTES = 0.8 * 2**30
"""Of a process that has loaded TensorFlow and a dataset."""

COPIES = 2.0
"""Times the weights with their gradients and slots: an update makes new ones of all."""

AT_ONCE = 0.7
"""Share of a step's activations that are there at the same time."""

SHOWN = 8
"""Faces of the sample grid, which go through the generator together."""

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


def needed_bytes(model: GANimation, images: int) -> int:
    """What a process that trains takes at its peak.

    Measured on CPUs, and what this says: preset tiny, 8 images of 64 px 0.86 GiB (0.86), of 128 px
    1.02 (0.98); preset film, 8 of 64 px 2.62 (2.60), 2 of 128 px 3.26 (3.24), 25 4.8 (5.0).

    Args:
        images: images of one update on that device.
    """
    kept = memory_bytes(model, 0)
    activations = memory_bytes(model, max(images, SHOWN)) - kept
    return round(PROCESS_BYTES + COPIES * kept + AT_ONCE * activations)


def available_bytes(root: pathlib.Path = pathlib.Path("/")) -> int | None:
    """Memory that this process can have without another's being taken; None: it is not known.

    Args:
        root: of the file system that the kernel tells it in.
    """
    try:
        text = (root / "proc/meminfo").read_text()
        free = 1024 * int(re.search(r"MemAvailable:\s+(\d+) kB", text)[1])  # type: ignore[index]
    except (OSError, TypeError):
        return None
    group = root / "sys/fs/cgroup"
    try:
        limit, used = (
            (group / f"memory.{name}").read_text().strip() for name in ("max", "current")
        )
        return free if limit == "max" else min(free, int(limit) - int(used))
    except (OSError, ValueError):  # no limit, or one of another kind
        return free


def require_memory(model: GANimation, batch_size: int, replicas: int) -> None:
    """Refuses a training on CPUs that the kernel would end for want of memory.

    Raises:
        UserError: with what is needed and what there is.
    """
    available = available_bytes()
    if available is None or tf.config.list_logical_devices("GPU"):
        return
    needed = replicas * needed_bytes(model, math.ceil(batch_size / replicas))
    if needed > available:
        raise UserError(
            f"training needs about {needed / 2**30:.1f} GiB of memory and {available / 2**30:.1f} "
            f"are free: take a smaller batch (now {batch_size}) or smaller networks, or try it all "
            "the same with --ignore-memory"
        )


def describe(plan: Plan, model: GANimation, replicas: int) -> Iterator[str]:
    """Lines for `ganimation train --dry-run`: config, networks, memory, data, steps and time.

    The time is measured: `model` is trained for a few steps.
    """
    yield json.dumps(plan.facts["train"], indent=2)
    for network in (model.generator, model.critic):
        yield f"{network.name}: {network.count_params():,} parameters"
    images = math.ceil(plan.config.batch_size / replicas)
    gib = needed_bytes(model, images) / 2**30
    yield f"memory: about {gib:.2f} GiB on each of {replicas} devices, {images} images at a time"
    facts = plan.manifest
    yield (
        f"data: {facts.records(TRAIN):,} training and {facts.records(EVAL):,} eval faces of "
        f"{facts.crop.size} px, {len(facts.action_units)} AUs: {' '.join(facts.action_units)}"
    )
    yield (
        f"steps: {plan.steps:,} of {plan.config.images_per_step} images, {plan.epoch_steps:,} to "
        f"an epoch; {_course(plan.config)}"
    )
    yield f"length: {length.verdict(plan.config, plan.steps)}"
    a_step = length.seconds_per_step(model, plan.config) / replicas
    yield (
        f"time: about {length.duration(a_step * plan.steps)} here, as busy as it is now: "
        f"{a_step:.2f} s a step, evaluations and pictures left out"
    )


def _course(config: TrainConfig) -> str:
    """What the learning rate does."""
    if config.schedule == COSINE:
        return "the learning rate falls along a cosine"
    full = config.epochs / (config.epochs + config.decay_epochs)
    return f"the first {full:.0%} at the full learning rate"
