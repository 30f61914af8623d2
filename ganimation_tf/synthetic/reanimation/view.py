"""A portrait seen through one frame: rendered with any action units."""

import functools

import cv2
import numpy as np

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.synthetic.reanimation import (
    action_shapes,
    field,
    fitting,
    openings,
    shading,
)
from ganimation_tf.synthetic.reanimation.action_shapes import Intensities
from ganimation_tf.synthetic.reanimation.creases import crease_shades
from ganimation_tf.synthetic.reanimation.face_model import head, mixed
from ganimation_tf.synthetic.reanimation.portrait import Portrait
from ganimation_tf.synthetic.reanimation.rasterizer import interpolate, rasterize
from ganimation_tf.synthetic.reanimation.rendering import Rendering, Variation

SAMPLES = 2
"""Samples a pixel in each direction."""
EXPRESSION_REACH = 0.35
"""How far outside the mesh the picture follows an expression, in eye distances: beyond it all
expressions of one view are equal to the bit."""
NEUTRAL_REACH, VARIATION_REACH = 0.6, 1.2
"""The same for what makes the photo neutral, and for another pose or person."""
LID_OVERLAP = 0.02
"""How far a closed upper lid reaches over the lower one, in widths of the eye."""

_LIDS, _BROWS = (slice(36, 40), slice(42, 46)), (slice(17, 22), slice(22, 27))
"""Landmarks along the upper lid and the brow: the person's right, then left."""


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
        distance = np.linalg.norm(
            portrait.source[model.landmarks[45]] - portrait.source[model.landmarks[36]]
        )
        self._step = float(np.sqrt(abs(np.linalg.det(self._to_photo[:, :2]))))
        self._eyes = float(distance) / self._step

    def landmarks(self, action_units: Intensities) -> np.ndarray:
        """float32 (68, 2) of the moved face in pixels of the frame."""
        points, _, _ = self._expressed(action_units)
        return self._marks(points)

    def _marks(self, points: np.ndarray) -> np.ndarray:
        marks = points[self.portrait.model.landmarks]
        return ((marks + 0.5) / SAMPLES - 0.5).astype(np.float32)

    def render(self, action_units: Intensities) -> Rendering:
        """The face with an expression.

        Args:
            action_units: float (17,) in [0, 1], or intensities by name with sides.
        """
        points, turned, closed = self._expressed(action_units)
        skin = self._skin(points, turned, self._folded(turned, action_units))
        changed = field.changed(self._neutral, *skin, EXPRESSION_REACH * self._eyes)
        image = field.sample(self.portrait.levels, changed, self._step)
        self._open(image, points, turned, changed.covered, closed)
        image = cv2.resize(image, self.shape[::-1], interpolation=cv2.INTER_AREA)
        moved = self._neutral.moved | changed.moved
        moved = cv2.resize(moved, self.shape[::-1], interpolation=cv2.INTER_AREA) > 0
        return Rendering(self.variation.graded(image), self._marks(points), moved)

    def _expressed(self, action_units: Intensities) -> tuple[np.ndarray, np.ndarray, list[float]]:
        """The moved vertices as `_points` gives them, lids closed as far as they blink.

        The third tells how far the person's right and left lid are closed, each in [0, 1].
        """
        model = self.portrait.model
        weights = action_shapes.coefficients(action_units, model.expression_names)
        points, turned = self._points(self._person + mixed(model.shown, weights))
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
        points, _ = self._points(self._person + mixed(model.shown, weights))
        points = points[model.landmarks]
        gaps = []
        for upper_half, first in zip(model.upper_lids, (36, 42), strict=True):
            upper, lower = points[[first + 1, first + 2], 1], points[[first + 5, first + 4], 1]
            width = np.ptp(points[first : first + 6, 0])
            gap = (lower - upper).mean() + LID_OVERLAP * width
            gaps.append(gap * upper_half)
        return gaps

    def _creases(self, action_units: Intensities) -> np.ndarray | None:
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

    def _turned_camera(self) -> fitting.Camera:
        """The photo's camera with the head turned; eyes and mouth stay where they are."""
        camera, change = self.portrait.fit.camera, self.variation
        # Radians about the viewer's axes: x to raise the head, y to turn it.
        turn = fitting.turn(np.radians([-change.pitch, change.yaw, 0.0]))
        turned = fitting.Camera(turn @ camera.rotation, camera.scale, camera.shift)
        fixed = self.portrait.model.landmarks[[36, 39, 42, 45, 48, 54]]
        middle = self._person[fixed].mean(0)
        before = self.portrait.neutral[fixed].mean(0)
        move = camera.project(before[None])[0][0] - turned.project(middle[None])[0][0]
        return fitting.Camera(turned.rotation, camera.scale, camera.shift + move)

    def _points(self, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vertices in samples of the frame, float32 (V, 2), and turned in centimetres (V, 3)."""
        points, turned = self._camera.project(shape)
        points = points + self.portrait.drift
        matrix = self._from_photo.astype(np.float32)
        return points @ matrix[:, :2].T + matrix[:, 2], turned

    def _skin(self, points, turned, ratio) -> tuple[np.ndarray, np.ndarray]:
        """Covered samples and, at each, the photo's pixel and the fold's ratio: (P,), (P, 3)."""
        portrait, model = self.portrait, self.portrait.model
        count = model.skin_vertices
        values = np.concatenate([portrait.source, ratio[:, None]], 1)
        surface = rasterize(points[:count], turned[:count, 2], model.skin, self._sampled)
        return surface[0], interpolate(values, model.skin, *surface[1:])

    def _relit(self, turned) -> np.ndarray:
        """float32 (S,): what the photo's brightness is multiplied by where normals turn."""
        portrait, model = self.portrait, self.portrait.model
        normals = shading.vertex_normals(turned, model.skin, model.skin_vertices)
        ratio = shading.shade(self._light, normals) / portrait.brightness
        return np.clip(ratio, shading.LEAST_RATIO, shading.MOST_RATIO) ** model.foldable

    @functools.cached_property
    def _rest_ratio(self) -> np.ndarray:
        """`_relit` of the neutral face."""
        return self._relit(self._rest[1])

    def _folded(self, turned, action_units: Intensities) -> np.ndarray:
        """float32 (S,): `_relit` with the wrinkles of an expression."""
        fold = shading.softened(self._relit(turned) / self._rest_ratio)
        creases = self._creases(action_units)
        return self._rest_ratio * (fold if creases is None else fold * creases)

    @functools.cached_property
    def _rest(self) -> tuple[np.ndarray, np.ndarray]:
        """`_points` of the neutral face."""
        return self._points(self._person)

    @functools.cached_property
    def _neutral(self) -> field.Field:
        """The neutral face in the frame."""
        change = self.variation
        changed = change.yaw or change.pitch or change.identity is not None
        changed = changed or change.light is not None
        reach = (VARIATION_REACH if changed else NEUTRAL_REACH) * self._eyes
        base = field.still(self._to_photo, self._sampled)
        return field.changed(base, *self._skin(*self._rest, self._rest_ratio), reach)

    def _open(self, image, points, turned, covered, closed) -> None:
        """Paints eyes and mouth where the skin leaves them open."""
        portrait, model = self.portrait, self.portrait.model
        open_share = 1 - cv2.blur(covered.astype(np.float32), (3, 3))
        for side, (ball, lid) in enumerate(zip(portrait.eyeballs, model.lids, strict=True)):
            to_patch = self._to_patch(ball, lid)
            skin = functools.partial(openings.warp_patch, ball.lid, to_patch)
            lid_points, brow = model.landmarks[_LIDS[side]], model.landmarks[_BROWS[side]]
            rest = openings.brow_above(self._rest[0][lid_points], self._rest[0][brow])
            openings.cover_lashes(image, points[lid_points], points[brow], rest, skin)
            if closed[side] > 0:
                openings.cover_eye(image, self._rest[0][lid], closed[side], skin)
            eye = functools.partial(openings.warp_patch, ball.patch, to_patch)
            openings.show(image, open_share, points[lid], eye)
            if closed[side] > 0:
                openings.draw_lashes(image, points[lid_points], closed[side])
        inside = functools.partial(openings.paint_mouth, model, points, turned, portrait.white)
        openings.show(image, open_share, points[model.lips], inside)

    def _to_patch(self, ball, lid) -> np.ndarray:
        """float64 (2, 3), sample -> pixel of an eye's patch.

        The eyeball follows a turned head as the rim of the eye does.
        """
        square = np.array([0.0, 0.0, 1.0])
        matrix = np.vstack([ball.transform, square]) @ np.vstack([self._to_photo, square])
        before = self._from_photo @ [*self.portrait.source[lid].mean(0), 1]
        matrix[:2, 2] += matrix[:2, :2] @ (before - self._rest[0][lid].mean(0))
        return matrix[:2]
