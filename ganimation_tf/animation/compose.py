"""An edit of a small crop put back into its photo, at the photo's own resolution.

What the model says of the crop, where pixels come from (flow) and where it paints (attention mask,
color mask), is smooth and can be enlarged. So the photo's own pixels are moved, the color mask is
seen only where the model paints, and every other pixel stays as it is, bit for bit.

Coordinates are (x, y) in pixels with pixel centres at whole numbers, as in `faces.alignment`.
"""

import copy
import dataclasses
import functools
from collections.abc import Iterator

import cv2
import numpy as np

from ganimation_tf.faces import alignment, sampling

FADE = 1 / 16
"""Part of the crop's side over which an edit fades to nothing at the crop's edge."""

STILL = 0.01
"""Pixels of the photo; what moves by less stays where it is."""

UNPAINTED = 1 / 512
"""Of the attention mask: painting less than this would change no 8-bit value by one half."""

STRIP_PIXELS = 2**20

GRAIN_LIMIT = 6.0
"""Of 255: what is stronger is texture of the scene and no grain."""

FACE_OVAL = np.array([[-1.25, -1.05], [1.25, 2.35]])
"""Left top and right bottom of the ellipse, in units of the distance between the eyes from the
point between them, beyond which a face's muscles move nothing: from the hairline to below a
dropped chin. It stands for a face whose outline is not known."""

CHIN_DROP = 0.45
FACE_MARGIN = 0.16
"""What the outline of a face is widened by, downwards for the jaw and all round, in the same
unit."""


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
        support: float (S, S) in [0, 1], where the crop may change at all; None: `face_support`.
        grain: whether what is painted gets the photo's grain.

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
        support: np.ndarray | None = None,
        grain: bool = True,
    ):
        size = spec.size
        self._photo = photo
        self.transform = np.array(transform, np.float64)
        self.crop = alignment.crop(photo, self.transform, size).astype(np.float32) / 255
        support = face_support(spec) if support is None else support
        self._weight = (_edge_fade(size) * support).astype(np.float32)[..., None]
        self._grain = _grain_deviation(self._cut(*self._box(0, 0, size, size))) if grain else 0.0

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
        result = self._photo.copy() if onto is None else onto
        if edit.flow is None:
            return self._add_difference(edit, result)
        paint = np.clip((1 - edit.attention) * self._weight, 0, 1)
        fields = np.concatenate([edit.flow * self._weight, paint], -1)
        moving = cv2.max(np.abs(fields[..., 0]), np.abs(fields[..., 1])) > STILL / 10
        active = (paint[..., 0] > UNPAINTED) | moving
        for box in self._strips(active):
            self._move_and_paint(fields, edit.color, box, result)
        return result

    def _move_and_paint(self, fields: np.ndarray, color: np.ndarray, box, result) -> None:
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
            color += self._grain / 255 * _noise(painted.shape[:2], left, top)
        color *= 255
        color -= painted
        color *= paint
        painted += color
        self._write(result, box, painted, touched)

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


def face_support(spec: alignment.CropSpec, points: np.ndarray | None = None) -> np.ndarray:
    """Where in a crop there is face, falling off smoothly.

    What lies behind the face must not move: a straight line there stays straight.

    Args:
        points: float (K, 2), landmarks in pixels of the crop that span the face from the forehead
            to the chin; None takes the oval of an average face.

    Returns:
        float32 (S, S) in [0, 1].
    """
    unit = (spec.size - 1) / (alignment.FACE_SIDE * (1 + 2 * spec.margin))
    if points is None:
        low, high = (FACE_OVAL - alignment.FACE_CENTER) * unit + (spec.size - 1) / 2
        centre, radius = (low + high) / 2, (high - low) / 2
        y, x = np.mgrid[: spec.size, : spec.size]
        distance = np.hypot((x - centre[0]) / radius[0], (y - centre[1]) / radius[1])
        return _smooth((1.1 - distance) / 0.2).astype(np.float32)
    points = np.concatenate([points, points + [0, CHIN_DROP * unit]]).astype(np.float32)
    outline = np.round(cv2.convexHull(points)[:, 0] * 16).astype(np.int32)  # 4 bits of a pixel
    outside = np.full((spec.size, spec.size), 255, np.uint8)
    cv2.fillConvexPoly(outside, outline, 0, cv2.LINE_AA, 4)
    distance = cv2.distanceTransform((outside > 127).astype(np.uint8), cv2.DIST_L2, 5)
    return _smooth(1.5 - distance / (FACE_MARGIN * unit)).astype(np.float32)


@functools.cache
def _edge_fade(size: int) -> np.ndarray:
    """(S, S): 0 on the crop's edge, 1 from `FADE` of its side on."""
    inside = np.arange(size)
    ramp = _smooth(np.minimum(inside, inside[::-1]) / (FADE * size))
    return np.minimum(ramp[:, None], ramp[None, :])


def _smooth(values: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, with no kink between."""
    values = np.clip(values, 0, 1)
    return values * values * (3 - 2 * values)


def _sample(photo: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The photo at these places, cubic; float32."""
    reach = np.array([[x.min(), y.min()], [x.max(), y.max()]])
    reach = np.column_stack([reach, [1, 1]])
    left, top, right, bottom = sampling.region(reach[:, :2], photo.shape[:2], 4)
    part = photo[top:bottom, left:right].astype(np.float32)
    return cv2.remap(
        part, x - left, y - top, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    ).reshape(*x.shape, 3)


def _grain_deviation(part: np.ndarray) -> float:
    """The standard deviation of the noise in a picture, of 255.

    The median of the finest diagonal wavelet coefficients, which edges and shading hardly reach
    (Donoho and Johnstone 1994).
    """
    height, width = (length // 2 * 2 for length in part.shape[:2])
    if not height or not width:
        return 0.0
    luma = cv2.cvtColor(part[:height, :width], cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = luma[::2, ::2] - luma[1::2, ::2] - luma[::2, 1::2] + luma[1::2, 1::2]
    return min(GRAIN_LIMIT, float(np.median(np.abs(fine))) / 2 / 0.6745)


@functools.lru_cache(maxsize=1)
def _noise_tile() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((256, 256), np.float32)


def _noise(shape: tuple[int, int], left: int, top: int) -> np.ndarray:
    """(height, width, 1) of deviation 1, always the same at a place of the photo: it holds still
    from frame to frame."""
    rows, columns = np.arange(top, top + shape[0]) % 256, np.arange(left, left + shape[1]) % 256
    return _noise_tile()[np.ix_(rows, columns)][..., None]
