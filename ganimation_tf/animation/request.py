"""What is to be done with each input of `ganimation animate`, already checked."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterable

import numpy as np

from ganimation_tf.animation import timeline as timelines
from ganimation_tf.animation.animator import Animator
from ganimation_tf.animation.compose import Composer, Edit
from ganimation_tf.animation.driving import Drive
from ganimation_tf.animation.pictures import to_picture
from ganimation_tf.animation.timeline import Timeline
from ganimation_tf.expressions import Expression
from ganimation_tf.media.provenance import Provenance

DETECT, WHOLE = "detect", "whole"
SHOWN = ("attention", "color")


@dataclasses.dataclass(frozen=True)
class Request:
    """What faces are to show, where, and how frames are made of it.

    Attributes:
        goal: the expression; with `timeline`, `drive` or `sweep` it is what they start from.
        timeline: key frames, or None.
        drive: AUs of something else, or None.
        sweep: AUs that are shown one by one, or none.
        frames: how many, where nothing else says it.
        frames_per_second: of what is written.
        face: as `finding.choose`.
        crop: `DETECT`, or `WHOLE`: the centre square is the face.
        crop_only: whether only the face crop is written.
        show: maps beside each frame, of `SHOWN`.
        scale: how many times as large frames of a crop are.
        annotations: an annotator's file about the photo, or None.
        provenance: whether the statement is written.
        clamp: (lowest, highest) intensity by AU that may be asked for, or None.
        notes: what the user should know of how it was read, in sentences.
    """

    goal: Expression
    timeline: Timeline | None = None
    drive: Drive | None = None
    sweep: tuple[str, ...] = ()
    frames: int = 16
    frames_per_second: float = 12.5
    face: str = "largest"
    crop: str = DETECT
    crop_only: bool = False
    show: tuple[str, ...] = ()
    scale: int = 1
    annotations: pathlib.Path | None = None
    provenance: bool = True
    clamp: dict[str, tuple[float, float]] | None = None
    notes: tuple[str, ...] = ()

    def named(self) -> list[str]:
        """The AUs that are asked for, each once."""
        names = list(self.sweep)
        names += self.timeline.named() if self.timeline else []
        names += self.drive.named if self.drive else []
        return list(dict.fromkeys([*self.goal.named(), *names]))

    def units(
        self, source: np.ndarray, names: tuple[str, ...], ramp: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """The AUs of a photo's frames, float32 (F, N), and when each is shown, (F,) in seconds.

        Args:
            source: float (N,), what the face shows.
            ramp: whether nothing but going there is asked for, as on a contact sheet.
        """
        base, rate = self.goal.target(source, names), self.rate
        if self.drive is not None:
            times = self.drive.times
            return self.clamped(self.drive.onto(base, times), names), times
        if self.timeline is not None:
            course = self.timeline
        elif self.sweep:
            course = timelines.sweep(self.sweep, self.frames, rate)
        elif ramp:
            course, base = timelines.there(self.goal, (self.frames - 1) / rate), source
        else:
            course, base = timelines.there_and_back(self.goal, self.frames, rate), source
        times = course.times(rate)
        return self.clamped(course.units(base, names, times), names), times

    def moments(self) -> np.ndarray:
        """(F,) seconds among which is the one at which most is asked: between them it is less."""
        if self.drive is not None:
            return self.drive.times
        if self.timeline is not None:
            return np.array([frame.time for frame in self.timeline.frames])
        return np.zeros(1)

    @property
    def rate(self) -> float:
        """How many frames of a photo are shown in a second, in the mean."""
        return self.drive.frames_per_second if self.drive else self.frames_per_second

    def clamped(self, units: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
        """The AUs within what the model saw in training, where that is asked for."""
        if not self.clamp:
            return units
        low = np.array([self.clamp.get(name, (0.0, 1.0))[0] for name in names], np.float32)
        high = np.array([self.clamp.get(name, (0.0, 1.0))[1] for name in names], np.float32)
        return np.clip(units, low, high)

    def origin(self, animator: Animator, target: np.ndarray) -> Provenance | None:
        """The statement that goes into the files."""
        return Provenance.of(animator.card, target) if self.provenance else None


Track = Callable[[Iterable, int, str], Iterable]
"""As `progress.track`."""


def untracked(frames: Iterable, total: int, unit: str) -> Iterable:
    """A `Track` that shows nothing."""
    return frames


def beside(frame: np.ndarray, composer: Composer, edit: Edit, request: Request) -> np.ndarray:
    """The frame with the maps that are to be shown, from left to right."""
    if not request.show:
        return frame
    maps = {"attention": edit.attention, "color": edit.color}
    pictures = [frame]
    for name in request.show:
        values = maps[name]
        if not request.crop_only:
            values = composer.mask(values, outside=1.0)
        grey = to_picture(values)
        pictures.append(np.broadcast_to(grey, (*grey.shape[:2], 3)))
    return np.concatenate(pictures, axis=1)
