"""`ganimation tfx`: the production line as a TFX pipeline."""

import argparse
import importlib.util
import logging
import pathlib
import types

from ganimation_tf import quiet
from ganimation_tf.cli import flags
from ganimation_tf.errors import UserError
from pipeline.tfx.options import LineOptions

HELP = "run the line from photos to a pushed model as TFX components, or compile it for Kubeflow"
EXAMPLE = (
    "ganimation tfx --images photos/imgs --annotations photos/openface_csv --output tfx "
    "--model-dir models --preset small --gate 'truth_error<=0.6'"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags; those of the line come from the fields of `LineOptions`."""
    flags.add(parser, LineOptions)
    parser.add_argument(
        "--gate",
        action="append",
        default=[],
        metavar="CONDITION",
        help="such as truth_error<=0.4: what a model must reach to be pushed; several times",
    )
    parser.add_argument(
        "--compile",
        type=pathlib.Path,
        metavar="JSON",
        help="write a job for Kubeflow Pipelines v2 and run nothing; needs --container",
    )
    parser.add_argument(
        "--container", metavar="IMAGE", help="the job's image, with this package and TFX in it"
    )
    flags.add_beam_args(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the line and prints what it did and what the pushed model was made from; returns 0."""
    if (args.compile is None) != (args.container is None):
        raise UserError("--compile and --container must be given together")
    given = flags.given(args, LineOptions) | {"gates": tuple(args.gate)}
    options = flags.build(LineOptions, **given)
    if importlib.util.find_spec("tfx") is None:
        raise UserError(
            "tfx is not installed; it needs glibc 2.39 and versions that fit no other extra: "
            "install what requirements-tfx.lock lists, or run `make test-tfx`, which does"
        )
    quiet.import_tensorflow()
    line = _load()
    if args.compile:
        path = args.compile.resolve()
        line.compile_for_kubeflow(options, path, args.container, args.beam_args)
        print(f"wrote {args.compile}")
        return 0
    line.run_locally(options, args.beam_args)
    _report(options)
    return 0


def _load() -> types.ModuleType:
    """`pipeline.tfx.line`; TFX prints each of its protos, and warns of its own queries."""
    logging.disable(logging.WARNING)
    try:
        from pipeline.tfx import line
    finally:
        logging.disable(logging.NOTSET)
    for name in (None, "absl"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return line


def _report(options: LineOptions) -> None:
    from pipeline.tfx import lineage

    store = lineage.open_store(options.metadata)
    steps = lineage.last_run(store)
    for step in steps:
        print(f"{step.component:20} {step.state:9} {step.seconds:6.1f} s  #{step.execution}")
    for line in lineage.verdict(store, steps):
        print(line)
