"""Which devices a training uses, and how it computes there."""

import dataclasses
import functools
import logging
import pathlib
from collections.abc import Sequence

import tensorflow as tf

from ganimation_tf.config import AUTO, BFLOAT16, FLOAT32, OFF, ON, TrainConfig
from ganimation_tf.errors import UserError
from ganimation_tf.training import workers

AMPERE = (8, 0)
"""Compute capability from which GPUs have instructions for bfloat16."""

TOGETHER_ON_GPU = 20
"""Steps; some 0.3 seconds of preset `default` on an H200, which is how long Ctrl-C then waits."""

log = logging.getLogger(__name__)


def choose_strategy(names: Sequence[str] = ()) -> tf.distribute.Strategy:
    """`MirroredStrategy` over several devices; that one device if there is one.

    `MultiWorkerMirroredStrategy` where `TF_CONFIG` names several machines; it takes all their GPUs,
    and must be chosen before TensorFlow does anything else.

    Args:
        names: such as `GPU:0`; none: every GPU, or else every CPU device.

    Raises:
        UserError: if one of them is not there, or `TF_CONFIG` is none or does not let choose.
    """
    if (task := workers.task_of_environment()) is not None:
        if names:
            raise UserError(
                f"--devices cannot be chosen for several machines, got {', '.join(names)}; hide "
                "GPUs by CUDA_VISIBLE_DEVICES"
            )
        return _over_machines(task)
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
def _over_machines(task: workers.Task) -> tf.distribute.Strategy:
    log.info("worker %d of %d: waiting at %s for the others", *task)
    return tf.distribute.MultiWorkerMirroredStrategy()


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


def resolved(config: TrainConfig, strategy: tf.distribute.Strategy) -> TrainConfig:
    """The config with what is to be decided where it runs: `compile` and `precision`.

    Raises:
        UserError: if XLA is to compile a step of several devices, or does not work here.
    """
    device = _first_device(strategy)
    gpu = "GPU" in device.upper()
    several = strategy.num_replicas_in_sync > 1
    compiled = config.compile
    if compiled == ON and several:
        raise UserError("--compile on fails in Keras on several devices; take auto or off")
    if compiled == ON or (compiled == AUTO and gpu and not several):
        reason = _why_xla_fails(device)
        if reason and compiled == ON:
            raise UserError(f"--compile on: XLA does not work on this device: {reason}")
        if reason:
            log.warning("XLA does not work on this device, the step is not compiled: %s", reason)
        compiled = OFF if reason else ON
    precision = config.precision
    if precision == AUTO:
        precision = BFLOAT16 if (_gpu_has_bfloat16() if gpu else _cpu_has_bfloat16()) else FLOAT32
    return dataclasses.replace(
        config, compile=OFF if compiled == AUTO else compiled, precision=precision
    )


def steps_together(strategy: tf.distribute.Strategy) -> int:
    """How many steps are handed to the device at once, at most.

    A GPU is done with one before Python has made ready the next.
    """
    several = strategy.num_replicas_in_sync > 1  # fails in Keras (keras#19246)
    return 1 if several or "GPU" not in _first_device(strategy).upper() else TOGETHER_ON_GPU


def _first_device(strategy: tf.distribute.Strategy) -> str:
    if strategy is tf.distribute.get_strategy():  # the default one does not tell
        return "GPU:0" if tf.config.list_logical_devices("GPU") else "CPU:0"
    return strategy.extended.worker_devices[0]


def _why_xla_fails(device: str) -> str | None:
    """The first line of what XLA says to a sum; None where it works."""
    try:
        with tf.device(device):
            tf.function(tf.reduce_sum, jit_compile=True)(tf.ones((2, 2)))
    except tf.errors.OpError as error:  # such as no ptxas, or none for this GPU
        return error.message.strip().split("\n")[0]
    return None


def _gpu_has_bfloat16() -> bool:
    capable = [
        tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return bool(capable) and min(capable) >= AMPERE


def _cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16; without, it is slower than float32."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return bool({"avx512_bf16", "amx_bf16"} & set(text.split()))
