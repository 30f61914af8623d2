"""One photo animated and written."""

import functools
import pathlib
from collections.abc import Callable, Iterator

import numpy as np

from ganimation_tf.animation import driving, outputs
from ganimation_tf.animation.animator import Animator
from ganimation_tf.animation.compose import Edit
from ganimation_tf.animation.outputs import Output
from ganimation_tf.animation.pictures import to_picture
from ganimation_tf.animation.request import Request, Track, beside, untracked
from ganimation_tf.animation.subjects import Subject, subjects_of
from ganimation_tf.errors import UserError, counted

SWEEP_LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
MOST_SAID = 8
"""AUs in a line."""


def animate(
    path: pathlib.Path,
    output: Output,
    request: Request,
    animator: Animator,
    track: Track = untracked,
) -> tuple[str, list[str]]:
    """Animates one photo; returns a line that says what was written, and warnings.

    Args:
        track: how the frames are gone through: `progress.track` shows how far it is.

    Raises:
        UserError: naming the file and what is wrong.
    """
    photo = driving.read_photo(path)
    try:
        subjects, notes = subjects_of(path, photo, request, animator)
    except ValueError as error:
        raise error if isinstance(error, UserError) else UserError(f"{path}: {error}") from error
    first = subjects[0]
    ramp = output.kind in (outputs.SHEET, outputs.STILL)
    units, times = request.units(first.source, animator.action_units, ramp)

    def course(subject: Subject) -> np.ndarray:
        return request.units(subject.source, animator.action_units, ramp)[0]

    target = units[np.abs(units - first.source).sum(1).argmax()]
    origin = request.origin(animator, target)
    notes += [*out_of_range(animator, request, target), *outputs.too_fast(output, request.rate)]
    unit = f"frames of {path.name}"
    frames = track(_frames(photo, subjects, request, animator, course), len(units), unit)
    if output.kind == outputs.STILL:
        last = _frames(photo, subjects, request, animator, lambda subject: course(subject)[-1:])
        picture = output.fitted(next(last))
        outputs.write_picture(output.path, picture, origin)
        count, size = 1, (picture.shape[1], picture.shape[0])
    elif output.kind == outputs.SHEET:
        sheet = _sheet(photo, subjects, request, animator, output, units, frames, track)
        outputs.write_picture(output.path, sheet, origin)
        count = len(request.sweep) * len(SWEEP_LEVELS) or len(units)
        size = (sheet.shape[1], sheet.shape[0])
    else:
        count, size = outputs.write_animation(output, frames, request.rate, origin, times)
    changes = changes_in_words(request, animator, first.source, first.doubt, target)
    return (
        f"{output.path}: {counted(count, 'frame')}, {size[0]} x {size[1]} pixels; {changes}",
        notes,
    )


def _frames(
    photo,
    subjects: list[Subject],
    request: Request,
    animator: Animator,
    course: Callable[[Subject], np.ndarray],
) -> Iterator[np.ndarray]:
    """The photo with all subjects edited; `course` gives the AUs of each over time, (F, N)."""
    streams = [animator.edits(one.composer.crop, one.source, course(one)) for one in subjects]
    for edits in zip(*streams, strict=True):
        yield _frame(photo, subjects, edits, request)


def _frame(photo, subjects: list[Subject], edits: tuple[Edit, ...], request: Request):
    composer = subjects[0].composer
    if request.crop_only:
        shown = beside(to_picture(edits[0].image), composer, edits[0], request)
        return outputs.enlarge(shown, request.scale)
    frame = photo.copy()
    for subject, edit in zip(subjects, edits, strict=True):
        subject.composer.put_back(edit, onto=frame)
    return beside(frame, composer, edits[0], request)


def _sheet(photo, subjects, request: Request, animator, output: Output, units, frames, track):
    first = subjects[0]
    if request.sweep:
        return _sweep_sheet(photo, subjects, request, animator, output, track)
    crop = to_picture(first.composer.crop)
    source = outputs.enlarge(crop, request.scale) if request.crop_only else photo
    room = ((0, 0), (0, source.shape[1] * len(request.show)), (0, 0))  # where frames have maps
    source = output.fitted(np.pad(source, room, constant_values=255))
    frames = [output.fitted(frame) for frame in frames]
    names = animator.action_units
    named = [name for name in request.named() if name in names][:6]
    return outputs.sheet(source, frames, units, first.source, names, named)


def _sweep_sheet(photo, subjects, request: Request, animator: Animator, output: Output, track):
    def course(subject: Subject, name: str) -> np.ndarray:
        base = request.goal.target(subject.source, animator.action_units)
        units = np.repeat(base[None], len(SWEEP_LEVELS), 0)
        units[:, animator.action_units.index(name)] = SWEEP_LEVELS
        return units

    rows = []
    for name in track(request.sweep, len(request.sweep), "sweeps"):
        frames = _frames(photo, subjects, request, animator, functools.partial(course, name=name))
        rows.append([output.fitted(frame) for frame in frames])
    return outputs.sweep_sheet(rows, request.sweep, SWEEP_LEVELS)


def out_of_range(animator: Animator, request: Request, target: np.ndarray) -> list[str]:
    """A word on intensities that training hardly saw, where the model's card knows."""
    named = request.named()
    beyond = [said for name, said in animator.card.beyond(target).items() if name in named]
    if not beyond:
        return []
    return [f"{', '.join(beyond)}: the model guesses there; --clamp keeps to what it saw"]


def changes_in_words(
    request: Request,
    animator: Animator,
    source: np.ndarray,
    doubt: np.ndarray | None,
    target: np.ndarray,
) -> str:
    """`AU12 0.20 ±0.03 -> 0.80`, of the AUs that were asked for."""
    if request.sweep:
        return f"{' '.join(request.sweep)} from 0 to 1"
    asked = [n for n, name in enumerate(animator.action_units) if name in request.named()]
    shown = sorted(asked, key=lambda place: -abs(target[place] - source[place]))[:MOST_SAID]
    parts = []
    for place in sorted(shown):
        sure = "" if doubt is None or np.isnan(doubt[place]) else f" ±{doubt[place]:.2f}"
        change = f"{source[place]:.2f}{sure} -> {target[place]:.2f}"
        parts.append(f"{animator.action_units[place]} {change}")
    if len(asked) > len(shown):
        parts.append(f"and {len(asked) - len(shown)} that change less")
    return ", ".join(parts) or ("at rest" if request.goal.neutral else "as it is")
