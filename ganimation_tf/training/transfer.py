"""Starting from other networks, of a run or as they ship, where they fit."""

import pathlib
from collections.abc import Iterator, Sequence

import keras
import numpy as np

from ganimation_tf import shipped
from ganimation_tf.config import TrainConfig
from ganimation_tf.errors import UserError
from ganimation_tf.networks.critic import refit_kernel
from ganimation_tf.networks.generator import FILM_GAIN, LABEL
from ganimation_tf.training import runs, saved_networks
from ganimation_tf.training.build import build_networks
from ganimation_tf.training.model import GANimation


def start_from(model: GANimation, source: pathlib.Path, names: Sequence[str]) -> Iterator[str]:
    """Copies every weight of given networks that has a place in the model's.

    The weights of an AU go where that AU is in the new list; an AU that they did not know
    keeps its fresh ones, and so does a weight of another shape (the critic's AU head at another
    image size).

    Args:
        source: a run, or a directory of weights as they ship (see `shipped`).
        names: AU names of the model.

    Returns:
        Lines in words: what was not copied, and why.

    Raises:
        UserError: if the networks cannot be read or are built otherwise.
    """
    read = _of_weights if saved_networks.holds_weights(source) else _of_run
    networks, old_names, relative = read(source)
    if relative != model.relative:
        raise UserError(
            f"the generator cannot start from {source}: --relative is {relative} there and "
            f"{model.relative} here"
        )
    yield f"starting from the networks of {source}"
    if list(old_names) != list(names):
        fresh = [name for name in names if name not in old_names]
        gone = [name for name in old_names if name not in names]
        yield f"AUs that start afresh: {_listed(fresh)}; left behind: {_listed(gone)}"
    for old, new in zip(networks, (model.generator, model.critic), strict=True):
        yield from _copy(old, new, list(old_names), names, source)
    model.inference_generator.set_weights(model.generator.get_weights())


def _of_run(run: pathlib.Path) -> tuple[list[keras.Model], Sequence[str], bool]:
    """Generator and critic, their AUs, and whether they take changes of them."""
    facts = runs.read_facts(run)
    networks = [saved_networks.load_network(run, name) for name in runs.NETWORKS]
    return networks, facts["dataset"]["action_units"], facts["train"]["relative"]


def _of_weights(directory: pathlib.Path) -> tuple[list[keras.Model], Sequence[str], bool]:
    """The same of a directory of weights."""
    facts, path = shipped.read_config(directory), directory / shipped.CONFIG
    try:
        names, size = facts["action_units"], facts["image_size"]
        config = TrainConfig.from_dict(facts["train"], str(path))
    except KeyError as error:
        raise UserError(f"{path} does not say how to build the networks: no {error}") from error
    built, arrays = build_networks(config, size, len(names)), shipped.read_weights(directory)
    shipped.assign(built.generator, arrays[shipped.GENERATOR], str(directory))
    shipped.assign(built.critic, arrays[shipped.ESTIMATOR], str(directory))
    return [built.generator, built.critic], names, config.relative


def _listed(names: Sequence[str]) -> str:
    return " ".join(names) or "none"


def _copy(old: keras.Model, new: keras.Model, old_names, names, where) -> Iterator[str]:
    layers = {layer.name: layer for layer in old.layers if layer.weights}
    wanted = {layer.name: layer for layer in new.layers if layer.weights}
    if layers.keys() != wanted.keys():
        odd = sorted(layers.keys() ^ wanted.keys())[0]
        raise UserError(
            f"the {new.name} cannot start from {where}: only one of them has layer {odd}; "
            "filters, blocks, layers and conditioning must be the same"
        )
    if (LABEL in _layer_names(old)) != (LABEL in _layer_names(new)):
        raise UserError(
            f"the {new.name} cannot start from {where}: only one of them is asked by labels; "
            "--labels must be the same"
        )
    # What is asked by a label hears no AUs: nothing of it has a place by AU.
    by_label = LABEL in _layer_names(new)
    gain = _film_gain(old) / _film_gain(new)
    for name, layer in wanted.items():
        values = []
        for source, target in zip(layers[name].weights, layer.weights, strict=True):
            given = refit_kernel(source.numpy(), target.shape)
            if name.endswith("_film") and given.ndim == 2:
                given = given * gain
            axis = None if by_label else _au_axis(name, given.ndim)
            value = _placed(axis, given, target.numpy(), old_names, names)
            if value is None and name == "action_units_head":
                shapes = f"{tuple(source.shape)} -> {tuple(target.shape)}"
                yield f"{new.name}: {name} starts afresh, its shape is another: {shapes}"
            elif value is None:
                raise UserError(
                    f"the {new.name} cannot start from {where}: {name} is "
                    f"{tuple(source.shape)} there and {tuple(target.shape)} here"
                )
            values.append(target.numpy() if value is None else value)
        layer.set_weights(values)


def _film_gain(network: keras.Model) -> float:
    """By which a network multiplies the AUs for FiLM: with its inverse a kernel does the same."""
    has_one = FILM_GAIN in _layer_names(network)
    return float(network.get_layer(FILM_GAIN).scale) if has_one else 1.0


def _layer_names(network: keras.Model) -> set[str]:
    return {layer.name for layer in network.layers}


def _placed(
    axis: int | None, old: np.ndarray, fresh: np.ndarray, old_names, names
) -> np.ndarray | None:
    """`fresh` with the old weights of each AU in its new place; None if the shapes do not fit.

    Args:
        axis: which counts the AUs; None: none does, and the old weights are taken as they are.
    """
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
