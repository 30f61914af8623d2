"""`ganimation evaluate`."""

import argparse
import logging
import pathlib

from ganimation_tf import progress
from ganimation_tf.cli import connection, flags, instruments
from ganimation_tf.errors import UserError, as_user_error

HELP = "measure a model's edits: against truth where it is known, and by independent judges"
EXAMPLE = (
    "ganimation evaluate runs/00000-tiny --data dataset --report report --gate 'truth_error<=1'"
)

FAILED_GATE = 1

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a run, its .keras file, an export or HOST:PORT; or input, mean-edit, untrained, "
        "pretrained",
    )
    flags.add_dataset(parser)
    parser.add_argument("--split", default="eval", help="whose faces are edited")
    parser.add_argument("--faces", type=int, default=600, help="at most so many of the split")
    parser.add_argument(
        "--report",
        type=pathlib.Path,
        metavar="DIR",
        help="where report.json, report.html, metrics.json and blessing.json go",
    )
    parser.add_argument(
        "--baseline",
        type=pathlib.Path,
        metavar="REPORT",
        help="another report.json, to tell the differences from",
    )
    parser.add_argument(
        "--gate",
        action="append",
        default=[],
        metavar="CONDITION",
        help="such as truth_error<=0.4; exits 1 if it does not hold; several times",
    )
    instruments.configure(parser)
    parser.add_argument("--batch-size", type=int, default=16, help="faces edited at once")
    served = parser.add_argument_group("a served model", "where MODEL is HOST:PORT")
    connection.configure_requests(parser, served, name_flag="--model-name")


def run(args: argparse.Namespace) -> int:
    """Prints a line for each figure; 1 if a gate does not hold, else 0."""
    _check(args)
    from ganimation_tf import blessing
    from ganimation_tf.animation import evaluated
    from ganimation_tf.evaluation import gate, wording

    gates = [gate.Gate.parse(text) for text in args.gate]
    for one in gates:
        wording.require_known(one.metric, f"--gate {one}")
    from ganimation_tf.data.manifest import Manifest
    from ganimation_tf.evaluation import report as report_lib
    from ganimation_tf.evaluation.evaluate import evaluate

    Manifest.load(args.data)  # a wrong --data is told before anything is loaded
    if args.write_edits:
        return _write_edits(args)
    baseline = report_lib.Report.load(args.baseline) if args.baseline else None
    measured_with, notes = instruments.load(args)
    evaluation = evaluate(
        _open(args),
        args.data,
        split=args.split,
        instruments=measured_with,
        faces=args.faces,
        batch_size=args.batch_size,
        batches=progress.tracked_batches,
    )
    differences: list = []
    if baseline is not None:
        differences, more = report_lib.compare(evaluation.report, baseline)
        notes += more
    for line in wording.lines(evaluation.report, differences):
        print(line)
    for note in (*evaluation.report.notes, *notes):
        log.info("note: %s", note)
    failed = gate.failures(gates, evaluation.report.metrics)
    if args.report:
        _write(args.report, evaluation, differences, notes)
        path = None if evaluated.is_name(args.model) else args.model
        verdict = gate.verdict(path, evaluation.report, args.split, gates, failed)
        verdict.write(args.report / blessing.FILE)
    for line in failed:
        print(line)
    return FAILED_GATE if failed else 0


def _open(args: argparse.Namespace):
    """What is to be evaluated, as `evaluated.open_editor` has it.

    Raises:
        UserError: if it is no server, and a flag is about one.
    """
    from ganimation_tf.animation import evaluated, models

    if (given := connection.given(args)) and not models.names_server(args.model):
        raise UserError(f"{given[0]} is about a server, and MODEL is none: {args.model}")
    return evaluated.open_editor(
        args.model, args.data, lambda server: connection.open_client(args, server)
    )


def _write_edits(args: argparse.Namespace) -> int:
    """Writes the pictures of an evaluation and says what to do with them."""
    from ganimation_tf.evaluation.evaluate import Instruments, evaluate
    from ganimation_tf.evaluation.judges.files import PictureWriter

    model = _open(args)
    writer = PictureWriter(args.write_edits, model.action_units)
    with as_user_error(f"--write-edits {args.write_edits}"):
        evaluate(
            model,
            args.data,
            split=args.split,
            instruments=Instruments(judges=[writer], swept=args.sweeps),
            faces=args.faces,
            batch_size=args.batch_size,
            batches=progress.tracked_batches,
        )
    print(
        f"wrote {len(writer.written)} pictures to {args.write_edits}; annotate them (OpenFace: "
        f"FaceLandmarkImg -fdir {args.write_edits} -out_dir ANNOTATIONS -aus -2Dfp), then give the "
        "same options with --read-annotations ANNOTATIONS in place of --write-edits"
    )
    return 0


def _check(args: argparse.Namespace) -> None:
    """What can be known to be wrong before any work.

    Raises:
        UserError: naming the option, the rule and the value.
    """
    flags.require_at_least(args, 1, "faces", "batch_size")
    flags.require_at_least(args, 0, "sweeps")
    for flag, place in (("--report", args.report), ("--write-edits", args.write_edits)):
        if place is not None:
            flags.require_makeable(place, flag)
    if args.write_edits:
        for name in ("gate", "report", "baseline", "judge", "kid"):
            if getattr(args, name):
                raise UserError(
                    f"--write-edits stops before anything is measured; {flags.flag_of(name)} goes "
                    "with the call that has --read-annotations"
                )
    if args.pixels_only and (args.judge or args.kid or args.read_annotations or args.write_edits):
        raise UserError("--pixels-only leaves out all judges, and another option asks for one")


def _write(directory: pathlib.Path, evaluation, differences, notes) -> None:
    """Writes the report and its page.

    Raises:
        UserError: if they cannot be written.
    """
    from ganimation_tf.evaluation import page, report
    from ganimation_tf.files import write_whole

    with as_user_error(f"--report {directory} cannot be written"):
        path = evaluation.report.write(directory)
        text = page.render(evaluation, differences, notes)
        write_whole(directory / report.PAGE, text.encode())
    print(f"wrote {path} and {directory / report.PAGE}")
