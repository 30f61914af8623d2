"""A photograph fitted with the face model: shown again with any expression."""

import dataclasses
import functools

import cv2
import numpy as np

from ganimation_tf.errors import InputError
from ganimation_tf.faces.alignment import WARP_LIMIT
from ganimation_tf.synthetic.reanimation import action_shapes, eyes, fitting, shading
from ganimation_tf.synthetic.reanimation.face_model import FaceModel, head

MAX_ERROR = 0.03
"""Mean distance of landmarks from the fitted model's, in distances between the outer eye corners;
beyond it glasses, hands, turned heads or wrong landmarks are likely."""
MAX_YAW, MAX_PITCH = 24.0, 20.0
LEAST_EYE_DISTANCE = 24.0
"""Pixels between the outer eye corners: below it eyes are four pixels wide."""

CLOSED_EYES = 0.1
"""Mean opening of the eyes, as a share of their width, below which nobody sees what they look like.
Of 134 portraits with open eyes the narrowest have 0.15; blinks of 0.8 and more lie below 0.06."""


class RejectedPortrait(InputError):
    """A photograph that cannot be re-animated.

    Its code is `bad_landmarks`, `landmarks_elsewhere`, `face_at_border`, `eyes_too_small`,
    `eyes_closed`, `turned_away` or `residual`; of an annotation `no_landmarks`; of a donor of skin
    `unlike`.
    """


@dataclasses.dataclass(frozen=True, eq=False)
class Portrait:
    """A photograph whose face is known well enough to move it.

    Attributes:
        model: the face model.
        photo: uint8 (height, width, 3) RGB.
        fit: camera, person and expression of the photo.
        source: float32 (S, 2), the photo's pixel that each vertex of the skin shows.
        normals: float32 (S, 3), the skin's normals in the photo.
        light: float64 (9,), of `shading.fit_light`.
        eyeballs: the person's right and left one.
        white: float32 (3,), the colour in [0, 255] of what has albedo 1 in this light.
    """

    model: FaceModel
    photo: np.ndarray
    fit: fitting.Fit
    source: np.ndarray
    normals: np.ndarray
    light: np.ndarray
    eyeballs: tuple[eyes.Eyeball, eyes.Eyeball]
    white: np.ndarray

    @classmethod
    def from_photo(
        cls,
        photo: np.ndarray,
        landmarks: np.ndarray,
        model: FaceModel,
        expression: np.ndarray | None = None,
    ) -> "Portrait":
        """Fits the model to a photograph.

        Args:
            photo: uint8 (height, width, 3) RGB.
            landmarks: float (68, 2) in its pixels, the iBUG mark-up.
            expression: float (E,), the coefficients that the face is thought to have, from
                `action_shapes.expression_from_blendshapes` or `action_shapes.coefficients`;
                None: a neutral face.

        Raises:
            RejectedPortrait: with a reason code, if the photo cannot be used.
        """
        landmarks = _checked(photo, landmarks)
        if expression is None:
            expression = np.zeros(len(model.expression_names))
        fitted = fitting.fit(model, landmarks, np.clip(expression, 0, 1))
        _require_usable(fitted)
        count = model.skin_vertices
        shape = head(model, fitted.identity, fitted.expression)
        points, turned = fitted.camera.project(shape[:count])
        source = points + model.spread[:count] @ fitted.residual.astype(np.float32)
        normals = shading.vertex_normals(turned, model.skin, count)
        light, white = _light(photo, source, normals)
        right, left = (
            eyes.complete_eyeball(photo, source[lid], fitted.camera.scale) for lid in model.lids
        )
        return cls(model, photo, fitted, source, normals, light, (right, left), white)

    @functools.cached_property
    def kept(self) -> np.ndarray:
        """float64 (E,): coefficients that are no expression, the gaze."""
        return self.fit.expression * action_shapes.kept(self.model.expression_names)

    @functools.cached_property
    def neutral(self) -> np.ndarray:
        """float32 (V, 3) in centimetres: the person without expression."""
        return head(self.model, self.fit.identity, self.kept)

    @functools.cached_property
    def brightness(self) -> np.ndarray:
        """float32 (S,): what the photo's light makes of the skin's normals."""
        return shading.shade(self.light, self.normals)

    @functools.cached_property
    def residual(self) -> np.ndarray:
        """float32 (68, 2): the fit's residual without what would hold the neutral mouth open."""
        points, _ = self.fit.camera.project(self.neutral[self.model.landmarks])
        residual = self.fit.residual.copy()
        for upper, lower in ((61, 67), (62, 66), (63, 65)):
            gap = points[lower] + residual[lower] - points[upper] - residual[upper]
            residual[upper] += gap / 2
            residual[lower] -= gap / 2
        return residual.astype(np.float32)

    @functools.cached_property
    def drift(self) -> np.ndarray:
        """float32 (V, 2): how far the residual moves each vertex, in pixels of the photo."""
        return self.model.spread @ self.residual

    @functools.cached_property
    def box(self) -> np.ndarray:
        """int (2, 2): left, top and right, bottom of what expressions can reach in the photo."""
        eye_corners = self.source[self.model.landmarks[[36, 45]]]
        reach = 1.0 * float(np.linalg.norm(eye_corners[1] - eye_corners[0]))
        low, high = self.source.min(0) - reach, self.source.max(0) + reach
        limit = self.photo.shape[1::-1]
        return np.stack(
            [np.clip(np.floor(low), 0, limit), np.clip(np.ceil(high), 0, limit)]
        ).astype(int)

    @functools.cached_property
    def levels(self) -> list[np.ndarray]:
        """The photo and its halves, for frames smaller than it."""
        levels = [self.photo]
        while min(levels[-1].shape[:2]) >= 64:
            height, width = levels[-1].shape[:2]
            half = (width // 2, height // 2)
            levels.append(cv2.resize(levels[-1], half, interpolation=cv2.INTER_AREA))
        return levels


def _checked(photo: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    landmarks = np.asarray(landmarks, np.float64)
    if landmarks.shape != (68, 2) or not np.isfinite(landmarks).all():
        raise RejectedPortrait(
            "bad_landmarks", f"landmarks must be 68 finite points, got shape {landmarks.shape}"
        )
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
        raise ValueError(f"photo must be uint8 (height, width, 3), got {photo.dtype} {photo.shape}")
    height, width = photo.shape[:2]
    if max(height, width) > WARP_LIMIT:
        raise RejectedPortrait(
            "too_wide", f"a photo has at most {WARP_LIMIT} pixels a side, got {width} x {height}"
        )
    low, high = landmarks.min(0), landmarks.max(0)
    if (high < 0).any() or (low > [width - 1, height - 1]).any():
        raise RejectedPortrait(
            "landmarks_elsewhere",
            f"landmarks must lie in the photo of {width} x {height}, got x to {high[0]:.0f} and "
            f"y to {high[1]:.0f}: they are another picture's",
        )
    if (low < 0).any() or (high > [width - 1, height - 1]).any():
        raise RejectedPortrait(
            "face_at_border",
            f"the face must lie within the photo of {width} x {height}, got x {low[0]:.0f} to "
            f"{high[0]:.0f}, y {low[1]:.0f} to {high[1]:.0f}",
        )
    distance = np.linalg.norm(landmarks[45] - landmarks[36])
    if distance < LEAST_EYE_DISTANCE:
        raise RejectedPortrait(
            "eyes_too_small",
            f"the outer eye corners must be {LEAST_EYE_DISTANCE:g} pixels apart, "
            f"got {distance:.1f}",
        )
    opening = np.mean([_opening(landmarks[eye]) for eye in (slice(36, 42), slice(42, 48))])
    if opening < CLOSED_EYES:
        raise RejectedPortrait(
            "eyes_closed",
            f"the eyes must be open by {CLOSED_EYES:g} of their width, got {opening:.2f}",
        )
    return landmarks


def _opening(eye: np.ndarray) -> float:
    """Height over width of the six points of an eye (6, 2)."""
    width = max(float(np.linalg.norm(eye[3] - eye[0])), 1e-6)
    heights = np.linalg.norm(eye[[1, 2]] - eye[[5, 4]], axis=1)
    return float(heights.mean()) / width


def _require_usable(fitted: fitting.Fit) -> None:
    camera = fitted.camera
    if abs(camera.yaw) > MAX_YAW or abs(camera.pitch) > MAX_PITCH:
        raise RejectedPortrait(
            "turned_away",
            f"yaw must be within {MAX_YAW:g} and pitch within {MAX_PITCH:g} degrees, "
            f"got {camera.yaw:.0f} and {camera.pitch:.0f}",
        )
    if fitted.error > MAX_ERROR:
        raise RejectedPortrait(
            "residual",
            f"landmarks must fit the face model within {MAX_ERROR:g} of the distance between the "
            f"outer eye corners, got {fitted.error:.3f}",
        )


def _light(
    photo: np.ndarray, source: np.ndarray, normals: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The light on the skin, and the colour of white in it."""
    sampled = cv2.remap(
        photo, source[None, :, :], None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )[0].astype(np.float64)
    seen = normals[:, 2] > 0.25
    brightness = sampled @ [0.299, 0.587, 0.114] / 255
    light = shading.fit_light(normals[seen], brightness[seen])
    # Teeth in the shade of a dark face are as white as in a light one's: by the light's level,
    # of which skin shows its albedo's part; 150 keeps dim photos dim.
    level = np.percentile(brightness[seen], 85)
    gain = 255 * np.clip(0.45 + 0.5 * level, 0.5, 0.92)
    tint = np.clip(sampled[seen].mean(0) / max(sampled[seen].mean(), 1), 0.85, 1.15)
    return light, (gain * tint**0.35).astype(np.float32)
