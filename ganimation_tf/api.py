"""The public functions about training. Each imports what it needs when it is called.

A wrong argument raises `ValueError`, or `UserError`, which is one, where a file or directory is
wrong.
"""

import pathlib
import typing
from collections.abc import Sequence

from ganimation_tf.config import TrainConfig
from ganimation_tf.presets import PRESETS

if typing.TYPE_CHECKING:
    import tensorflow as tf

    from ganimation_tf.training.model import GANimation

PathLike = str | pathlib.Path


def training_dataset(
    data: PathLike, config: TrainConfig = PRESETS["film"], start_step: int = 0
) -> "tf.data.Dataset":
    """Endless batches for `GANimation.fit`.

        >>> batches = gan.training_dataset(data, gan.PRESETS["tiny"])
        >>> batch = next(iter(batches))
        >>> batch["image"].shape  # batch, critic steps, height, width, RGB
        TensorShape([8, 2, 32, 32, 3])

    Args:
        data: directory of a dataset of `ganimation preprocess`.
        config: its batch size B, critic steps K, seed and what it says of targets and jitter.
        start_step: elements to leave out: where an interrupted training goes on.

    Returns:
        Dataset of dicts: `image` float32 (B, K, S, S, 3) in [-1, 1], `action_units` and
        `target_action_units` float32 (B, K, N) in [0, 1], and what else `fit` needs.

    Raises:
        UserError: if there is no whole dataset.
    """
    from ganimation_tf.data.manifest import Manifest
    from ganimation_tf.training import dataset

    data = pathlib.Path(data)
    return dataset.training(data, Manifest.load(data), config, start_step)


def evaluation_dataset(
    data: PathLike, batch_size: int = 32, split: str = "eval"
) -> "tf.data.Dataset":
    """Each face of a split once, in order; the target is the AUs of the split's next face.

        >>> faces = gan.evaluation_dataset(data, batch_size=4)
        >>> next(iter(faces))["image"].shape
        TensorShape([4, 32, 32, 3])

    Args:
        data: directory of a dataset of `ganimation preprocess`.
        split: `eval` or `train`.

    Returns:
        Dataset of dicts: `image` float32 (B, S, S, 3) in [-1, 1], `action_units` and
        `target_action_units` float32 (B, N) in [0, 1]. The last batch may be smaller.

    Raises:
        UserError: if there is no whole dataset.
    """
    from ganimation_tf.data.manifest import Manifest
    from ganimation_tf.training import dataset

    data = pathlib.Path(data)
    return dataset.evaluation(data, Manifest.load(data), batch_size=batch_size, split=split)


def train(
    data: PathLike,
    runs: PathLike,
    config: TrainConfig = PRESETS["film"],
    *,
    preset: str = "custom",
    steps: int | None = None,
    start_from: PathLike | None = None,
    new: bool = False,
    devices: Sequence[str] = (),
) -> pathlib.Path:
    """Trains, or goes on with an interrupted training, as `ganimation train` does.

        >>> run = gan.train(data, runs, gan.PRESETS["tiny"], preset="tiny", steps=2)
        >>> run.name
        '00000-tiny-32px-17au-batch8'

    Args:
        data: directory of a dataset of `ganimation preprocess`.
        runs: the numbered run is made below it; an unfinished one there of the very same options,
            or else one of fewer steps, is gone on with.
        config: the recipe.
        preset: the name that the run bears.
        steps: generator updates; None: as many as the config says, or its epochs make.
        start_from: a run whose networks to start from.
        new: make a new run in any case.
        devices: such as `["GPU:0", "GPU:1"]`; none: all GPUs, else the CPU.

    Returns:
        The run's directory.

    Raises:
        UserError: if dataset, config and devices do not fit each other, or training diverges.
        KeyboardInterrupt: on Ctrl-C or SIGTERM; the state is saved.
    """
    from ganimation_tf.training import plan as plans
    from ganimation_tf.training import train as training

    start = start_from and pathlib.Path(start_from)
    plan = plans.make_plan(pathlib.Path(data), config, preset, steps, start or None)
    return training.train(plan, pathlib.Path(runs), new=new, chosen_devices=devices)


def load_run(run: PathLike, best: bool = False) -> "GANimation":
    """The trained model of a run, not compiled.

        >>> model = gan.load_run(run)
        >>> model.generator.count_params() > 0
        True

    Args:
        run: directory of a run of `ganimation train`.
        best: the networks that did best in evaluation, not the last ones.

    Raises:
        UserError: if it is no run or has no such networks yet.
    """
    from ganimation_tf.training import build

    return build.load_run(pathlib.Path(run), best)


def export(
    run: PathLike,
    model_dir: PathLike,
    version: int | None = None,
    format: str = "saved_model",
    best: bool = False,
) -> pathlib.Path:
    """Writes a run's networks for TensorFlow Serving, or in another format, and checks them.

        >>> gan.export(run, models, format="litert").name
        '1'

    Args:
        model_dir: the version is written below it, whole or not at all.
        version: its number; None: the next free one.
        format: `saved_model`, `litert`, `onnx` or `openvino`.
        best: the networks that did best in evaluation, not the last ones.

    Returns:
        `model_dir/<version>`.

    Raises:
        UserError: if the run has no such networks, the version exists, or nothing can be written.
        SelfCheckError: if what was written does not compute what the networks compute.
    """
    from ganimation_tf.export import versions

    return versions.export_run(run, model_dir, version, format, best)
