"""An edit of a small crop put back into its photo, at the photo's own resolution.

What the model says of the crop, where pixels come from (flow) and where it paints (attention mask,
color mask), is smooth and can be enlarged. So the photo's own pixels are moved, the color mask is
seen only where the model paints, and every other pixel stays as it is, bit for bit.

Coordinates are (x, y) in pixels with pixel centres at whole numbers, as in `faces.alignment`.
"""

import copy
import dataclasses
from collections.abc import Iterator

import cv2
import numpy as np

from ganimation_tf.animation import grain, support
from ganimation_tf.faces import alignment, sampling

FADE = 1 / 16
"""Part of the crop's side over which an edit fades to nothing at the crop's edge."""

STILL = 0.01
"""Pixels of the photo; what moves by less stays where it is."""

UNPAINTED = 1 / 512
"""Of the attention mask: painting less than this would change no 8-bit value by one half."""

STRIP_PIXELS = 2**20


@dataclasses.dataclass(frozen=True)
class Edit:
    """What a model made of one crop.

    Attributes:
        image: float32 (S, S, 3) in [0, 1].
        attention: float32 (S, S, 1) in [0, 1]; 1 keeps the pixel.
        color: float32 (S, S, 3) in [0, 1].
        flow: float32 (S, S, 2), x and y in crop pixels: pixel (y, x) of the result takes the
            input's (y + flow_y, x + flow_x); None of a model without.
    """

    image: np.ndarray
    attention: np.ndarray
    color: np.ndarray
    flow: np.ndarray | None = None


class Composer:
    """Puts edits of one crop back into its photo; what does not depend on the edit is done once.

    Args:
        photo: uint8 (height, width, 3).
        transform: (2, 3), crop pixel -> photo pixel.
        spec: the crop.
        within: float (S, S) in [0, 1], where the crop may change at all; None: an average
            face's.
        grainy: whether what is painted gets the photo's grain.

    Attributes:
        crop: float32 (S, S, 3) in [0, 1], what the model is given.
        transform: float64 (2, 3), crop pixel -> photo pixel.

    Raises:
        ValueError: if the crop lies outside the photo.
    """

    def __init__(
        self,
        photo: np.ndarray,
        transform: np.ndarray,
        spec: alignment.CropSpec,
        within: np.ndarray | None = None,
        grainy: bool = True,
    ):
        size = spec.size
        self._photo = photo
        self.transform = np.array(transform, np.float64)
        self.crop = alignment.crop(photo, self.transform, size).astype(np.float32) / 255
        within = support.face_support(spec) if within is None else within
        self._weight = (support.edge_fade(size, FADE) * within).astype(np.float32)[..., None]
        self._grain = grain.deviation(self._cut(*self._box(0, 0, size, size))) if grainy else 0.0

    def onto(self, reduced: np.ndarray) -> "Composer":
        """This one for a reduced copy of the photo, uint8; what the model is given stays."""
        twin = copy.copy(self)
        shape = self._photo.shape[:2]
        twin._photo = reduced
        twin.transform = sampling.rescaled(self.transform, shape, reduced.shape[:2])
        return twin

    def put_back(self, edit: Edit, onto: np.ndarray | None = None) -> np.ndarray:
        """The photo with the edit in it.

        Args:
            onto: uint8, a copy of the photo with other faces edited, which is changed in place;
                None takes a fresh copy.

        Returns:
            uint8 (height, width, 3).
        """
        edited = self._photo.copy() if onto is None else onto
        if edit.flow is None:
            return self._add_difference(edit, edited)
        paint = np.clip((1 - edit.attention) * self._weight, 0, 1)
        fields = np.concatenate([edit.flow * self._weight, paint], -1)
        moving = cv2.max(np.abs(fields[..., 0]), np.abs(fields[..., 1])) > STILL / 10
        active = (paint[..., 0] > UNPAINTED) | moving
        for box in self._strips(active):
            self._move_and_paint(fields, edit.color, box, edited)
        return edited

    def _move_and_paint(self, fields: np.ndarray, color: np.ndarray, box, edited) -> None:
        """One box of the photo; `fields` (S, S, 3) are flow, in crop pixels, and paint."""
        left, top, right, bottom = box
        fields = self._enlarge(fields, box)
        moved = cv2.transform(fields[..., :2], self.transform[:, :2].astype(np.float32))
        paint = np.clip(fields[..., 2], 0, 1)
        still = cv2.max(np.abs(moved[..., 0]), np.abs(moved[..., 1])) < STILL
        touched = ~still | (paint > UNPAINTED)
        paint = paint[..., None]
        x, y = np.meshgrid(
            np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32)
        )
        painted = _sample(self._photo, x + moved[..., 0], y + moved[..., 1])
        cv2.copyTo(self._cut(*box).astype(np.float32), still.view(np.uint8), painted)
        color = self._enlarge(color, box, cv2.BORDER_REPLICATE)
        if self._grain:
            color += self._grain / 255 * grain.noise(painted.shape[:2], left, top)
        color *= 255
        color -= painted
        color *= paint
        painted += color
        self._write(edited, box, painted, touched)

    def mask(self, values: np.ndarray, outside: float) -> np.ndarray:
        """A field of the crop over the photo, for showing it.

        Args:
            values: float (S, S, C).
            outside: what it is where the crop is not.

        Returns:
            float32 (height, width, C).
        """
        height, width = self._photo.shape[:2]
        laid = np.full((height, width, values.shape[-1]), outside, np.float32)
        size = values.shape[0]
        box = self._box(0, 0, size, size)
        left, top, right, bottom = box
        shown = self._enlarge(values.astype(np.float32), box, cv2.BORDER_REPLICATE)
        inside = self._enlarge(np.ones((size, size, 1), np.float32), box) > 0.5
        laid[top:bottom, left:right] = np.where(inside, shown, np.float32(outside))
        return laid

    def _add_difference(self, edit: Edit, result: np.ndarray) -> np.ndarray:
        """Without a flow: the change of the crop, enlarged, is added; the photo's detail stays."""
        change = (edit.image - self.crop) * self._weight * 255
        for box in self._strips(np.abs(change).max(-1) > 0.25):
            enlarged = self._enlarge(change, box)
            change_of = np.abs(enlarged)
            touched = (
                cv2.max(cv2.max(change_of[..., 0], change_of[..., 1]), change_of[..., 2]) > 0.25
            )
            self._write(result, box, self._cut(*box) + enlarged, touched)
        return result

    def _write(self, result, box, values, touched) -> None:
        """Rounds `values` into the box where `touched`, (height, width) of bool, says so."""
        left, top, right, bottom = box
        rounded = cv2.convertScaleAbs(np.maximum(values, 0))  # rounds half to even, clips at 255
        cv2.copyTo(rounded, touched.view(np.uint8), result[top:bottom, left:right])

    def _strips(self, active: np.ndarray) -> Iterator[tuple[int, int, int, int]]:
        """Boxes of the photo in which these pixels of the crop (S, S) lie, of at most
        `STRIP_PIXELS` each: a face of 80 megapixels is not in memory as floats at once.

        Two crop pixels more on each side, as far as cubic interpolation reaches.
        """
        rows, columns = np.flatnonzero(active.any(1)), np.flatnonzero(active.any(0))
        if not rows.size:
            return
        left, top, right, bottom = self._box(
            columns[0] - 2, rows[0] - 2, columns[-1] + 3, rows[-1] + 3
        )
        if right <= left:
            return
        height = max(1, STRIP_PIXELS // (right - left))
        for begin in range(top, bottom, height):
            yield left, begin, right, min(bottom, begin + height)

    def _box(self, left: int, top: int, right: int, bottom: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in the photo of a box of the crop, ends excluded."""
        corners = np.array([(x, y, 1) for x in (left, right) for y in (top, bottom)], np.float64)
        corners[:, :2] -= 0.5
        places = corners @ self.transform.T
        limits = np.array(self._photo.shape[1::-1])
        low = np.clip(np.floor(places.min(0)), 0, limits).astype(int)
        high = np.clip(np.ceil(places.max(0)) + 1, 0, limits).astype(int)
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])

    def _cut(self, left: int, top: int, right: int, bottom: int) -> np.ndarray:
        return self._photo[top:bottom, left:right]

    def _enlarge(self, field: np.ndarray, box, border: int = cv2.BORDER_CONSTANT) -> np.ndarray:
        """A field of the crop (S, S, C) over a box of the photo, by cubic interpolation."""
        left, top, right, bottom = box
        transform = self.transform.copy()
        transform[:, 2] -= (left, top)
        scale = alignment.scale_of(transform)
        if scale < 1:  # the photo has fewer pixels than the crop: none may be skipped
            field = cv2.GaussianBlur(field, (0, 0), 0.5 / scale, borderType=cv2.BORDER_REFLECT_101)
        shown = cv2.warpAffine(
            np.ascontiguousarray(field, np.float32),
            transform,
            (right - left, bottom - top),
            flags=cv2.INTER_CUBIC,
            borderMode=border,
        )
        return shown.reshape(bottom - top, right - left, field.shape[-1])


def _sample(photo: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The photo at these places, cubic; float32."""
    reach = np.array([[x.min(), y.min()], [x.max(), y.max()]])
    reach = np.column_stack([reach, [1, 1]])
    left, top, right, bottom = sampling.region(reach[:, :2], photo.shape[:2], 4)
    part = photo[top:bottom, left:right].astype(np.float32)
    # Of one pixel there is no other to reflect, and OpenCV looks for it for ever.
    border = cv2.BORDER_REPLICATE if 1 in part.shape[:2] else cv2.BORDER_REFLECT_101
    return cv2.remap(part, x - left, y - top, cv2.INTER_CUBIC, borderMode=border).reshape(
        *x.shape, 3
    )
