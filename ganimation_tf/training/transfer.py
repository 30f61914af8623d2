"""Starting from the networks of another run, where they fit."""

import pathlib
from collections.abc import Iterator, Sequence

import keras
import numpy as np

from ganimation_tf.errors import UserError
from ganimation_tf.networks.critic import refit_kernel
from ganimation_tf.training import runs
from ganimation_tf.training.model import GANimation


def require_networks(run: pathlib.Path) -> None:
    """Raises UserError unless `run` is a run that has saved its networks."""
    runs.read_facts(run)
    for name in ("generator", "critic"):
        if not (run / f"{name}.keras").is_file():
            raise UserError(f"{run} has no {name}.keras: the run has not ended an epoch")


def start_from(model: GANimation, run: pathlib.Path, names: Sequence[str]) -> Iterator[str]:
    """Copies every weight of a run's networks that has a place in the model's.

    The weights of an AU go where that AU is in the new list; an AU that the run did not know
    keeps its fresh ones, and so does a weight of another shape (the critic's AU head at another
    image size).

    Args:
        names: AU names of the model.

    Returns:
        Lines in words: what was not copied, and why.

    Raises:
        UserError: if the run's networks cannot be read or are built otherwise.
    """
    facts = runs.read_facts(run)
    old_names = facts["dataset"]["action_units"]
    if facts["train"]["relative"] != model.relative:
        raise UserError(
            f"the generator cannot start from that run: --relative is {facts['train']['relative']} "
            f"there and {model.relative} here"
        )
    yield f"starting from the networks of {run}"
    if old_names != list(names):
        fresh = [name for name in names if name not in old_names]
        gone = [name for name in old_names if name not in names]
        yield f"AUs that start afresh: {_listed(fresh)}; left behind: {_listed(gone)}"
    for network in (model.generator, model.critic):
        old = runs.load_network(run, network.name)
        yield from _copy(old, network, old_names, names)
    model.inference_generator.set_weights(model.generator.get_weights())


def _listed(names: Sequence[str]) -> str:
    return " ".join(names) or "none"


def _copy(old: keras.Model, new: keras.Model, old_names, names) -> Iterator[str]:
    layers = {layer.name: layer for layer in old.layers if layer.weights}
    wanted = {layer.name: layer for layer in new.layers if layer.weights}
    if layers.keys() != wanted.keys():
        odd = sorted(layers.keys() ^ wanted.keys())[0]
        raise UserError(
            f"the {new.name} cannot start from that run: only one of them has layer {odd}; "
            "filters, blocks, layers and conditioning must be the same"
        )
    for name, layer in wanted.items():
        values = []
        for source, target in zip(layers[name].weights, layer.weights, strict=True):
            given = refit_kernel(source.numpy(), target.shape)
            value = _placed(name, given, target.numpy(), old_names, names)
            if value is None and name == "action_units_head":
                shapes = f"{tuple(source.shape)} -> {tuple(target.shape)}"
                yield f"{new.name}: {name} starts afresh, its shape is another: {shapes}"
            elif value is None:
                raise UserError(
                    f"the {new.name} cannot start from that run: {name} is "
                    f"{tuple(source.shape)} there and {tuple(target.shape)} here"
                )
            values.append(target.numpy() if value is None else value)
        layer.set_weights(values)


def _placed(layer: str, old: np.ndarray, fresh: np.ndarray, old_names, names) -> np.ndarray | None:
    """`fresh` with the old weights of each AU in its new place; None if the shapes do not fit."""
    axis = _au_axis(layer, old.ndim)
    if axis is None:
        return old if old.shape == fresh.shape else None
    if np.delete(old.shape, axis).tolist() != np.delete(fresh.shape, axis).tolist():
        return None
    placed = np.moveaxis(fresh.copy(), axis, 0)
    for index, name in enumerate(names):
        if name in old_names:
            placed[index] = np.moveaxis(old, axis, 0)[old_names.index(name)]
    return np.moveaxis(placed, 0, axis)


def _au_axis(layer: str, rank: int) -> int | None:
    """Which axis of a weight counts the AUs: of `stem_aus` and of FiLM what comes in, of the
    critic's AU head what goes out."""
    if layer == "stem_aus":
        return 2
    if layer == "action_units_head":
        return rank - 1
    if layer.endswith("_film"):
        return 0 if rank == 2 else None
    return None
