"""A portrait seen through one frame: rendered with any action units."""

import dataclasses
import functools

import cv2
import numpy as np

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.synthetic.reanimation import action_shapes, fitting, mouth, shading
from ganimation_tf.synthetic.reanimation.creases import crease_shades
from ganimation_tf.synthetic.reanimation.portrait import Portrait, head
from ganimation_tf.synthetic.reanimation.rasterizer import interpolate, rasterize

SAMPLES = 2
"""Samples a pixel in each direction."""
EXPRESSION_REACH = 0.35
"""How far outside the mesh the picture follows an expression, in eye distances: beyond it all
expressions of one view are equal to the bit."""

LASH_SHADE = 0.5
"""How much of the light lashes of a closed lid take away."""
LID_OVERLAP = 0.02
"""How far a closed upper lid reaches over the lower one, in widths of the eye."""


@dataclasses.dataclass(frozen=True, eq=False)
class Variation:
    """What makes another person or picture of a portrait; the same for all its expressions.

    Attributes:
        yaw, pitch: degrees by which the head is turned to the viewer's right and raised.
        identity: float (K,), added to the person's coefficients, or None.
        light: float (9,), added to the light's terms relative to the first, or None.
        gain, gamma: float (3,) each, for red, green and blue of the finished picture.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    identity: np.ndarray | None = None
    light: np.ndarray | None = None
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gamma: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclasses.dataclass(frozen=True, eq=False)
class Rendering:
    """A face shown again.

    Attributes:
        image: uint8 (height, width, 3) RGB.
        landmarks: float32 (68, 2) of the moved face in its pixels.
        moved: bool (height, width), False where the picture is the photo's own for every
            expression of the view.
    """

    image: np.ndarray
    landmarks: np.ndarray
    moved: np.ndarray


class View:
    """A portrait, a variation of it, and the frame in which it is shown.

    Args:
        portrait: the fitted photograph.
        transform: float (2, 3), pixel of the frame -> pixel of the photo, as `faces.crop` takes
            it; None: the photo's own.
        shape: height and width of the frame in pixels; None: the photo's own.
        variation: None: the person and picture as photographed, but for the expression.
    """

    def __init__(
        self,
        portrait: Portrait,
        transform: np.ndarray | None = None,
        shape: tuple[int, int] | None = None,
        variation: Variation | None = None,
    ):
        self.portrait = portrait
        self.variation = variation or Variation()
        self.shape = shape or portrait.photo.shape[:2]
        transform = np.eye(2, 3) if transform is None else np.asarray(transform, np.float64)
        # Sample (0, 0) lies a quarter of a pixel left and above of the pixel's centre.
        self._to_photo = transform.copy()
        self._to_photo[:, :2] /= SAMPLES
        self._to_photo[:, 2] += transform[:, :2].sum(1) * (0.5 / SAMPLES - 0.5)
        self._from_photo = cv2.invertAffineTransform(self._to_photo)
        self._sampled = (self.shape[0] * SAMPLES, self.shape[1] * SAMPLES)
        fit = portrait.fit
        self._light = portrait.light
        if self.variation.light is not None:
            self._light = portrait.light + self.variation.light * portrait.light[0]
        identity = fit.identity
        if self.variation.identity is not None:
            identity = identity + self.variation.identity
        self._person = head(portrait.model, identity, portrait.kept)
        self._camera = self._turned_camera()
        self._crease_shades = crease_shades(portrait.model)
        model = portrait.model
        self._spread = model.spread @ portrait.residual
        distance = np.linalg.norm(
            portrait.source[model.landmarks[45]] - portrait.source[model.landmarks[36]]
        )
        self._eyes = float(distance * np.sqrt(abs(np.linalg.det(self._from_photo[:, :2]))))

    def landmarks(self, action_units: np.ndarray) -> np.ndarray:
        """float32 (68, 2) of the moved face in pixels of the frame."""
        points, _, _ = self._expressed(action_units)
        return ((points[self.portrait.model.landmarks] + 0.5) / SAMPLES - 0.5).astype(np.float32)

    def render(self, action_units: np.ndarray) -> Rendering:
        """The face with an expression.

        Args:
            action_units: float (17,) in [0, 1], or intensities by name with sides.
        """
        points, turned, closed = self._expressed(action_units)
        skin = self._skin(points, turned, self._creases(action_units))
        place, ratio, moved = self._neutral
        place, ratio, covered, also = self._extended(skin, place, ratio, EXPRESSION_REACH)
        image = self._lit(place, ratio)
        image = self._open(image, points, turned, covered, closed)
        image = cv2.resize(image, self.shape[::-1], interpolation=cv2.INTER_AREA)
        landmarks = (points[self.portrait.model.landmarks] + 0.5) / SAMPLES - 0.5
        moved = cv2.resize(moved | also, self.shape[::-1], interpolation=cv2.INTER_AREA) > 0
        return Rendering(self._graded(image), landmarks.astype(np.float32), moved)

    def _expressed(self, action_units) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The moved vertices as `_points` gives them, lids closed as far as they blink.

        The third tells how far the person's right and left lid are closed, each in [0, 1].
        """
        model = self.portrait.model
        weights = action_shapes.coefficients(action_units, model.expression_names)
        points, turned = self._points(self._person + self._moved(weights))
        closed = [weights[model.expression_names.index(f"eyeBlink_{side}")] for side in "RL"]
        for share, gaps, spread in zip(closed, self._lid_gaps, model.lid_spread, strict=True):
            if share > 0:
                points[: len(spread), 1] += spread @ (share * gaps)
        return points, turned, closed

    @functools.cached_property
    def _lid_gaps(self) -> list[np.ndarray]:
        """For each lid float32 (L,): how far down its vertices must still move to meet.

        The shape of a blink closes the mean person's eyes; here the edges of this person's lids
        meet. What is missing is measured where landmarks lie on both edges.
        """
        model = self.portrait.model
        weights = np.zeros(len(model.expression_names))
        for side in "LR":
            weights[model.expression_names.index(f"eyeBlink_{side}")] = 1.0
        points, _ = self._points(self._person + self._moved(weights))
        points = points[model.landmarks]
        found = []
        for lid, first in zip(model.lids, (36, 42), strict=True):
            upper, lower = points[[first + 1, first + 2], 1], points[[first + 5, first + 4], 1]
            width = np.ptp(points[first : first + 6, 0])
            gap = (lower - upper).mean() + LID_OVERLAP * width
            found.append(gap * _upper_half(model.neutral[lid]))
        return found

    def _creases(self, action_units) -> np.ndarray | None:
        """float32 (S,): what the expression's wrinkles leave of the light; None: no wrinkles."""
        both = action_shapes.by_side(action_units)
        used = [
            (intensity, self._crease_shades[OPENFACE.index(name), "LR".index(side)])
            for (name, side), intensity in both.items()
            if intensity > 0
        ]
        if not used:
            return None
        return np.exp(sum(np.float32(intensity) * shade for intensity, shade in used))

    def _moved(self, weights):
        model = self.portrait.model
        used = np.flatnonzero(weights)
        if not len(used):
            return np.zeros_like(model.neutral)
        flat = model.expression[used].reshape(len(used), -1)
        return (weights[used].astype(np.float32) @ flat).reshape(model.neutral.shape)

    def _turned_camera(self) -> fitting.Camera:
        """The photo's camera with the head turned; eyes and mouth stay where they are."""
        camera, change = self.portrait.fit.camera, self.variation
        # Radians about the viewer's axes: x to raise the head, y to turn it.
        turn = fitting.turn(np.radians([-change.pitch, change.yaw, 0.0]))
        turned = fitting.Camera(turn @ camera.rotation, camera.scale, camera.shift)
        middle = self._person[self.portrait.model.landmarks[[36, 39, 42, 45, 48, 54]]].mean(0)
        neutral = head(self.portrait.model, self.portrait.fit.identity, self.portrait.kept)
        before = neutral[self.portrait.model.landmarks[[36, 39, 42, 45, 48, 54]]].mean(0)
        move = camera.project(before[None])[0][0] - turned.project(middle[None])[0][0]
        return fitting.Camera(turned.rotation, camera.scale, camera.shift + move)

    def _points(self, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vertices in samples of the frame, float32 (V, 2), and turned in centimetres (V, 3)."""
        points, turned = self._camera.project(shape)
        points = points + self._spread
        matrix = self._from_photo.astype(np.float32)
        return points @ matrix[:, :2].T + matrix[:, 2], turned

    def _skin(self, points, turned, creases=None):
        """Covered samples and, at each, the photo's pixel and the fold's ratio: (P,), (P, 3)."""
        portrait, model = self.portrait, self.portrait.model
        count = model.skin_vertices
        normals = shading.vertex_normals(turned, model.skin, count)
        ratio = shading.shade(self._light, normals) / shading.shade(
            portrait.light, portrait.normals
        )
        ratio = np.clip(ratio, shading.LEAST_RATIO, shading.MOST_RATIO) ** model.foldable
        if creases is not None:
            ratio = ratio * creases
        values = np.concatenate([portrait.source, ratio[:, None]], 1)
        found = rasterize(points[:count], turned[:count, 2], model.skin, self._sampled)
        return found[0], interpolate(values, model.skin, *found[1:])

    @functools.cached_property
    def _neutral(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which photo pixel the neutral face shows at each sample, the ratio, and where it moved.

        The last is uint8, 255 where either differs from the photo.
        """
        height, width = self._sampled
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        matrix = self._to_photo.astype(np.float32)
        place = np.stack(
            [matrix[axis, 0] * x + matrix[axis, 1] * y + matrix[axis, 2] for axis in (0, 1)], 2
        )
        ratio = np.ones((height, width), np.float32)
        turned = abs(self.variation.yaw) + abs(self.variation.pitch) > 0
        changed = turned or self.variation.identity is not None or self.variation.light is not None
        reach = 1.2 if changed else 0.6
        skin = self._skin(*self._points(self._person))
        place, ratio, _, moved = self._extended(skin, place, ratio, reach)
        return place, ratio, moved

    def _extended(self, skin, place, ratio, reach):
        """The maps with the skin's values in it, fading into what they were outside of it."""
        pixels, values = skin
        height, width = self._sampled
        outside = np.ones(height * width, np.uint8)
        outside[pixels] = 0
        change = np.zeros((height * width, 3), np.float32)
        change[pixels, :2] = values[:, :2] - np.take(place.reshape(-1, 2), pixels, axis=0)
        change[pixels, 2] = values[:, 2] - np.take(ratio.ravel(), pixels)
        distance, labels = cv2.distanceTransformWithLabels(
            outside.reshape(height, width), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
        )
        distance, labels = distance.ravel(), labels.ravel()
        owner = np.zeros(labels.max() + 1, np.int64)
        owner[np.take(labels, pixels)] = pixels
        near = np.flatnonzero((distance < reach * self._eyes) & (distance > 0))
        away = np.take(distance, near)
        change[near] = np.take(change, np.take(owner, np.take(labels, near)), axis=0)
        smooth = cv2.blur(change.reshape(height, width, 3), (9, 9)).reshape(-1, 3)
        mix = np.minimum(away / 6, 1)[:, None]
        fade = 1 - away / (reach * self._eyes)
        fade = (fade * fade * (3 - 2 * fade))[:, None]
        own = np.take(change, near, axis=0)
        change[near] = (own + (np.take(smooth, near, axis=0) - own) * mix) * fade
        change = change.reshape(height, width, 3)
        moved = (1 - outside) * np.uint8(255)
        moved[near] = 255
        covered = outside.reshape(height, width) == 0
        return (
            place + change[..., :2],
            ratio + change[..., 2],
            covered,
            moved.reshape(height, width),
        )

    def _lit(self, place, ratio) -> np.ndarray:
        """The photo's pixels at these places times the ratio: float32 (h, w, 3)."""
        step = np.sqrt(abs(np.linalg.det(self._to_photo[:, :2])))
        level = int(np.clip(np.log2(max(step, 1)), 0, len(self.portrait.levels) - 1))
        photo = self.portrait.levels[level]
        if level:
            scale = np.array(photo.shape[1::-1], np.float32) / self.portrait.photo.shape[1::-1]
            place = (place + 0.5) * scale.astype(np.float32) - 0.5
        sampled = cv2.remap(photo, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        return sampled * ratio[..., None]

    def _open(self, image, points, turned, covered, closed):
        """Eyes and mouth where the skin leaves them open."""
        soft = cv2.blur(covered.astype(np.float32), (3, 3))
        model = self.portrait.model
        for side, lid in enumerate(model.lids):
            if closed[side] > 0:
                self._cover(image, side, closed[side])
            patch = self.portrait.eyeballs[side].patch
            self._show(
                image,
                soft,
                points[lid],
                lambda *box, patch=patch, side=side: self._from_patch(patch, side, *box),
            )
            if closed[side] > 0:
                self._lash_line(image, points, side, closed[side])
        self._show(image, soft, points[model.lips], lambda *box: self._mouth(points, turned, *box))
        return image

    def _show(self, image, soft, outline, paint) -> None:
        """Blends `paint(left, top, right, bottom)` into the opening within `outline`."""
        height, width = self._sampled
        left, top = np.maximum(np.floor(outline.min(0)).astype(int) - 2, 0)
        right, bottom = np.minimum(np.ceil(outline.max(0)).astype(int) + 3, [width, height])
        if right <= left or bottom <= top:
            return
        opening = np.zeros((bottom - top, right - left), np.uint8)
        polygon = np.round((outline - [left, top]) * 16).astype(np.int32)
        cv2.fillPoly(opening, [polygon], 1, shift=4)
        opening = cv2.dilate(opening, np.ones((3, 3), np.uint8))
        alpha = (1 - soft[top:bottom, left:right]) * opening
        if alpha.max() <= 0:
            return
        layer = paint(left, top, right, bottom)
        region = image[top:bottom, left:right]
        region += (layer - region) * alpha[..., None]

    def _cover(self, image, side, closed) -> None:
        """Skin of a closed lid over the place where the eye is open at rest."""
        outline = self._points(self._person)[0][self.portrait.model.lids[side]]
        height, width = self._sampled
        reach = 0.12 * np.ptp(outline[:, 0])
        left, top = np.maximum(np.floor(outline.min(0) - 3 * reach).astype(int), 0)
        right, bottom = np.minimum(np.ceil(outline.max(0) + 3 * reach).astype(int), [width, height])
        if right <= left or bottom <= top:
            return
        mask = np.zeros((bottom - top, right - left), np.float32)
        for rise in (0.0, 0.8 * reach):  # lashes stand above the open eye's edge
            polygon = np.round((outline - [left, top + rise]) * 16).astype(np.int32)
            cv2.fillPoly(mask, [polygon], 1.0, shift=4)
        mask = cv2.GaussianBlur(mask, (0, 0), 0.6 * reach) * min(1.0, 1.6 * closed)
        skin = self._from_patch(self.portrait.eyeballs[side].lid, side, left, top, right, bottom)
        region = image[top:bottom, left:right]
        region += (skin - region) * mask[..., None]

    def _lash_line(self, image, points, side, closed) -> None:
        """The dark edge of a closing upper lid."""
        first = (36, 42)[side]
        edge = points[self.portrait.model.landmarks[first : first + 4]]
        width = np.linalg.norm(edge[3] - edge[0])
        # A parabola through the four points of the upper edge.
        along = np.linspace(0, 1, 12)
        at = np.clip((edge - edge[0]) @ (edge[3] - edge[0]) / max(width**2, 1e-6), 0, 1)
        curve = np.stack(
            [np.polyval(np.polyfit(at, edge[:, axis], 2), along) for axis in (0, 1)], 1
        )
        left, top = np.maximum(np.floor(curve.min(0) - 0.2 * width).astype(int), 0)
        right, bottom = np.ceil(curve.max(0) + 0.2 * width).astype(int)
        region = image[top:bottom, left:right]
        if not region.size:
            return
        mask = np.zeros(region.shape[:2], np.uint8)
        line = np.round((curve - [left, top]) * 16).astype(np.int32)
        cv2.polylines(mask, [line], False, 255, max(1, round(0.05 * width)), cv2.LINE_AA, 4)
        mask = cv2.GaussianBlur(mask, (0, 0), max(0.02 * width, 0.5))
        region *= 1 - mask[..., None] * np.float32(LASH_SHADE / 255 * min(1.0, 1.5 * closed))

    def _from_patch(self, patch, side, left, top, right, bottom) -> np.ndarray:
        ball = self.portrait.eyeballs[side]
        model = self.portrait.model
        lid = model.lids[side]
        matrix = np.vstack([self._to_photo, [0, 0, 1]])
        matrix = np.vstack([ball.transform, [0, 0, 1]]) @ matrix
        # The eyeball follows a turned head as the rim of the eye does.
        neutral = self._points(self._person)[0][lid].mean(0)
        before = self._from_photo @ [*self.portrait.source[lid].mean(0), 1]
        shifted = matrix[:2].copy()
        shifted[:, 2] += matrix[:2, :2] @ (np.array([left, top]) - (neutral - before))
        return cv2.warpAffine(
            patch,
            shifted,
            (int(right - left), int(bottom - top)),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ).astype(np.float32)

    def _mouth(self, points, turned, left, top, right, bottom) -> np.ndarray:
        model = self.portrait.model
        shape = (int(bottom - top), int(right - left))
        local = points - np.array([left, top], np.float32)
        a = local[model.interior].mean(1)
        near = ((a > -4) & (a < np.array(shape[::-1]) + 4)).all(1)
        corners, part = model.interior[near], model.interior_part[near]
        layer = np.empty((*shape, 3), np.float32)
        layer[:] = mouth.ALBEDO[0] * self.portrait.white * mouth.LEAST_LIGHT
        pixels, triangles, _ = rasterize(local, turned[:, 2], corners, shape)
        depth = float(turned[model.lips, 2].mean())
        colors = mouth.interior_colors(
            turned, corners, part, self._light, depth, self.portrait.white
        )
        layer.reshape(-1, 3)[pixels] = np.take(colors, triangles, axis=0)
        return cv2.GaussianBlur(layer, (3, 3), 0)

    def _graded(self, image: np.ndarray) -> np.ndarray:
        image = np.clip(np.round(image), 0, 255).astype(np.uint8)
        change = self.variation
        if change.gain == change.gamma == (1.0, 1.0, 1.0):
            return image
        level = np.arange(256)[:, None] / 255
        table = np.clip(np.power(level, change.gamma) * change.gain, 0, 1) * 255
        return cv2.LUT(image, np.round(table).astype(np.uint8)[None])


def _upper_half(rim: np.ndarray) -> np.ndarray:
    """float32 (L,) in [0, 1]: 1 in the middle of the upper half of a loop, 0 from the corners down.

    Args:
        rim: float (L, 3), the loop of the open eye, y up.
    """
    left, right = rim[rim[:, 0].argmin()], rim[rim[:, 0].argmax()]
    part = (rim[:, 0] - left[0]) / (right[0] - left[0])
    upper = rim[:, 1] > left[1] + part * (right[1] - left[1]) + 1e-6
    return (upper * np.clip(8 * part * (1 - part), 0, 1)).astype(np.float32)
