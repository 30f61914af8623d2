"""Expressions over time: key frames, and the AUs of every frame between them.

Files of key frames are read by `keyframes`.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ganimation_tf import expressions
from ganimation_tf.errors import UserError
from ganimation_tf.expressions import Change, Expression

EASINGS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "ease": lambda part: (1 - np.cos(math.pi * part)) / 2,
    "linear": lambda part: part,
    "ease-in": lambda part: part**2,
    "ease-out": lambda part: 1 - (1 - part) ** 2,
    "hold": lambda part: np.zeros_like(part),
}
"""How a face goes from one key frame to the next: part of the time in [0, 1] to part of the way."""

LONGEST = 600.0
"""Seconds that a timeline may last."""


@dataclasses.dataclass(frozen=True)
class KeyFrame:
    """What a face shows at a moment.

    Attributes:
        time: seconds.
        expression: what it shows then.
        easing: one of `EASINGS`, the way from here to the next.
    """

    time: float
    expression: Expression
    easing: str = "ease"


@dataclasses.dataclass(frozen=True)
class Timeline:
    """Key frames in the order of their times, at least one.

    Attributes:
        loop: whether it ends where it begins and is played again and again; the frame that would
            repeat the first is then left out.

    Raises:
        UserError: if there are none, two have one time, or a time or easing is out of range.
    """

    frames: tuple[KeyFrame, ...]
    loop: bool = False

    def __post_init__(self):
        if not self.frames:
            raise UserError("a timeline needs at least one key frame, got none")
        times = [frame.time for frame in self.frames]
        for time in times:
            if not 0 <= time <= LONGEST:
                raise UserError(f"the time of a key frame must be in [0, {LONGEST:g}], got {time}")
        for before, after in zip(times, times[1:], strict=False):
            if not before < after:
                raise UserError(
                    f"times of key frames must increase, got {after:g} after {before:g}"
                )
        for frame in self.frames:
            if not isinstance(frame.easing, str) or frame.easing not in EASINGS:
                raise UserError(f"an easing is one of {', '.join(EASINGS)}, got {frame.easing!r}")

    @property
    def seconds(self) -> float:
        """From its beginning, at time 0, to its last key frame."""
        return self.frames[-1].time

    def named(self) -> list[str]:
        """The AUs that its key frames name, each once."""
        return list(dict.fromkeys(au for frame in self.frames for au in frame.expression.named()))

    def times(self, frames_per_second: float) -> np.ndarray:
        """float64 (F,), when each frame is shown."""
        count = max(1, round(self.seconds * frames_per_second) + (not self.loop))
        return np.arange(count) / frames_per_second

    def units(self, source: np.ndarray, names: Sequence[str], times: np.ndarray) -> np.ndarray:
        """The AUs of frames.

        Args:
            source: float (N,) in [0, 1], what the face shows by itself, or (F, N), what it shows
                in each frame.
            names: the N names.
            times: (F,) seconds; before the first key frame it is that one, after the last the last.

        Returns:
            float32 (F, N) in [0, 1].
        """
        rows = np.broadcast_to(np.asarray(source, np.float64), (len(times), len(names)))
        keys = np.array([frame.time for frame in self.frames])
        before = np.clip(np.searchsorted(keys, times, side="right") - 1, 0, len(keys) - 1)
        after = np.minimum(before + 1, len(keys) - 1)
        span = np.maximum(keys[after] - keys[before], 1e-9)
        part = np.clip((times - keys[before]) / span, 0.0, 1.0)
        for place, frame in enumerate(self.frames):
            here = before == place
            part[here] = EASINGS[frame.easing](part[here])
        targets = np.stack([_targets(frame.expression, rows, names) for frame in self.frames])
        index = np.arange(len(times))
        way = part[:, None]
        mixed = targets[before, index] * (1 - way) + targets[after, index] * way
        return np.clip(mixed, 0.0, 1.0).astype(np.float32)


def _targets(one: Expression, rows: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """(F, N): what an expression makes of each row."""
    if not len(rows):
        return np.zeros((0, len(names)))
    # Most often one photo, all of whose frames have one source.
    if (rows == rows[0]).all():
        return np.broadcast_to(one.target(rows[0], names), rows.shape)
    return np.stack([one.target(row, names) for row in rows])


def there_and_back(goal: Expression, frames: int, frames_per_second: float) -> Timeline:
    """From what the face shows to the expression and back, to be played in a loop.

    Args:
        frames: from 2; the expression itself is one of them, half-way if their number is even.
    """
    own = Expression()
    top, end = (number / frames_per_second for number in (frames // 2, frames))
    return Timeline((KeyFrame(0.0, own), KeyFrame(top, goal), KeyFrame(end, own)), loop=True)


def there(goal: Expression, seconds: float) -> Timeline:
    """From what the face shows to the expression in even steps."""
    return Timeline((KeyFrame(0.0, Expression(), "linear"), KeyFrame(seconds, goal, "linear")))


def sweep(aus: Sequence[str], frames: int, frames_per_second: float) -> Timeline:
    """Each AU by itself from 0 to 1 and back, one after the other, in a loop.

    Args:
        frames: of each AU, from 2; it is 1 in one of them.
    """
    keys = []
    for place, name in enumerate(aus):
        for number, value in ((0, 0.0), (frames // 2, 1.0)):
            one = Expression((Change(name, expressions.SET, value),))
            keys.append(KeyFrame((place * frames + number) / frames_per_second, one))
    keys.append(KeyFrame(len(aus) * frames / frames_per_second, keys[0].expression))
    return Timeline(tuple(keys), loop=True)
