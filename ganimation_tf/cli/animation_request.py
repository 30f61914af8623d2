"""What the flags of `ganimation animate` come to: inputs, outputs and a `Request`, checked."""

import argparse
import contextlib
import pathlib
from collections.abc import Iterator

from ganimation_tf.errors import UserError, as_user_error
from ganimation_tf.inputs import is_sidecar

SHOWN = ("attention", "color")


def inputs_of(args: argparse.Namespace) -> list[pathlib.Path]:
    """The files, those of folders in the order of their names; checks all that needs no file.

    Raises:
        UserError: naming the option, the rule and the value.
    """
    _check(args)
    from ganimation_tf.faces import images
    from ganimation_tf.media import video

    suffixes = (*images.SUFFIXES, *video.SUFFIXES)
    paths: list[pathlib.Path] = []
    for path in args.inputs:
        if not path.is_dir():
            if not path.exists():
                raise UserError(f"{path}: no such photo, video or folder")
            paths.append(path)
            continue
        named = (one for one in path.iterdir() if one.suffix.lower() in suffixes)
        inside = sorted(one for one in named if not is_sidecar(one.name))
        if not inside:
            raise UserError(f"{path}: the folder has no file ending in {', '.join(suffixes)}")
        paths += inside
    return paths


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
        ("--longest-side", args.longest_side, 16, 20_000),
    ):
        if value is not None and not low <= value <= high:  # also refuses NaN
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
    for name in shown_maps(args):
        if name not in SHOWN:
            raise UserError(f"--show takes {' and '.join(SHOWN)}, got {name!r}")


def shown_maps(args: argparse.Namespace) -> tuple[str, ...]:
    """The names in `--show`."""
    return tuple(args.show.split(",")) if args.show else ()


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
    if not target.name:
        raise UserError(f"-o {args.output} must name a file, or a directory that is made")
    side = args.longest_side
    if side is None and not args.crop_only and (side := outputs.LONGEST_SIDES.get(kind)):
        side *= 1 + len(shown_maps(args))
    return outputs.Output(target, kind, side)


@contextlib.contextmanager
def parent_of(path: pathlib.Path) -> Iterator[None]:
    """The directory that a result goes into, as long as something is written to it.

    Only its last part is made, and taken away if nothing has come into it.

    Raises:
        UserError: if it cannot be made.
    """
    parent = path.absolute().parent
    if parent.is_dir():
        yield
        return
    if not parent.parent.is_dir():
        raise UserError(f"{path.parent}: no such directory to write to")
    with as_user_error(f"{path.parent}: cannot be made"):
        parent.mkdir(exist_ok=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # it is not empty
            parent.rmdir()


def goal_of(args: argparse.Namespace, names: tuple[str, ...], strict: bool = True):
    """The `Expression` of `--au`, `--expression` and `--neutral`.

    Args:
        strict: False lets pass what only the model can tell.
    """
    from ganimation_tf import expression_parsing

    try:
        return expression_parsing.parse(
            args.au, args.expression, args.neutral or args.rest == "zero", names
        )
    except UserError:
        if strict or args.model is None:
            raise
        return None


def request_of(args: argparse.Namespace, animator, videos: bool):
    """All flags as a `Request`, in the words of the opened model.

    Args:
        videos: whether there is one among the inputs.
    """
    from ganimation_tf import expression_parsing
    from ganimation_tf.animation import driving, keyframes
    from ganimation_tf.animation.request import Request

    names = animator.action_units
    goal = goal_of(args, names)
    notes: list[str] = []
    if args.like:
        like = driving.read(args.like, animator)
        notes += like.notes
        goal = like.expression(0).then(goal)
    drive = driving.read(args.drive, animator).smoothed(args.smooth) if args.drive else None
    notes += drive.notes if drive else ()
    if drive is not None and len(drive.times) == 1:  # a photo, which is gone to and not played
        goal, drive = drive.expression(0).then(goal), None
    notes += _without_effect(args, videos, drive is not None)
    sweep: tuple[str, ...] = ()
    if args.sweep:
        sweep = names if args.sweep == "all" else (expression_parsing.canonical(args.sweep, names),)
    return Request(
        goal=goal,
        timeline=keyframes.read(args.keyframes, names) if args.keyframes else None,
        drive=drive,
        sweep=sweep,
        frames=args.frames or Request.frames,
        frames_per_second=args.fps or Request.frames_per_second,
        face=args.face,
        crop=args.crop,
        crop_only=args.crop_only,
        show=shown_maps(args),
        scale=args.scale,
        annotations=args.annotations,
        provenance=not args.no_provenance,
        clamp=dict(animator.card.intensity_ranges) if args.clamp else None,
        notes=tuple(notes),
    )


def _without_effect(args: argparse.Namespace, videos: bool, driven: bool) -> list[str]:
    """A word on each of `--frames` and `--fps` that is given where something else says it."""
    notes = []
    for name, given in (("--frames", args.frames), ("--fps", args.fps)):
        if given is None:
            continue
        if videos:
            notes.append(f"{name} is for photos; a video keeps its own frames and times")
        if driven:
            notes.append(f"{name} has no effect beside --drive, which brings its own times")
        elif args.keyframes and name == "--frames":
            notes.append(f"{name} has no effect beside --keyframes, which say how long it is")
    return notes
