"""`ganimation export`."""

import argparse
import logging
import pathlib

from ganimation_tf import quiet
from ganimation_tf.cli import flags

HELP = "write a run's networks as a SavedModel for TensorFlow Serving, or in another format"
EXAMPLE = "ganimation export --run runs/00000-tiny-48px-17au-batch8 --output models"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument(
        "--run",
        type=pathlib.Path,
        required=True,
        dest="run_dir",
        metavar="RUN",
        help="directory of a run of `ganimation train`",
    )
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        metavar="DIR",
        help="the version is written below it, as DIR/<version>/",
    )
    flags.add_former_name(parser, "--model-dir", "--output", type=pathlib.Path)
    parser.add_argument(
        "--version", type=int, metavar="N", help="version number; left out: the next free one"
    )
    parser.add_argument(
        "--format",
        choices=("saved_model", "litert", "onnx", "openvino"),
        default="saved_model",
        help="what to write; onnx and openvino need the extra `formats`",
    )
    parser.add_argument(
        "--best",
        action="store_true",
        help="the networks that did best in evaluation, not the last ones",
    )


def run(args: argparse.Namespace) -> int:
    """Exports and says where."""
    from ganimation_tf.errors import UserError, require

    output = flags.output_of(args, "output")
    require("tensorflow", "train")
    flags.require_at_least(args, 1, "version")
    if not (args.run_dir / "config.json").is_file():  # told before TensorFlow is loaded
        raise UserError(f"{args.run_dir} is not a run: it has no config.json")
    quiet.import_tensorflow()
    from ganimation_tf.export import versions
    from ganimation_tf.training import runs

    steps, done = runs.read_facts(args.run_dir)["steps"], runs.saved_step(args.run_dir)
    if done < steps:
        logging.warning(
            "%s is unfinished, at step %d of %d: what is exported has not learnt all that it could",
            *(args.run_dir, done, steps),
        )
    path = versions.export_run(args.run_dir, output, args.version, args.format, args.best)
    print(f"wrote {path}")
    return 0
