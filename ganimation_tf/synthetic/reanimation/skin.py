"""More people from few photographs: the skin of one within the face of another.

What the light makes of a face is broad and what a person is made of is fine: brows, lips, moles,
wrinkles. The fine part of the donor's skin, lips and lids goes over the broad part of the
portrait's own, within the oval of the face. The result is a photograph like any other; who
re-animates it has pairs as exact as of the first one.
"""

import dataclasses

import cv2
import numpy as np

from ganimation_tf.synthetic.reanimation.face_model import head
from ganimation_tf.synthetic.reanimation.portrait import Portrait, RejectedPortrait
from ganimation_tf.synthetic.reanimation.rasterizer import interpolate, rasterize

MOST_TONE = 0.25
"""How far the natural logarithms of the skins' shades, middles and lights may differ, in any of
red, green and blue: a hard light does not go over a soft one."""
MOST_TURN = 14.0
"""Degrees by which the heads may be turned or raised differently."""
MOST_ZOOM = 0.6
"""How far the logarithms of the faces' sizes in pixels may differ."""
BROAD = 0.35
"""Standard deviation of what counts as broad, in eye distances."""
MOST_SHINE = 0.5
"""What the donor's fine part lightens at most, as a logarithm: the donor's light shines on skin
where the portrait's does not."""
_COARSE = 24
"""Pixels of an eye distance in which the broad part is found."""


@dataclasses.dataclass(frozen=True, eq=False)
class Appearance:
    """What decides whether skins can be exchanged; small, however large the photo is.

    Attributes:
        tone: float64 (3, 3), shades, middles and lights of the oval's skin, by colour, in [1, 256].
        yaw, pitch: the head's, in degrees.
        scale: pixels per centimetre.
    """

    tone: np.ndarray
    yaw: float
    pitch: float
    scale: float

    @classmethod
    def of(cls, portrait: Portrait) -> "Appearance":
        """How a portrait looks."""
        camera = portrait.fit.camera
        return cls(_tone(portrait), camera.yaw, camera.pitch, camera.scale)

    @property
    def coordinates(self) -> np.ndarray:
        """float64 (12,): two appearances differ by the most that one of these differs."""
        turn = [self.yaw / MOST_TURN, self.pitch / MOST_TURN]
        zoom = [np.log(self.scale) / MOST_ZOOM]
        return np.concatenate([np.log(self.tone).ravel() / MOST_TONE, turn, zoom])


def skin_difference(one: Appearance, other: Appearance) -> float:
    """How unlike two portraits are, 0 the same; up to 1 their skin can be exchanged."""
    return float(np.abs(one.coordinates - other.coordinates).max())


def exchange_skin(portrait: Portrait, donor: Portrait) -> np.ndarray:
    """uint8 (height, width, 3): the portrait's photo with the donor's skin; equal outside the oval.

    Hair, ears, neck, light, shape and expression stay; landmarks are where they were.

    Raises:
        RejectedPortrait: `unlike`, if `skin_difference` is above 1: the seam would be seen.
    """
    unlike = skin_difference(Appearance.of(portrait), Appearance.of(donor))
    if unlike > 1:
        message = f"skin can be exchanged up to a difference of 1, got {unlike:.2f}"
        raise RejectedPortrait("unlike", message)
    low, high = portrait.box
    place = np.s_[low[1] : high[1], low[0] : high[0]]
    own = portrait.photo[place].astype(np.float32)
    other, share = _warped(portrait, donor, own.shape[:2])
    coarse = min(1.0, _COARSE / _eye_distance(portrait))
    inside = (share > 0).astype(np.float32)
    other = np.log(other + 8)
    fine = other - _broad(other, inside, coarse)
    fine = np.where(fine > 0, MOST_SHINE * np.tanh(fine / MOST_SHINE), fine)
    broad = _broad(np.log(own + 8), inside, coarse)
    soft = cv2.GaussianBlur(share, (0, 0), max(0.02 * _eye_distance(portrait), 0.5)) * inside
    mixed = own + (np.exp(broad + fine) - 8 - own) * soft[..., None]
    photo = portrait.photo.copy()
    photo[place] = np.clip(np.round(mixed), 0, 255).astype(np.uint8)
    return photo


def _warped(
    portrait: Portrait, donor: Portrait, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The donor's pixels where the portrait's skin is, float32 (h, w, 3), and how much they count,
    float32 (h, w), within the portrait's box."""
    model, count = portrait.model, portrait.model.skin_vertices
    fit = portrait.fit
    turned = fit.camera.project(head(model, fit.identity, fit.expression)[:count])[1]
    facing = np.minimum(portrait.normals[:, 2], donor.normals[:, 2])
    share = model.oval * np.clip((facing - 0.1) / 0.3, 0, 1)
    values = np.concatenate([donor.source, share[:, None]], 1).astype(np.float32)
    points = portrait.source - portrait.box[0].astype(np.float32)
    pixels, *where = rasterize(points, turned[:, 2], model.skin, shape)
    laid = np.zeros((3, shape[0] * shape[1]), np.float32)
    laid[:, pixels] = interpolate(values, model.skin, *where).T
    x, y, share = laid.reshape(3, *shape)
    other = cv2.remap(donor.photo, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return other.astype(np.float32), share


def _broad(image: np.ndarray, inside: np.ndarray, coarse: float) -> np.ndarray:
    """The image smoothed over what lies inside, float32 (h, w, 3).

    Args:
        coarse: the scale at which it is smoothed: wide kernels on a large photo take seconds.
    """
    size = tuple(max(1, round(side * coarse)) for side in image.shape[1::-1])
    masked = np.concatenate([image * inside[..., None], inside[..., None]], 2)
    small = cv2.resize(masked, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), BROAD * _COARSE)
    small = small[..., :3] / np.maximum(small[..., 3:], 1e-3)
    return cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def _eye_distance(portrait: Portrait) -> float:
    corners = portrait.source[portrait.model.landmarks[[36, 45]]]
    return float(np.linalg.norm(corners[1] - corners[0]))


def _tone(portrait: Portrait) -> np.ndarray:
    """float64 (3, 3), as `Appearance.tone`."""
    shown = (portrait.model.oval > 0.9) & (portrait.normals[:, 2] > 0.5)
    place = portrait.source[shown][None]
    colors = cv2.remap(
        portrait.photo, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.percentile(colors[0], [25, 50, 90], axis=0) + 1.0
