"""`ganimation train`."""

import argparse
import operator
import pathlib

from ganimation_tf import quiet
from ganimation_tf.cli import flags
from ganimation_tf.config import CONCAT, LossWeights, TrainConfig
from ganimation_tf.errors import UserError
from ganimation_tf.presets import PRESETS

HELP = "train generator and critic on a dataset of `ganimation preprocess`"
EXAMPLE = "ganimation train --data dataset --output runs --preset tiny --steps 500"


LOSS = "loss."
"""How the flags of `LossWeights` begin."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags; those of the recipe come from the fields of the config."""
    flags.add_dataset(parser)
    _add_places(parser)
    _add_beginning(parser)
    _add_course(parser)
    recipe = parser.add_argument_group("recipe", "each left out: the preset's value")
    flags.add(recipe, TrainConfig, default=lambda field: _by_preset(field.name))
    flags.add(
        recipe,
        LossWeights,
        prefix=LOSS,
        default=lambda field: _by_preset(f"loss_weights.{field.name}"),
    )


def _add_places(parser: argparse.ArgumentParser) -> None:
    """Where the run is, or is to be."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--output",
        type=pathlib.Path,
        metavar="DIR",
        help="a numbered run below DIR: an unfinished one with these very options, or a new one",
    )
    flags.add_former_name(where, "--runs", "--output", type=pathlib.Path)
    where.add_argument(
        "--resume", type=pathlib.Path, metavar="RUN", help="go on with RUN and no other"
    )
    parser.add_argument(
        "--result",
        type=pathlib.Path,
        metavar="DIR",
        help="when the run is finished, a copy of it for what comes next: networks, samples, the "
        "newest state, and its metrics as metrics.json and history.json; a run of fewer steps is "
        "not prolonged then, so that the result follows from the options alone",
    )
    parser.add_argument("--new", action="store_true", help="make a new run in any case")


def _add_beginning(parser: argparse.ArgumentParser) -> None:
    """What a run begins with, and how long it is."""
    parser.add_argument(
        "--preset",
        choices=sorted(PRESETS),
        default="default",
        help="the recipe to start from: default learns from pairs, small the same in minutes on "
        "two CPU cores, paper is the published one, "
        "film reaches the whole image, tiny is adversarial in minutes",
    )
    parser.add_argument(
        "--steps",
        type=int,
        metavar="N",
        help="generator updates; left out: the preset's, or, where it has none or epochs are "
        f"given, all epochs; more than an earlier run had goes on with that run (default: "
        f"{_by_preset('steps')})",
    )
    parser.add_argument(
        "--start-from",
        type=_networks,
        metavar="RUN",
        help="begin with the networks of a run, of a directory of weights, or `pretrained`, those "
        "that ship; their AU list and image size may be others",
    )


def _add_course(parser: argparse.ArgumentParser) -> None:
    """What leaves the plan as it is: where it is trained, what is kept, what is said of it."""
    parser.add_argument(
        "--devices",
        metavar="NAME,...",
        help="devices to train on, such as GPU:0,GPU:1 or CPU; left out: all GPUs, else the CPU",
    )
    parser.add_argument(
        "--checkpoint-minutes",
        type=float,
        default=10.0,
        metavar="M",
        help="time between two saved states within an epoch; 0: after every step",
    )
    parser.add_argument(
        "--judge",
        metavar="NAME",
        help="without pairs: choose the best networks by a judge of AUs, blendshapes or "
        "regressor=DIR, and not by the critic that trains",
    )
    parser.add_argument(
        "--judge-minutes",
        type=float,
        default=10.0,
        metavar="M",
        help="least time between two judgements; 0: each evaluation",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="say what would be trained and what it would take, and write nothing",
    )
    parser.add_argument(
        "--ignore-memory",
        action="store_true",
        help="train also where the memory will hardly suffice",
    )


def _by_preset(name: str) -> str:
    """The value in preset `default`, and those that differ from it: `48; tiny: 16`."""
    values = {preset: operator.attrgetter(name)(config) for preset, config in PRESETS.items()}
    usual = values["default"]
    others = [f"{preset}: {value}" for preset, value in values.items() if value != usual]
    return "; ".join([str(usual), *others])


def _networks(text: str) -> pathlib.Path:
    if text != "pretrained":
        return pathlib.Path(text)
    from ganimation_tf import shipped  # imports numpy, which --help has no use for

    return shipped.directory()


def resolve(args: argparse.Namespace) -> TrainConfig:
    """The preset with the given flags in place.

    Raises:
        UserError: on a value outside its range.
    """
    config = PRESETS[args.preset]
    chosen = flags.given(args, LossWeights, prefix=LOSS)
    weights = flags.replace(config.loss_weights, chosen, prefix=LOSS)
    chosen = flags.given(args, TrainConfig) | {"loss_weights": weights}
    if chosen.get("conditioning", config.conditioning) == CONCAT:
        if chosen.setdefault("film_gain", 1.0) != 1:
            raise UserError(f"--film-gain needs --conditioning film, which is {CONCAT} here")
    if chosen.keys() & {"epochs", "decay_epochs"}:
        chosen["steps"] = 0  # who gives epochs wants them counted
    return flags.replace(config, chosen)


def run(args: argparse.Namespace) -> int:
    """Trains and says where the run is."""
    from ganimation_tf.data.manifest import Manifest
    from ganimation_tf.errors import require

    require("tensorflow", "train")
    config = resolve(args)
    flags.require_at_least(args, 1, "steps")
    flags.require_at_least(args, 0, "checkpoint_minutes", "judge_minutes")
    if args.new and args.resume:
        raise UserError("--new makes a run and --resume goes on with one: give one of them")
    for flag, place in (("--output", args.output), ("--result", args.result)):
        if place is not None:
            flags.require_makeable(place, flag)
    Manifest.load(args.data)  # a wrong --data is told before TensorFlow is loaded
    quiet.import_tensorflow()
    from ganimation_tf.training import preparation, result, train
    from ganimation_tf.training.plan import make_plan

    if args.result:
        result.require_place(args.result, args.output or args.resume)
    plan = make_plan(args.data, config, args.preset, args.steps, args.start_from)
    chosen = args.devices.split(",") if args.devices else ()
    shared = {
        "resume": args.resume,
        "prolong": args.result is None,  # a result is to follow from the options alone
        "chosen_devices": chosen,
        "judge": args.judge,
    }
    if args.dry_run:
        for line in preparation.rehearse(plan, **shared):
            print(line)
        return 0
    path = train.train(
        plan,
        args.output,
        new=args.new,
        checkpoint_minutes=args.checkpoint_minutes,
        ignore_memory=args.ignore_memory,
        judge_minutes=args.judge_minutes,
        **shared,
    )
    print(f"wrote {path}")
    if args.result:
        result.write(path, args.result)
        print(f"wrote {args.result}")
    return 0
