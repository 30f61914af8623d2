"""The networks that a run, or a directory of weights as they ship, holds."""

import pathlib

import keras

from ganimation_tf import shipped
from ganimation_tf.config import FLOAT32
from ganimation_tf.errors import UserError, reason
from ganimation_tf.networks import labels, warp  # noqa: F401, register what networks are saved with
from ganimation_tf.networks.precision import set_policy
from ganimation_tf.training.runs import BEST, NETWORKS, read_facts


def best_networks(run: pathlib.Path) -> pathlib.Path:
    """The directory with the `generator.keras` and `critic.keras` that did best in evaluation.

    Raises:
        UserError: if none were kept.
    """
    kept = sorted((run / BEST).glob("step-*"))
    if not kept:
        raise UserError(f"{run / BEST} holds no networks: the run has had no evaluation yet")
    return kept[-1]


def holds_weights(source: pathlib.Path) -> bool:
    """Whether a directory holds weights as they ship, and no run."""
    return (source / shipped.CONFIG).is_file()


def require_networks(source: pathlib.Path) -> None:
    """Raises UserError unless `source` is a run that has saved its networks, or holds weights."""
    if holds_weights(source):
        shipped.read_config(source)
        return
    read_facts(source)
    for name in NETWORKS:
        if not (source / f"{name}.keras").is_file():
            raise UserError(f"{source} has no {name}.keras: the run has not ended an epoch")


def load_network(directory: pathlib.Path, name: str) -> keras.Model:
    """`<name>.keras` of a run, computing in float32.

    Raises:
        UserError: if there is none, or it cannot be read.
    """
    path = directory / f"{name}.keras"
    if not path.is_file():
        raise UserError(f"{directory} has no {path.name}: the run has not ended an epoch")
    try:
        network = keras.models.load_model(path, compile=False)
    # A torn file ends in one of zipfile's, h5py's, TensorFlow's or Keras's own errors.
    except Exception as error:
        raise UserError(f"{path} is damaged: {reason(error)[:200]}") from error
    set_policy(network, keras.DTypePolicy(FLOAT32))  # it may have been trained in bfloat16
    return network
