"""What the studio's page works on: one photo, its faces, and what was asked of them."""

import dataclasses
import pathlib
import tempfile
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganimation_tf import expressions
from ganimation_tf.animation import outputs
from ganimation_tf.animation import timeline as timelines
from ganimation_tf.animation.animator import Animator
from ganimation_tf.animation.compose import Composer, Edit
from ganimation_tf.animation.outputs import Output
from ganimation_tf.animation.timeline import KeyFrame, Timeline
from ganimation_tf.errors import MALFORMED, UserError, as_user_error
from ganimation_tf.faces import images
from ganimation_tf.media.provenance import Provenance
from serving.studio import regions

VIEW_SIDE = 720
"""Longest side in pixels of what the page shows; files have the photo's own."""

PHOTOS = 4
"""Kept at a time; the oldest goes."""

FRAMES_PER_SECOND = 12.5
KINDS = {"png": outputs.STILL, "gif": outputs.GIF, "webp": outputs.WEBP, "mp4": outputs.MP4}


@dataclasses.dataclass(frozen=True)
class Subject:
    """A face of a photo.

    Attributes:
        view, full: put it back into the reduced and into the whole photo.
        source, doubt: float32 (N,), what it shows, and how unsure that is.
    """

    view: Composer
    full: Composer
    source: np.ndarray
    doubt: np.ndarray


class Studio:
    """One model, and the photos that the page has brought; threads take turns.

    Args:
        model_flags: how the command line names this model.
    """

    def __init__(self, animator: Animator, model_flags: str = ""):
        self._animator = animator
        self._model_flags = model_flags
        self._photos: dict[int, list[Subject]] = {}
        self._lock = threading.Lock()
        self._count = 0

    def describe(self) -> dict[str, Any]:
        """What the page needs to know of the model."""
        card = self._animator.card
        named = {
            name: {au: value for au, value in units.items() if au in self._animator.action_units}
            for name, units in expressions.EXPRESSIONS.items()
        }
        return {
            "model": f"{card.model_name} {card.version}",
            "flags": self._model_flags,
            "size": card.crop.size,
            "regions": regions.grouped(self._animator.action_units),
            "expressions": named,
            "easings": list(timelines.EASINGS),
        }

    def open(self, encoded: bytes) -> dict[str, Any]:
        """Takes a photo; returns its number and what its faces show, the largest first.

        Raises:
            UserError: if it is no picture or has no face.
        """
        with as_user_error("the photo cannot be used", images.ImageError):
            photo = images.decode(encoded)
        with self._lock:
            faces = self._animator.find(photo, "all", "the photo")
            view = outputs.fit(photo, VIEW_SIDE)
            scale = view.shape[1] / photo.shape[1]
            subjects = []
            for face in faces:
                full = self._animator.composer(photo, face)
                source = self._animator.estimate_crop(full.crop)
                doubt = self._animator.doubt(full.crop, source)
                subjects.append(Subject(full.onto(view), full, source, doubt))
            self._count += 1
            number = self._count
            self._photos[number] = subjects
            while len(self._photos) > PHOTOS:
                del self._photos[min(self._photos)]
        return {
            "photo": number,
            "width": view.shape[1],
            "height": view.shape[0],
            "faces": [
                self._shown(one, face.box * scale)
                for one, face in zip(subjects, faces, strict=True)
            ],
        }

    def _shown(self, subject: Subject, box: np.ndarray) -> dict[str, Any]:
        names = self._animator.action_units
        return {
            "box": np.round(box, 1).tolist(),
            "source": dict(zip(names, np.round(subject.source, 3).tolist(), strict=True)),
            "doubt": dict(zip(names, np.round(subject.doubt, 3).tolist(), strict=True)),
        }

    def edit(self, request: Mapping[str, Any]) -> bytes:
        """A JPEG of the photo as the page asks for it: `photo`, `face`, `aus`, `show`.

        Raises:
            UserError: if there is no such photo or AU.
        """
        subject = self._subject(request)
        target = self._target(subject, request.get("aus", {}))
        with self._lock:
            (edit,) = self._animator.render(
                subject.full.crop[None], subject.source[None], target[None]
            )
        picture = self._overlaid(subject.view, edit, request.get("show", "result"))
        return images.encode_jpeg(picture, quality=90)

    def _overlaid(self, composer: Composer, edit: Edit, show: str) -> np.ndarray:
        picture = composer.put_back(edit)
        if show != "attention":
            return picture
        painted = 1 - composer.mask(edit.attention, outside=1.0)
        tint = np.array([255, 60, 0], np.float32)
        return np.rint(picture * (1 - 0.7 * painted) + tint * 0.7 * painted).astype(np.uint8)

    def save(self, request: Mapping[str, Any]) -> tuple[bytes, str]:
        """A file of the animation or of one picture, and its kind.

        `kind` is png, gif, webp or mp4; `preview` makes it small; `keyframes` are objects with
        `time`, `aus` and `easing`, without which an animation goes there and back.
        """
        kind = request.get("kind")
        if kind not in KINDS:
            raise UserError(f"a file is one of {', '.join(KINDS)}, got {kind!r}")
        subject = self._subject(request)
        composer = subject.view if request.get("preview") else subject.full
        target = self._target(subject, request.get("aus", {}))
        origin = Provenance.of(self._animator.card, target)
        side = outputs.LONGEST_SIDES.get(KINDS[kind])
        with tempfile.TemporaryDirectory() as scratch, self._lock:
            path = pathlib.Path(scratch) / f"studio.{kind}"
            output = Output(path, KINDS[kind], side)
            if kind == "png":
                (picture,) = self._frames(subject, composer, target[None])
                outputs.write_picture(path, picture, origin)
            else:
                units = self._units(subject, request, target)
                frames = self._frames(subject, composer, units)
                outputs.write_animation(output, frames, FRAMES_PER_SECOND, origin)
            return path.read_bytes(), kind

    def _frames(self, subject: Subject, composer: Composer, units: np.ndarray):
        edits = self._animator.edits(subject.full.crop, subject.source, units)
        return map(composer.put_back, edits)

    def _units(self, subject: Subject, request: Mapping[str, Any], target: np.ndarray):
        rows = request.get("keyframes") or []
        names = self._animator.action_units
        if rows:
            frames = tuple(
                KeyFrame(
                    float(row["time"]),
                    self._animator.expression(_numbers(row.get("aus", {}))),
                    str(row.get("easing", "ease")),
                )
                for row in rows
            )
            course = Timeline(frames)
        else:
            goal = self._animator.expression(dict(zip(names, target.tolist(), strict=True)))
            count = round(2 * FRAMES_PER_SECOND)
            course = timelines.there_and_back(goal, count, FRAMES_PER_SECOND)
        return course.units(subject.source, names, course.times(FRAMES_PER_SECOND))

    def _subject(self, request: Mapping[str, Any]) -> Subject:
        try:
            subjects = self._photos[int(request["photo"])]
        except MALFORMED:
            raise UserError("this photo is not open any more; choose it again") from None
        face = request.get("face", 0)
        if face not in range(len(subjects)):
            raise UserError(f"face must be in [0, {len(subjects) - 1}], got {face!r}")
        return subjects[int(face)]

    def _target(self, subject: Subject, aus: Mapping[str, Any]) -> np.ndarray:
        goal = self._animator.expression(_numbers(aus))
        return goal.target(subject.source, self._animator.action_units)


def _numbers(aus: Mapping[str, Any]) -> dict[str, float]:
    """AUs as the page sends them.

    Raises:
        UserError: if one is no number.
    """
    try:
        return {str(name): float(value) for name, value in aus.items()}
    except MALFORMED:
        raise UserError(f"AUs must be numbers by name, got {aus!r}") from None
