"""`ganimation animate`."""

import argparse
import logging
import pathlib
import sys

from ganimation_tf import progress
from ganimation_tf.cli import animation_flags, animation_request, connection
from ganimation_tf.errors import GanimationError, UserError, reason

HELP = "give the faces of photos and videos another expression"
EXAMPLE = "ganimation animate face.jpg -o smile.gif --au AU12=1 --au AU06=0.6"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the animation_request."""
    animation_flags.configure(parser)


def run(args: argparse.Namespace) -> int:
    """Writes what was asked for; returns 0, or 2 if an input could not be used."""
    inputs = animation_request.inputs_of(args)
    plan = [(path, animation_request.output_of(args, path, len(inputs))) for path in inputs]
    _check_outputs(plan, (args.drive, args.like, args.annotations, args.keyframes))
    from ganimation_tf import expression_parsing
    from ganimation_tf.media import video

    if args.server is None:  # known AUs can be checked before anything is loaded
        animation_request.goal_of(args, tuple(expression_parsing.DESCRIPTIONS), strict=False)
    log = logging.getLogger(__name__)
    if args.model or args.server:
        log.info("loading %s", args.model or args.server)
    with open_animator(args) as animator:
        moving = any(map(video.is_video, inputs))
        request = animation_request.request_of(args, animator, moving)
        for note in request.notes:
            print(f"ganimation animate: warning: {note}", file=sys.stderr)
        return _run_all(plan, request, animator)


def open_animator(args: argparse.Namespace):
    """The `Animator` that `--model`, `--server` or neither names.

    Raises:
        UserError: if it cannot be had, or a flag is about a server and none is named.
    """
    from ganimation_tf.animation.animator import Animator

    if args.server is not None:
        from ganimation_tf.animation import models

        return Animator(models.open_server(connection.open_client(args)))
    if given := connection.given(args):
        raise UserError(f"{given[0]} is about a server; it goes with --server HOST:PORT")
    if args.model is not None:
        from ganimation_tf.animation import models

        return Animator(models.open_model(args.model))
    return Animator.pretrained()


def _check_outputs(plan, read) -> None:
    """Refuses an output that is an input or another file to be read, or is written twice."""
    inputs = {path.resolve() for path in (*(path for path, _ in plan), *filter(None, read))}
    seen: set[pathlib.Path] = set()
    for path, output in plan:
        target = output.path.resolve()
        if target in inputs:
            raise UserError(
                f"{output.path} is an input and would be overwritten; choose another -o"
            )
        if target in seen:
            raise UserError(f"two inputs would be written as {output.path}, {path} among them")
        seen.add(target)


def _run_all(plan, request, animator) -> int:
    failures: list[str] = []
    for number, (path, output) in enumerate(plan, 1):
        place = f"{number}/{len(plan)} " if len(plan) > 1 else ""
        try:
            line, notes = _one(path, output, request, animator)
        except (GanimationError, OSError) as error:
            if len(plan) == 1:
                raise
            message = f"{path}: {reason(error)}" if isinstance(error, OSError) else str(error)
            message = " ".join(message.split())
            print(f"ganimation animate: {place}{message}", file=sys.stderr)
            failures.append(message)
            continue
        for note in notes:
            print(f"ganimation animate: warning: {note}", file=sys.stderr)
        print(f"{place}{line}", flush=True)
    if len(plan) > 1:
        print(f"{len(plan) - len(failures)} of {len(plan)} inputs animated")
    return 2 if failures else 0


def _one(path, output, request, animator) -> tuple[str, list[str]]:
    from ganimation_tf.animation import photos, videos
    from ganimation_tf.media import video

    animate = videos.animate if video.is_video(path) else photos.animate
    with animation_request.parent_of(output.path):
        return animate(path, output, request, animator, progress.track)
