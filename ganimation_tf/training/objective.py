"""What the generator lowers: the terms of `losses` and `truth`, weighted; what weighs 0 is skipped.

A published term that is not computed is 0; those of the truth are there where it is known, with
`has_truth` beside them: 0 in a face means that its truth is not.
"""

import dataclasses
from collections.abc import Callable, Mapping

import keras
import tensorflow as tf

from ganimation_tf.config import LossWeights
from ganimation_tf.training import inputs, losses, truth

PUBLISHED = (
    "generator_realism",
    "generator_action_units",
    "cycle",
    "attention",
    "total_variation",
)

Terms = dict[str, tf.Tensor]
"""Unweighted terms by name, float32 (B,) each."""


def make_loss_weights(given: LossWeights | Mapping[str, float] | None) -> LossWeights:
    """Weights by name; those that are left out are the published ones.

    Raises:
        ValueError: for a name that is no term's, or a weight that is no number of at least 0.
        TypeError: for anything else, a list of Keras's among it.
    """
    if isinstance(given, LossWeights):
        return given
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        raise TypeError(f"loss_weights must be a dict of term to weight, got {given!r}")
    names = [field.name for field in dataclasses.fields(LossWeights)]
    if unknown := [name for name in given if name not in names]:
        raise ValueError(
            f"loss_weights has no {', '.join(map(str, unknown))}; there are {', '.join(names)}"
        )
    return LossWeights(**given)


def require_learnable(weights: LossWeights, generator: keras.Model, critic: keras.Model) -> None:
    """Refuses weights by which these networks cannot be trained.

    Raises:
        ValueError: if realism weighs something and the critic judges none, or no term is left
            that the generator can lower.
    """
    if weights.realism and "realism" not in critic.output:
        raise ValueError(
            f"loss weight realism must be 0 for a critic that only reads AUs, got {weights.realism}"
        )
    if not weights.of_generator("flow" in generator.output):
        raise ValueError("the loss weights of the generator must not all be 0")


def generator_terms(
    weights: LossWeights,
    edit: Callable[..., Mapping[str, tf.Tensor]],
    critic: keras.Model,
    batch: Mapping[str, tf.Tensor],
    edited: Mapping[str, tf.Tensor],
) -> Terms:
    """The terms of the faces of a batch.

    Args:
        edit: a function of image, source and target AUs: the generator.
        batch: as `inputs` describes it, images in [-1, 1].
        edited: what `edit` made of the batch.
    """
    image, source, target = (
        batch[name] for name in (inputs.IMAGE, inputs.ACTION_UNITS, inputs.TARGET)
    )
    nothing = tf.zeros(tf.shape(image)[:1])
    terms = dict.fromkeys(PUBLISHED, nothing)
    masks = [edited["attention"]]
    if weights.cycle:
        recovered = edit(edited["image"], target, source)
        masks.append(recovered["attention"])
        terms["cycle"] = losses.cycle(image, _with_kept_pixels(recovered, edited["image"]))
    if weights.realism or weights.action_units:
        on_edited = critic(edited["image"])
        terms["generator_action_units"] = losses.action_units(on_edited["action_units"], target)
        if weights.realism:
            terms["generator_realism"] = losses.generator_realism(on_edited["realism"])
    terms["attention"] = sum(losses.attention(mask) for mask in masks)
    terms["total_variation"] = sum(losses.total_variation(mask) for mask in masks)
    if inputs.TRUTH in batch:
        known = batch[inputs.HAS_TRUTH]
        of_truth = truth.terms(edited, image, batch[inputs.TRUTH])
        terms |= {name: known * values for name, values in of_truth.items()}
        terms[inputs.HAS_TRUTH] = known
    return terms


def _with_kept_pixels(recovered: Mapping[str, tf.Tensor], edited: tf.Tensor) -> tf.Tensor:
    """The image of the way back, whose kept pixels hand their gradient on to the edit.

    A warp hands none to the image that it moves (`networks.warp`). Here it gets what it would have
    if the pixels had been kept in their places: nothing is added but that gradient.
    """
    if "flow" not in recovered:
        return recovered["image"]
    return recovered["image"] + recovered["attention"] * (edited - tf.stop_gradient(edited))


def weighted_sum(weights: LossWeights, terms: Terms) -> tf.Tensor:
    """The loss of each image, (B,)."""
    named = {name: getattr(weights, name.removeprefix("generator_")) for name in PUBLISHED}
    named |= weights.of_truth
    computed = {name: weight for name, weight in named.items() if weight and name in terms}
    return sum(weight * terms[name] for name, weight in computed.items())
