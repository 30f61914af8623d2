"""The flags of `ganimation animate`, and what they come to."""

import argparse
import pathlib

from ganimation_tf.cli import connection
from ganimation_tf.errors import UserError

SHOWN = ("attention", "color")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument(
        "inputs", type=pathlib.Path, nargs="+", metavar="INPUT", help="photo, video or folder"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="OUT.gif, .webp, .mp4, OUT.png: a contact sheet, DIR/: a PNG sequence; of several "
        "inputs {name} stands for the input's name",
    )
    parser.add_argument("--still", action="store_true", help="one edited picture, .png or .jpg")
    _configure_expression(parser)
    _configure_course(parser)
    _configure_face(parser)
    model = parser.add_argument_group("model", "without any of these, the weights that ship")
    model.add_argument(
        "--model", type=pathlib.Path, metavar="PATH", help="a run, its .keras file, or an export"
    )
    connection.configure(parser, model, default_server=None, name_flag="--model-name")
    parser.add_argument(
        "--no-provenance",
        action="store_true",
        help="leave out the statement in the file's metadata that it is synthetic media",
    )


def _configure_expression(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "expression", "what is not said stays as the face has it; these can be combined"
    )
    group.add_argument(
        "--au",
        action="append",
        default=[],
        metavar="NAME=INTENSITY",
        help="AU12=0.8, or AU12+=0.4 and AU04-=0.2 from what the face shows; several times",
    )
    group.add_argument(
        "--expression",
        action="append",
        default=[],
        metavar="NAME[:AMOUNT]",
        help="fear or fear:0.7; `ganimation expressions` lists them",
    )
    group.add_argument("--neutral", action="store_true", help="every AU to 0 first")
    group.add_argument("--rest", choices=("source", "zero"), help=argparse.SUPPRESS)
    group.add_argument("--like", type=pathlib.Path, metavar="PHOTO", help="as the face in PHOTO")
    group.add_argument(
        "--clamp", action="store_true", help="keep intensities within what training saw"
    )


def _configure_course(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("course", "what changes over time")
    what = group.add_mutually_exclusive_group()
    what.add_argument("--sweep", metavar="AU", help="one AU from 0 to 1, or `all`, one by one")
    what.add_argument(
        "--keyframes",
        type=pathlib.Path,
        metavar="FILE",
        help="JSON or CSV with expressions by time",
    )
    what.add_argument(
        "--drive",
        type=pathlib.Path,
        metavar="FILE",
        help="a CSV of AUs, or a video or photo whose AUs are read",
    )
    group.add_argument("--frames", type=int, default=16, help="number of frames, 2 to 2400")
    group.add_argument("--fps", type=float, default=12.5, help="frames per second, 1 to 120")
    group.add_argument(
        "--smooth",
        type=float,
        default=1.0,
        help="frames over which driven AUs are averaged; 0 leaves them",
    )


def _configure_face(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("face")
    group.add_argument(
        "--face", default="largest", help="largest, all, a number from 1, or X,Y in pixels"
    )
    where = group.add_mutually_exclusive_group()
    where.add_argument(
        "--annotations",
        type=pathlib.Path,
        metavar="CSV",
        help="OpenFace CSV of the photo: where the face is and which AUs it shows",
    )
    where.add_argument(
        "--crop",
        choices=("detect", "whole"),
        default="detect",
        help="find the face, or take the photo's centre square for it",
    )
    group.add_argument("--crop-only", action="store_true", help="write the face crop alone")
    group.add_argument("--full-photo", action="store_true", help=argparse.SUPPRESS)
    group.add_argument(
        "--scale", type=int, default=1, help="with --crop-only: as many times as large, 1 to 16"
    )
    group.add_argument(
        "--longest-side",
        type=int,
        metavar="PIXELS",
        help="reduce what is written to this; left out: 640 for GIF, 720 for WebP, 256 for each "
        "picture of a sheet, the photo's own otherwise",
    )
    group.add_argument(
        "--show", metavar="MAPS", help="beside each frame: attention, color, or both with a comma"
    )


def inputs_of(args: argparse.Namespace) -> list[pathlib.Path]:
    """The files, those of folders in the order of their names; checks all that needs no file.

    Raises:
        UserError: naming the option, the rule and the value.
    """
    _check(args)
    from ganimation_tf.faces import images
    from ganimation_tf.media import video

    suffixes = (*images.SUFFIXES, *video.SUFFIXES, ".gif")
    found: list[pathlib.Path] = []
    for path in args.inputs:
        if not path.is_dir():
            if not path.exists():
                raise UserError(f"{path}: no such photo, video or folder")
            found.append(path)
            continue
        inside = sorted(one for one in path.iterdir() if one.suffix.lower() in suffixes)
        if not inside:
            raise UserError(f"{path}: the folder has no file ending in {', '.join(suffixes)}")
        found += inside
    return found


def _check(args: argparse.Namespace) -> None:
    if args.output is None:
        old = args.inputs[-1] if len(args.inputs) > 1 else pathlib.Path("OUT.gif")
        shown = " ".join(str(path) for path in args.inputs[:-1] or args.inputs)
        raise UserError(f"the output is named by -o: ganimation animate {shown} -o {old}")
    for name, value, low, high in (
        ("--frames", args.frames, 2, 2400),
        ("--scale", args.scale, 1, 16),
        ("--fps", args.fps, 1, 120),
        ("--smooth", args.smooth, 0, 100),
        ("--longest-side", args.longest_side or 64, 16, 20_000),
    ):
        if not low <= value <= high:  # also refuses NaN
            raise UserError(f"{name} must be in [{low}, {high}], got {value}")
    _check_combinations(args)


def _check_combinations(args: argparse.Namespace) -> None:
    if args.model is not None and args.server is not None:
        raise UserError("--model and --server name two models; give one of them")
    if args.scale != 1 and not args.crop_only:
        raise UserError("--scale enlarges a crop; give --crop-only with it")
    if args.crop_only and args.full_photo:
        raise UserError("--crop-only and --full-photo contradict each other")
    if args.still and (args.sweep or args.keyframes or args.drive):
        raise UserError("--still writes one picture; --sweep, --keyframes and --drive need several")
    if args.face != "largest" and (args.annotations or args.crop == "whole"):
        raise UserError("--face chooses among the faces that are found; leave --annotations out")
    goal = args.au or args.expression or args.neutral or args.like or args.rest == "zero"
    if not (goal or args.sweep or args.keyframes or args.drive):
        raise UserError(
            "nothing would change: give --au NAME=INTENSITY, --expression NAME, --neutral, "
            "--like, --sweep, --keyframes or --drive"
        )
    for name in (args.show or "").split(",") if args.show else ():
        if name not in SHOWN:
            raise UserError(f"--show takes {' and '.join(SHOWN)}, got {name!r}")


def output_of(args: argparse.Namespace, path: pathlib.Path, count: int):
    """Where the result of this input goes.

    Raises:
        UserError: if the output cannot be that of several inputs, or of none.
    """
    from ganimation_tf.animation import outputs

    named = args.output.replace("{name}", path.stem)
    kind = outputs.kind_of(named, args.still)
    target = pathlib.Path(named)
    into_directory = kind == outputs.SEQUENCE or not target.suffix or target.is_dir()
    if count > 1 and named == args.output:
        if not into_directory:
            raise UserError(
                f"{count} inputs need an output each: -o DIR/, or {{name}} in "
                f"{target.with_name('{name}' + target.suffix)}"
            )
        target = target / path.stem
    elif kind == outputs.STILL and into_directory:
        target = target / path.stem
    if kind == outputs.STILL and into_directory:
        target = target.with_name(target.name + ".png")
    side = args.longest_side or outputs.LONGEST_SIDES.get(kind)
    return outputs.Output(target, kind, None if args.crop_only and not args.longest_side else side)


def make_parent(path: pathlib.Path) -> None:
    """The directory that a result goes into; only its last part is made.

    Raises:
        UserError: if it cannot be.
    """
    parent = path.absolute().parent
    if parent.is_dir():
        return
    if not parent.parent.is_dir():
        raise UserError(f"{path.parent}: no such directory to write to")
    try:
        parent.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"{path.parent}: cannot be made: {error.strerror}") from error


def goal_of(args: argparse.Namespace, names: tuple[str, ...], strict: bool = True):
    """The `Expression` of `--au`, `--expression` and `--neutral`.

    Args:
        strict: False lets pass what only the model can tell.
    """
    from ganimation_tf import expressions

    try:
        return expressions.parse(
            args.au, args.expression, args.neutral or args.rest == "zero", names
        )
    except UserError:
        if strict or args.model is None:
            raise
        return None


def request_of(args: argparse.Namespace, animator):
    """All flags as a `Request`, in the words of the opened model."""
    from ganimation_tf import expressions
    from ganimation_tf.animation import driving, timeline
    from ganimation_tf.animation.request import Request

    names = animator.action_units
    goal = goal_of(args, names)
    if args.like:
        goal = driving.read(args.like, animator).expression(0).then(goal)
    drive = driving.read(args.drive, animator).smoothed(args.smooth) if args.drive else None
    if drive is not None and len(drive.times) == 1:  # a photo, which is gone to and not played
        goal, drive = drive.expression(0).then(goal), None
    sweep: tuple[str, ...] = ()
    if args.sweep:
        sweep = names if args.sweep == "all" else (expressions.canonical(args.sweep, names),)
    return Request(
        goal=goal,
        timeline=timeline.read(args.keyframes, names) if args.keyframes else None,
        drive=drive,
        sweep=sweep,
        frames=args.frames,
        frames_per_second=args.fps,
        face=args.face,
        crop=args.crop,
        crop_only=args.crop_only,
        show=tuple(args.show.split(",")) if args.show else (),
        scale=args.scale,
        annotations=args.annotations,
        provenance=not args.no_provenance,
        clamp=dict(animator.card.intensity_ranges) if args.clamp else None,
    )
