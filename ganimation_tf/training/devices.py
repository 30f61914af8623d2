"""Which devices a training uses."""

import functools
import os
from collections.abc import Sequence

import tensorflow as tf

from ganimation_tf.errors import UserError


def choose_strategy(names: Sequence[str] = ()) -> tf.distribute.Strategy:
    """`MirroredStrategy` over several devices; that one device if there is one.

    Not over several machines: `fit` of Keras 3.15 fails under `MultiWorkerMirroredStrategy`, where
    it reduces a batch of dicts and again where it reduces what `train_step` returns (tried with
    two processes on one machine).

    Args:
        names: such as `GPU:0`; none: every GPU, or else every CPU device.

    Raises:
        UserError: if one of them is not there, or if `TF_CONFIG` asks for several machines.
    """
    if os.environ.get("TF_CONFIG"):
        raise UserError(
            "TF_CONFIG asks for several workers, over which Keras 3's fit cannot train yet; unset "
            "it to train on the devices of this machine"
        )
    visible = [
        device.name.removeprefix("/device:")
        for kind in ("GPU", "CPU")
        for device in tf.config.list_logical_devices(kind)
    ]
    chosen = [name.upper() if ":" in name else f"{name.upper()}:0" for name in names]
    if unknown := [name for name in chosen if name not in visible]:
        raise UserError(f"--devices must be among {', '.join(visible)}; got {unknown[0]}")
    if len(set(chosen)) < len(chosen):
        raise UserError(f"--devices must be different ones, got {', '.join(chosen)}")
    if not chosen:
        kind = visible[0].partition(":")[0]
        chosen = [name for name in visible if name.startswith(f"{kind}:")]
    if len(chosen) > 1:
        return _mirrored(tuple(f"/{name}" for name in chosen))
    return (
        tf.distribute.OneDeviceStrategy(f"/{chosen[0]}") if names else tf.distribute.get_strategy()
    )


@functools.cache
def _mirrored(names: tuple[str, ...]) -> tf.distribute.Strategy:
    # One in a process: a second one numbers its collective operations from the start again, and
    # the runtime remembers the shape that each number had.
    return tf.distribute.MirroredStrategy(list(names))


def require_even(strategy: tf.distribute.Strategy, batch_size: int) -> None:
    """Refuses a batch that the devices cannot share evenly.

    Raises:
        UserError: naming both numbers.
    """
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        below = batch_size // replicas * replicas
        nearest = " or ".join(str(size) for size in (below, below + replicas) if size)
        raise UserError(
            f"--batch-size must be a multiple of the {replicas} devices, such as {nearest}; "
            f"got {batch_size}"
        )
