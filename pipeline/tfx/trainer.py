"""What TFX's Trainer calls: `model.fit` by our own training, then the export.

A TFX execution that fails loses its output directories, and the next one gets others. So a run is
trained in a directory that outlives executions and is found again by what it is made from; the
artifact `model_run` gets a copy of all but its checkpoints.
"""

import pathlib
import shutil

from ganimation_tf.config import TrainConfig
from ganimation_tf.export import versions
from ganimation_tf.presets import PRESETS
from ganimation_tf.training import plan as plans
from ganimation_tf.training import train

PRESET, OPTIONS, RUNS, BEST = "preset", "options", "runs", "best"
"""Keys of the Trainer's `custom_config`."""

CANDIDATE = 1
"""The number of an export before it is pushed, which gives it its own."""


def run_fn(fn_args) -> None:
    """Trains, or goes on with what was interrupted, and exports.

    Args:
        fn_args: `tfx.components.FnArgs`; `train_steps` None: as many as the preset says.

    Raises:
        UserError: if dataset and recipe do not fit each other, or training diverges.
    """
    wanted = fn_args.custom_config
    config = recipe(wanted[PRESET], wanted[OPTIONS])
    data = pathlib.Path(fn_args.train_files[0]).parents[1]
    plan = plans.make_plan(data, config, wanted[PRESET], fn_args.train_steps)
    run = train.train(plan, pathlib.Path(wanted[RUNS]))
    model = pathlib.Path(fn_args.serving_model_dir)
    made = versions.export_run(run, model.parent, CANDIDATE, best=wanted[BEST])
    made.rename(model)
    skipped = shutil.ignore_patterns("checkpoints", ".lock")
    shutil.copytree(run, fn_args.model_run_dir, ignore=skipped, dirs_exist_ok=True)


def recipe(preset: str, options: dict) -> TrainConfig:
    """The preset with other values in place."""
    before = PRESETS[preset].to_dict()
    weights = dict(before["loss_weights"]) | options.get("loss_weights", {})
    return TrainConfig.from_dict(before | options | {"loss_weights": weights})
