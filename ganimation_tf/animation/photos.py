"""One photo animated and written."""

import dataclasses
import pathlib
from collections.abc import Iterator

import numpy as np

from ganimation_tf.animation import driving, outputs
from ganimation_tf.animation.animator import Animator
from ganimation_tf.animation.compose import Composer, Edit
from ganimation_tf.animation.outputs import Output
from ganimation_tf.animation.request import WHOLE, Request, beside, crop_picture
from ganimation_tf.errors import UserError
from ganimation_tf.faces import alignment, finding, images, sampling

SWEEP_LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
MOST_SAID = 8
"""AUs in a line."""

FEW_PIXELS = 20
"""Between the eyes: with fewer a face has hardly any features to move."""

MOSTLY_OUTSIDE = 0.35
"""Part of a crop that may lie outside of the photo before it is worth a word."""


@dataclasses.dataclass(frozen=True)
class _Subject:
    """A face of the photo and what it is to show.

    Attributes:
        composer: puts it back.
        source: float32 (N,), what it shows.
        doubt: float32 (N,), how unsure that is; None where an annotation says it.
    """

    composer: Composer
    source: np.ndarray
    doubt: np.ndarray | None


def animate(
    path: pathlib.Path, output: Output, request: Request, animator: Animator
) -> tuple[str, list[str]]:
    """Animates one photo; returns a line that says what was written, and warnings.

    Raises:
        UserError: naming the file and what is wrong.
    """
    photo = driving.read_photo(path)
    try:
        subjects, notes = _subjects(path, photo, request, animator)
    except ValueError as error:
        raise error if isinstance(error, UserError) else UserError(f"{path}: {error}") from error
    first = subjects[0]
    ramp = output.kind in (outputs.SHEET, outputs.STILL)
    units, rate = request.units(first.source, animator.action_units, ramp)
    target = units[np.abs(units - first.source).sum(1).argmax()]
    origin = request.origin(animator, target)
    notes += out_of_range(animator, request, target)
    if output.kind == outputs.STILL:
        picture = next(_frames(photo, subjects, request, animator, output.kind, last=True))
        outputs.write_picture(output.path, output.fitted(picture), origin)
        count, size = 1, (picture.shape[1], picture.shape[0])
    elif output.kind == outputs.SHEET:
        sheet = _sheet(photo, subjects, request, animator, output, units)
        outputs.write_picture(output.path, sheet, origin)
        count = len(request.sweep) * len(SWEEP_LEVELS) or len(units)
        size = (sheet.shape[1], sheet.shape[0])
    else:
        frames = _frames(photo, subjects, request, animator, output.kind)
        count, size = outputs.write_animation(output, frames, rate, origin)
    told = said(request, animator, first.source, first.doubt, target)
    return f"{output.path}: {count} frames, {size[0]} x {size[1]} pixels; {told}", notes


def _subjects(path, photo, request: Request, animator: Animator) -> tuple[list[_Subject], list]:
    notes = [f"{path}: the first of its pictures is taken"] if images.is_animated(path) else []
    if request.annotations is not None or request.crop == WHOLE:
        transform, source = _told(path, photo, request, animator)
        composers = [Composer(photo, transform, animator.card.crop)]
        sources = [source]
    else:
        found = animator.finder.find(photo)
        chosen = finding.choose(found, request.face, str(path))
        if len(found) > len(chosen):
            notes.append(
                f"{path}: {len(found)} faces were found, {len(chosen)} of them is animated; "
                "choose with --face all, --face NUMBER or --face X,Y"
            )
        notes += [
            f"{path}: a face has {face.between_eyes:.0f} pixels between its eyes; from "
            f"{FEW_PIXELS} the result is worth looking at"
            for face in chosen
            if face.between_eyes < FEW_PIXELS
        ]
        composers = [animator.composer(photo, face) for face in chosen]
        sources = [None] * len(chosen)
    subjects = []
    for composer, source in zip(composers, sources, strict=True):
        outside = sampling.outside_fraction(
            composer.transform, animator.image_size, photo.shape[:2]
        )
        if outside > MOSTLY_OUTSIDE:
            notes.append(f"{path}: {outside:.0%} of the face's surroundings lie outside the photo")
        doubt = None
        if source is None:
            source = animator.estimate_crop(composer.crop)
            doubt = animator.doubt(composer.crop, source)
        subjects.append(_Subject(composer, source, doubt))
    return subjects, notes


def _told(path, photo, request: Request, animator: Animator):
    """The crop's transform, and the AUs if an annotation has them, else None."""
    height, width = photo.shape[:2]
    if request.annotations is None:
        return centre_square(height, width, animator.image_size), None
    from ganimation_tf.annotations.photo import face_in

    face = face_in(request.annotations, pathlib.Path(path))
    if face.landmarks is None:
        raise UserError(
            f"{request.annotations}: has no landmarks; without --annotations the face is found in "
            "the photo itself"
        )
    anchors = alignment.anchors_from_landmarks(face.landmarks)
    if (anchors < 0).any() or (anchors > [width, height]).any():
        raise UserError(
            f"{request.annotations}: eyes and mouth must lie in the photo of "
            f"{width} x {height} pixels, got {anchors.round().astype(int).tolist()}"
        )
    try:
        table = driving.from_table(request.annotations, animator.action_units)
    except UserError:
        return alignment.crop_transform(anchors, animator.card.crop), None
    # Of several rows, several faces, it is not known here which one was chosen.
    whole = len(table.units) == 1 and len(table.named) == len(animator.action_units)
    source = table.units[0] if whole else None
    return alignment.crop_transform(anchors, animator.card.crop), source


def centre_square(height: int, width: int, size: int) -> np.ndarray:
    """(2, 3), crop pixel -> pixel of the largest square in the middle of a photo."""
    side = min(height, width)
    scale = side / size
    # Pixel centres: photo = (crop + 0.5) * scale - 0.5, from the corner of the square.
    shift = 0.5 * scale - 0.5
    left, top = (width - side) / 2, (height - side) / 2
    return np.array([[scale, 0.0, left + shift], [0.0, scale, top + shift]])


def _frames(
    photo, subjects: list[_Subject], request: Request, animator: Animator, kind, last: bool = False
) -> Iterator[np.ndarray]:
    ramp = kind in (outputs.SHEET, outputs.STILL)
    streams = []
    for subject in subjects:
        units, _ = request.units(subject.source, animator.action_units, ramp)
        units = units[-1:] if last else units
        streams.append(animator.edits(subject.composer.crop, subject.source, units))
    for edits in zip(*streams, strict=True):
        yield _frame(photo, subjects, edits, request)


def _frame(photo, subjects: list[_Subject], edits: tuple[Edit, ...], request: Request):
    composer = subjects[0].composer
    if request.crop_only:
        frame = outputs.enlarge(crop_picture(edits[0]), request.scale)
        shown = beside(crop_picture(edits[0]), composer, edits[0], request)
        return outputs.enlarge(shown, request.scale) if request.show else frame
    frame = photo.copy()
    for subject, edit in zip(subjects, edits, strict=True):
        subject.composer.put_back(edit, onto=frame)
    return beside(frame, composer, edits[0], request)


def _sheet(photo, subjects, request: Request, animator: Animator, output: Output, units):
    first = subjects[0]
    if request.sweep:
        return _sweep_sheet(photo, subjects, request, animator, output)
    frames = [
        output.fitted(frame) for frame in _frames(photo, subjects, request, animator, outputs.SHEET)
    ]
    crop = np.rint(first.composer.crop * 255).astype(np.uint8)
    source = outputs.enlarge(crop, request.scale) if request.crop_only else output.fitted(photo)
    if request.show:
        blank = np.full((source.shape[0], frames[0].shape[1], 3), 255, np.uint8)
        blank[:, : source.shape[1]] = source[:, : blank.shape[1]]
        source = outputs.fit(blank, max(frames[0].shape[:2]))
    names = animator.action_units
    named = [name for name in request.named() if name in names][:6]
    return outputs.sheet(source, frames, units, first.source, names, named)


def _sweep_sheet(photo, subjects, request: Request, animator: Animator, output: Output):
    rows = []
    names = list(animator.action_units)
    for name in request.sweep:
        streams = []
        for subject in subjects:
            base = request.goal.target(subject.source, animator.action_units)
            units = np.repeat(base[None], len(SWEEP_LEVELS), 0)
            units[:, names.index(name)] = SWEEP_LEVELS
            streams.append(animator.edits(subject.composer.crop, subject.source, units))
        rows.append(
            [
                output.fitted(_frame(photo, subjects, edits, request))
                for edits in zip(*streams, strict=True)
            ]
        )
    return outputs.sweep_sheet(rows, request.sweep, SWEEP_LEVELS)


def out_of_range(animator: Animator, request: Request, target: np.ndarray) -> list[str]:
    """A word on intensities that training hardly saw, where the model's card knows."""
    ranges = animator.card.intensity_ranges
    beyond = [
        f"{name}={target[place]:.2f} (training saw {low:.2f} to {high:.2f})"
        for place, name in enumerate(animator.action_units)
        if name in request.named() and name in ranges
        for low, high in [ranges[name]]
        if not low - 1e-6 <= target[place] <= high + 1e-6
    ]
    if not beyond:
        return []
    return [f"{', '.join(beyond)}: the model guesses there; --clamp keeps to what it saw"]


def said(
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
    told = sorted(asked, key=lambda place: -abs(target[place] - source[place]))[:MOST_SAID]
    parts = []
    for place in sorted(told):
        sure = "" if doubt is None else f" ±{doubt[place]:.2f}"
        change = f"{source[place]:.2f}{sure} -> {target[place]:.2f}"
        parts.append(f"{animator.action_units[place]} {change}")
    if len(asked) > len(told):
        parts.append(f"and {len(asked) - len(told)} that change less")
    return ", ".join(parts) or ("at rest" if request.goal.neutral else "as it is")
