"""The same faces from frame to frame."""

import dataclasses

import numpy as np

from ganimation_tf.errors import UserError
from ganimation_tf.faces import alignment, finding
from ganimation_tf.faces.finding import Face, FaceFinder

LOOK = alignment.CropSpec(24, 0.0)
"""The crop by which a face is known again: shading and colouring, without detail."""

SAME = 0.5
"""Correlation of two such crops from which they show one face."""


@dataclasses.dataclass
class _Tracked:
    """A face that is followed.

    Attributes:
        look: what it looks like.
        face: where it is; None where it is not seen.
        size: of its box when it was last seen, in pixels.
    """

    look: np.ndarray
    face: Face | None
    size: float = 0.0


class Tracker:
    """Follows the chosen faces of a video; one that comes back is the same one.

    Args:
        which: as `finding.choose`; it is applied to the first frame in which there is a face.
    """

    def __init__(self, finder: FaceFinder, which: str):
        self._finder = finder
        self._which = which
        self._tracked: list[_Tracked] = []

    def step(self, frame: np.ndarray) -> list[tuple[int, Face]]:
        """The faces that are seen in the next frame, each with its number, which it keeps."""
        lost = self._follow(frame)
        if lost or not self._tracked:
            self._search(frame, lost)
        for tracked in self._tracked:
            if tracked.face:
                tracked.size = float(tracked.face.box[2:].max())
                tracked.look = 0.95 * tracked.look + 0.05 * _look(frame, tracked.face)
        return [(n, tracked.face) for n, tracked in enumerate(self._tracked) if tracked.face]

    def _follow(self, frame: np.ndarray) -> list[_Tracked]:
        """Looks where the faces were; returns those that are not there."""
        for tracked in self._tracked:
            if not tracked.face:
                continue
            tracked.face = self._finder.follow(frame, tracked.face)
            if tracked.face and _likeness(tracked.look, frame, tracked.face) < SAME:
                tracked.face = None  # someone else stands there: a cut
        return [tracked for tracked in self._tracked if not tracked.face]

    def _search(self, frame: np.ndarray, lost: list[_Tracked]) -> None:
        taken = [tracked.face for tracked in self._tracked if tracked.face]
        smallest = min((tracked.size for tracked in self._tracked), default=0.0)
        seen = self._finder.find(frame, smallest / 2)
        faces = [face for face in seen if not _any_same(face, taken)]
        if not self._tracked:
            try:
                chosen = finding.choose(faces, self._which, "the video")
            except UserError:
                if faces:
                    raise
                return  # the first face may come later
            self._tracked = [_Tracked(_look(frame, face), face) for face in chosen]
            return
        for tracked in lost:
            likeness = [_likeness(tracked.look, frame, face) for face in faces]
            if faces and max(likeness) >= SAME:
                tracked.face = faces.pop(int(np.argmax(likeness)))


def _any_same(face: Face, others: list[Face]) -> bool:
    return any(finding.within(face, other) for other in others)


def _look(frame: np.ndarray, face: Face) -> np.ndarray:
    """The crop's pixels as a vector of mean 0 and length 1."""
    crop = alignment.crop(frame, alignment.crop_transform(face.anchors, LOOK), LOOK.size)
    values = crop.astype(np.float64).ravel()
    values -= values.mean()
    return values / max(float(np.linalg.norm(values)), 1e-9)


def _likeness(look: np.ndarray, frame: np.ndarray, face: Face) -> float:
    return float(look @ _look(frame, face) / max(float(np.linalg.norm(look)), 1e-9))
