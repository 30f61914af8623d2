"""`ganimation train-judge`."""

import argparse
import pathlib

from ganimation_tf.cli import flags
from ganimation_tf.errors import UserError, as_user_error

HELP = "train a network that judges AUs, on faces that the generator never saw"
EXAMPLE = "ganimation train-judge judge --data dataset --split eval --share 0.5"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument(
        "output", type=pathlib.Path, metavar="OUT", help="directory to write to; new or empty"
    )
    flags.add_dataset(parser)
    parser.add_argument(
        "--split",
        default="eval",
        help="whose faces it is trained on; the train split of a dataset that no generator of "
        "yours is trained on is the best",
    )
    parser.add_argument(
        "--share",
        type=float,
        default=0.5,
        help="of the split's people, in (0, 1]; evaluate leaves them out, so that the rest remain",
    )
    parser.add_argument("--steps", type=int, default=3000, help="updates of 32 faces")
    parser.add_argument("--seed", type=int, default=0, help="where the randomness starts")


def run(args: argparse.Namespace) -> int:
    """Trains, writes the judge and prints how far it is off, AU by AU."""
    _check(args)
    from ganimation_tf.errors import require

    require("tensorflow", "train")
    from ganimation_tf.evaluation import samples, wording
    from ganimation_tf.evaluation.judges import training

    config = flags.build(training.JudgeConfig, steps=args.steps, seed=args.seed)
    faces = samples.load(args.data, args.split)
    chosen = training.share_of_people(faces, args.share)
    judge = training.train_judge(chosen, args.split, config)
    with as_user_error(f"{args.output} cannot be written"):
        judge.save(args.output)
    facts = judge.facts
    print(f"of {facts.held_out_people} people that it was not trained on:")
    for name, mae, correlation in zip(facts.action_units, facts.mae, facts.pearson, strict=True):
        print(f"{name}  error {wording.number(mae):>7} of 5  r {wording.number(correlation):>7}")
    print(f"wrote {args.output}; give it to ganimation evaluate --judge regressor={args.output}")
    return 0


def _check(args: argparse.Namespace) -> None:
    """What can be known to be wrong before any work.

    Raises:
        UserError: naming the option, the rule and the value.
    """
    if not 0 < args.share <= 1:
        raise UserError(f"--share must be in (0, 1], got {args.share}")
    flags.require_makeable(args.output, "OUT")
    if args.output.is_dir() and any(args.output.iterdir()):
        raise UserError(f"OUT {args.output} must be new or empty, but it holds files")
