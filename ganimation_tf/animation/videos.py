"""One video whose faces are given expressions, frame by frame."""

import pathlib
from collections.abc import Iterable, Iterator

import numpy as np

from ganimation_tf.animation import outputs
from ganimation_tf.animation.animator import Animator
from ganimation_tf.animation.outputs import Output
from ganimation_tf.animation.photos import out_of_range
from ganimation_tf.animation.request import WHOLE, Request, Track, beside, untracked
from ganimation_tf.animation.tracking import Tracker
from ganimation_tf.errors import UserError
from ganimation_tf.media.video_reader import VideoReader

STEADINESS = 0.6
"""How much of the last reading of a face's own AUs stays in the next: readings tremble."""


def animate(
    path: pathlib.Path,
    output: Output,
    request: Request,
    animator: Animator,
    track: Track = untracked,
) -> tuple[str, list[str]]:
    """Edits one video; returns a line that says what was written, and warnings.

    Frames without a face stay as they are. Frame times and sound stay in an MP4.

    Args:
        track: how the frames are gone through: `progress.track` shows how far it is.

    Raises:
        UserError: naming the file and what is wrong.
    """
    if output.kind not in (outputs.MP4, outputs.GIF, outputs.WEBP, outputs.SEQUENCE):
        raise UserError(f"{path}: a video becomes .mp4, .gif, .webp or DIR/, got {output.path}")
    if request.crop_only or request.annotations:
        raise UserError(f"{path}: --crop-only and --annotations are for photos")
    if request.sweep or request.crop == WHOLE:
        raise UserError(f"{path}: --sweep and --crop whole are for photos")
    with VideoReader(path) as reader:
        job = _Job(animator, request)
        times: list[float] = []
        tracked = track(reader.frames(), reader.promised, f"frames of {path.name}")
        frames = job.edited_frames(tracked, times)
        target = job.strongest(reader.seconds)
        count, size = outputs.write_animation(
            output,
            frames,
            reader.frames_per_second,
            request.origin(animator, target),
            times=_as_they_come(times),
            sound_of=path if reader.has_audio else None,
        )
    notes = [*reader.notes, *out_of_range(animator, request, target)]
    notes += outputs.too_fast(output, reader.frames_per_second)
    if not job.edited:
        notes.append(f"{path}: no face was found in {count} frames; they are as they were")
    seen = f"a face in {job.edited} of {count} frames"
    return f"{output.path}: {count} frames, {size[0]} x {size[1]} pixels; {seen}", notes


def _as_they_come(times: list[float]) -> Iterator[float]:
    """Each frame's time, which is there once the frame is."""
    place = 0
    while True:
        yield times[place]
        place += 1


class _Job:
    """Goes through a video.

    Attributes:
        edited: frames with a face so far.
    """

    def __init__(self, animator: Animator, request: Request):
        self._animator, self._request = animator, request
        self._tracker = Tracker(animator.finder, request.face)
        self._steady: dict[int, np.ndarray] = {}
        self.edited = 0

    def edited_frames(
        self, frames: Iterable[tuple[float, np.ndarray]], times: list[float]
    ) -> Iterator[np.ndarray]:
        """Of frames with their times, which are appended to `times` first."""
        for time, frame in frames:
            times.append(time)
            yield self._edited(time, frame)

    def _edited(self, time: float, frame: np.ndarray) -> np.ndarray:
        edited, shown = frame.copy(), None
        faces = self._tracker.step(frame)
        for place, face in faces:
            composer = self._animator.composer(frame, face)
            source = self._animator.estimate_crop(composer.crop)
            calm = self._steady.get(place, source)
            calm = self._steady[place] = STEADINESS * calm + (1 - STEADINESS) * source
            target = self._targets(np.array([time]), calm)
            (edit,) = self._animator.render(composer.crop[None], calm[None], target)
            composer.put_back(edit, onto=edited)
            shown = shown or (composer, edit)
        if faces:
            self.edited += 1
        if not self._request.show:
            return edited
        if shown is None:
            return np.concatenate(
                [edited, *[np.full_like(edited, 255)] * len(self._request.show)], 1
            )
        return beside(edited, *shown, self._request)

    def strongest(self, seconds: float) -> np.ndarray:
        """float32 (N,): what is asked of a face at rest at the moment at which it is most.

        As of a photo the frame that is furthest from it; faces of a video differ, and none is at
        hand before it is read.

        Args:
            seconds: the length of the video; 0: nobody knows, and all that could be asked counts.
        """
        rest = np.zeros(len(self._animator.action_units), np.float32)
        moments = self._request.moments()
        if seconds:
            moments = np.minimum(moments, seconds)
        units = self._targets(moments, rest)
        return units[units.sum(1).argmax()]

    def _targets(self, times: np.ndarray, source: np.ndarray) -> np.ndarray:
        """float32 (F, N): what is asked of a face that shows `source` (N,) at these times."""
        request, names = self._request, self._animator.action_units
        base = request.goal.target(source, names)
        if request.drive is not None:
            base = request.drive.onto(base, times)
        elif request.timeline is not None:
            base = request.timeline.units(base, names, times)
        rows = np.broadcast_to(base.astype(np.float32), (len(times), len(names)))
        return request.clamped(rows, names)
