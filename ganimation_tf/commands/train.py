"""`ganimation train`."""

import argparse
import dataclasses
import pathlib

from ganimation_tf import quiet
from ganimation_tf.config import PRESETS, LossWeights, TrainConfig

HELP = "train generator and critic on a dataset of `ganimation preprocess`"
EXAMPLE = "ganimation train --data dataset --runs runs --preset tiny --steps 500"


def _flags(config_class, prefix: str):
    """(flag, field) of each plain field."""
    for field in dataclasses.fields(config_class):
        if field.type in (int, float):
            yield f"--{prefix}{field.name.replace('_', '-')}", field


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags; those of the recipe come from the fields of the config."""
    parser.add_argument("--data", type=pathlib.Path, required=True, metavar="DATASET")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--runs", type=pathlib.Path, metavar="DIR", help="make a new numbered run below DIR"
    )
    where.add_argument(
        "--resume", type=pathlib.Path, metavar="RUN", help="go on with RUN, same options"
    )
    parser.add_argument("--preset", choices=sorted(PRESETS), default="paper")
    parser.add_argument(
        "--steps", type=int, metavar="N", help="generator updates; left out: all epochs"
    )
    recipe = parser.add_argument_group("recipe", "each left out: the preset's value")
    for config_class, prefix in ((TrainConfig, ""), (LossWeights, "loss.")):
        for flag, field in _flags(config_class, prefix):
            recipe.add_argument(
                flag, type=field.type, dest=prefix + field.name, help=field.metadata["help"]
            )


def resolve(args: argparse.Namespace) -> TrainConfig:
    """The preset with the given flags in place.

    Raises:
        UserError: on a value outside its range.
    """
    given = vars(args)

    def chosen(config_class, prefix):
        named = {f.name: given[prefix + f.name] for _, f in _flags(config_class, prefix)}
        return {name: value for name, value in named.items() if value is not None}

    config = PRESETS[args.preset]
    weights = dataclasses.replace(config.loss_weights, **chosen(LossWeights, "loss."))
    return dataclasses.replace(config, loss_weights=weights, **chosen(TrainConfig, ""))


def run(args: argparse.Namespace) -> int:
    """Trains and says where the run is."""
    from ganimation_tf.errors import UserError, require
    from ganimation_tf.manifest import Manifest

    require("tensorflow", "train")
    config = resolve(args)
    if args.steps is not None and args.steps < 1:
        raise UserError(f"--steps must be at least 1, got {args.steps}")
    Manifest.load(args.data)  # a wrong --data is told before TensorFlow is loaded
    quiet.import_tensorflow()
    from ganimation_tf import train

    path = train.train(
        args.data, args.runs, config, preset=args.preset, steps=args.steps, resume=args.resume
    )
    print(f"wrote {path}")
    return 0
